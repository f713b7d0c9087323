"""Options of commands that may run on a cluster, as this machine takes them."""

import pytest


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--workers", "4"), "--workers: is for --engine ray"),
        (("--gpus-per-worker", "1"), "--gpus-per-worker: is for --engine ray"),
        (("--engine", "ray", "--out", "x.parquet"), "writes a folder of parts"),
        (("--engine", "ray"), "give --out ANSWERS/"),
    ],
)
def test_what_makes_no_sense_here_is_one_line(flags, message, painted, bundle, scenelet, tmp_path):
    done = scenelet("predict", painted, "--bundle", bundle, *flags, cwd=tmp_path)
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert message in done.err


def test_a_search_on_this_machine_keeps_its_own_workers(scenelet):
    done = scenelet("tune", "--help")
    assert done.out.count("--workers") == 1
