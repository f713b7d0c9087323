import os
import socket

import pytest

from scenelet.bundle.contract import read_contract
from scenelet.cli.app import _free_port
from scenelet.cli.start import _is_newer
from scenelet.runs.run import Run

TINY = """
epochs: 1
train_sizes: [32]
input_size: 32
storage_size: 40
widths: [8, 16]
depths: [1, 1]
batch_size: 16
folds: 1
threads: 1
"""


@pytest.mark.pipeline
def test_one_command_goes_the_whole_way_and_says_each_step(painted, tmp_path, scenelet):
    (tmp_path / "tiny.yaml").write_text(TINY)
    words = ("start", painted, "--recipe", tmp_path / "tiny.yaml", "--out", tmp_path, "--no-app")
    done = scenelet(*words, "--name", "mine")
    assert done.code == 0, done.err
    bundle = tmp_path / "bundles" / "mine"
    assert read_contract(bundle).name == "mine"
    steps = [line for line in done.err.splitlines() if line.startswith("$ scenelet ")]
    told = [line.removeprefix("$ scenelet ").split()[0] for line in steps]
    assert told == ["data", "explore", "train", "export", "evaluate"]
    assert (tmp_path / "evaluation.html").is_file()


def test_a_bundle_is_made_again_only_after_another_training(tmp_path):
    run, contract = Run(tmp_path), tmp_path / "bundle.json"
    (tmp_path / "result.json").write_text("{}")
    assert not _is_newer(contract, run)
    contract.write_text("{}")
    assert _is_newer(contract, run)
    os.utime(contract, (1, 1))
    assert not _is_newer(contract, run)


def test_a_step_that_fails_ends_it_with_the_steps_own_line(tmp_path, scenelet):
    (tmp_path / "empty").mkdir()
    done = scenelet("start", tmp_path / "empty", "--out", tmp_path, "--no-app")
    assert done.code == 1
    assert "Traceback" not in done.err
    assert not (tmp_path / "runs").exists()


def test_the_pages_take_the_next_port_that_is_free():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert _free_port("127.0.0.1") >= 8501
    first = _free_port("127.0.0.1")
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", first))
        taken.listen()
        assert _free_port("127.0.0.1") > first
