"""Training and searching on two ray nodes: the same bits as on this machine.

What is killed in mid-training takes minutes: `benchmarks/cluster_kills.py`.
"""

import json

import boto3
import fsspec
import optuna
import pytest
import torch
from commands import QUICK_FLAGS, TWO_DEVICES_FLAGS
from killing import kill_one, while_it_runs

pytestmark = [pytest.mark.aws, pytest.mark.pipeline]


CHECKPOINTS = ("best.ckpt", "last.ckpt")


def weights(data):
    import io

    state = torch.load(io.BytesIO(data), weights_only=True)["state_dict"]
    return {name: value.tolist() for name, value in state.items()}


def weights_at(address):
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    return [weights(system.cat_file(f"{address}/r/checkpoints/{name}")) for name in CHECKPOINTS]


def weights_in(run):
    return [weights((run / "checkpoints" / name).read_bytes()) for name in CHECKPOINTS]


def command(painted, runs, cluster, workers=2):
    flags = (*TWO_DEVICES_FLAGS, "--name", "r", "--runs", runs)
    return ["train", painted, *flags, *cluster.flags, "--workers", str(workers)]


def is_there(name):
    """By a client of its own: asked from a thread beside the command."""
    found = boto3.client("s3").list_objects_v2(Bucket="ray-tests", Prefix=name)
    return found["KeyCount"] > 0


def test_two_workers_end_with_the_bits_of_two_devices(painted, two_devices, cluster, scenelet):
    runs = "s3://ray-tests/runs"
    done = scenelet(*command(painted, runs, cluster))
    assert done.code == 0, done.err
    assert "epoch 4/4" in done.err
    assert "wrote run: s3://ray-tests/runs/r" in done.out
    assert weights_at(runs) == weights_in(two_devices)
    again = scenelet(*command(painted, runs, cluster))
    assert (again.code, "complete already" in again.err) == (0, True)
    other = scenelet(*command(painted, runs, cluster, workers=1))
    assert (other.code, "devices 2 v 1" in other.err) == (1, True)
    record = fsspec.filesystem("s3").cat_file("ray-tests/runs/r/environment.json").decode()
    assert '"--workers"' in record


def test_what_a_cluster_can_not_do_is_one_line(painted, cluster, scenelet, tmp_path):
    where = ("train", painted, "--recipe", "quick", "--runs", tmp_path, *cluster.flags)
    for more, message in {
        (): "say --workers N",
        ("--workers", "2", "--devices", "3"): "--devices: found 3, --workers 2",
    }.items():
        done = scenelet(*where, *more)
        assert (done.code, message in done.err) == (1, True), done.err


def test_a_run_may_have_its_home_in_a_bucket_without_a_cluster_and_goes_on_from_there(
    painted, run_folder, scenelet, settings, monkeypatch
):
    from scenelet.runs.kept import Kept

    words = ("train", painted, *QUICK_FLAGS, "--name", "r", "--runs", "s3://ray-tests/home")
    send, epochs = Kept.send, []

    def send_and_stop(kept):
        send(kept)
        epochs.append(1)
        if len(epochs) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Kept, "send", send_and_stop)
        assert scenelet(*words).code == 130
    done = scenelet(*words)
    assert done.code == 0, done.err
    assert "epoch 2/3" not in done.err
    assert weights_at("s3://ray-tests/home") == weights_in(run_folder)
    first = fsspec.filesystem("s3").cat_file("ray-tests/home/r/result.json")
    again = scenelet(*words)
    assert (again.code, "complete already" in again.err) == (0, True)
    assert fsspec.filesystem("s3").cat_file("ray-tests/home/r/result.json") == first


RECIPE = """
epochs: 2
train_sizes: [32]
input_size: 32
storage_size: 40
widths: [8, 16]
depths: [1, 1]
batch_size: 16
threads: 1
precision: fp32
search:
  learning_rate: {low: 0.0005, high: 0.02, log: true}
"""


def trials_of(path):
    """What a search found, but for how long it took."""
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{path}")
    return [
        (t.number, t.state.name, t.params, t.values, t.intermediate_values) for t in study.trials
    ]


def test_a_search_finds_what_one_process_finds_though_a_worker_is_killed(
    painted, cluster, scenelet, tmp_path
):
    (tmp_path / "r.yaml").write_text(RECIPE)
    flags = ("--recipe", tmp_path / "r.yaml", "--name", "s", "--trials", "3")
    here = scenelet("tune", painted, *flags, "--runs", tmp_path)
    assert here.code == 0, here.err
    where = ("--runs", "s3://ray-tests/searches", *cluster.flags, "--workers", "2")
    words = ("tune", painted, *flags, *where)
    done = while_it_runs(lambda: scenelet(*words), lambda: kill_one("ray::_trial"))
    assert done.code == 0, done.err
    (tmp_path / "study.db").write_bytes(
        fsspec.filesystem("s3").cat_file("ray-tests/searches/s/study.db")
    )
    assert trials_of(tmp_path / "study.db") == trials_of(tmp_path / "s" / "study.db")
    assert is_there("searches/s/report.html")


def test_variants_are_trained_at_once_and_compared_as_one_after_the_other(
    painted, cluster, scenelet, tmp_path
):
    (tmp_path / "r.yaml").write_text(RECIPE)
    (tmp_path / "v.yaml").write_text("first: {}\nslow: {learning_rate: 0.0005}\n")
    words = ("variants", painted, "--of", tmp_path / "v.yaml", "--recipe", tmp_path / "r.yaml")
    here = scenelet(*words, "--out", tmp_path / "here", "--json")
    assert here.code == 0, here.err
    there = scenelet(*words, "--out", "s3://ray-tests/variants", "--json", *cluster.flags)
    assert there.code == 0, there.err
    measured = ("minutes", "latency_ms")
    found, expected = (
        [{k: v for k, v in row.items() if k not in measured} for row in json.loads(each.out)]
        for each in (there, here)
    )
    assert found == expected
    assert is_there("variants/slow/checkpoints/best.ckpt")
    assert is_there("variants/variants.html")
