"""Training and searching on two ray nodes: the same bits as on this machine, whatever is killed."""

import subprocess
import sys
import threading

import boto3
import fsspec
import optuna
import pytest
import torch
from killing import kill_one
from servers import wait_until

pytestmark = [pytest.mark.aws, pytest.mark.pipeline]
FLAGS = ("--recipe", "quick", "--epochs", "4", "--threads", "1", "--device", "cpu", "--name", "r")


@pytest.fixture(scope="module")
def expected(painted, scenelet, tmp_path_factory):
    """Weights of two processes of this machine."""
    runs = tmp_path_factory.mktemp("runs")
    words = ["train", painted, *FLAGS, "--runs", runs, "--devices", "2"]
    done = subprocess.run(
        [sys.executable, "-m", "scenelet", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [weights((runs / "r" / "checkpoints" / name).read_bytes()) for name in CHECKPOINTS]


CHECKPOINTS = ("best.ckpt", "last.ckpt")


def weights(data):
    import io

    state = torch.load(io.BytesIO(data), weights_only=True)["state_dict"]
    return {name: value.tolist() for name, value in state.items()}


def weights_at(address):
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    return [weights(system.cat_file(f"{address}/r/checkpoints/{name}")) for name in CHECKPOINTS]


def command(painted, runs, cluster, workers=2):
    return ["train", painted, *FLAGS, "--runs", runs, *cluster.flags, "--workers", str(workers)]


def while_it_runs(command, happens):
    """Run a command; once it is at work do something to it."""
    thread = threading.Thread(target=lambda: wait_until(happens, "somebody to kill", 400))
    thread.start()
    done = command()
    thread.join()
    return done


def is_there(name):
    """By a client of its own: asked from a thread beside the command."""
    found = boto3.client("s3").list_objects_v2(Bucket="ray-tests", Prefix=name)
    return found["KeyCount"] > 0


def test_two_workers_end_with_the_bits_of_two_devices_though_one_is_killed(
    painted, expected, cluster, scenelet
):
    runs = "s3://ray-tests/runs"
    done = while_it_runs(
        lambda: scenelet(*command(painted, runs, cluster)),
        lambda: is_there("runs/r/checkpoints/last.ckpt") and kill_one("ray::RayTrainWorker"),
    )
    assert done.code == 0, done.err
    assert "epoch 4/4" in done.err
    assert "wrote run: s3://ray-tests/runs/r" in done.out
    assert weights_at(runs) == expected
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
        ("--workers", "2", "--folds", "3"): "--folds: not on a cluster",
    }.items():
        done = scenelet(*where, *more)
        assert (done.code, message in done.err) == (1, True), done.err


def test_a_run_may_have_its_home_in_a_bucket_without_a_cluster(painted, scenelet, settings):
    flags = (*FLAGS[:-1], "home", "--runs", "s3://ray-tests/runs")
    done = scenelet("train", painted, *flags)
    assert done.code == 0, done.err
    first = fsspec.filesystem("s3").cat_file("ray-tests/runs/home/result.json")
    again = scenelet("train", painted, *flags)
    assert (again.code, "complete already" in again.err) == (0, True)
    assert fsspec.filesystem("s3").cat_file("ray-tests/runs/home/result.json") == first


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
    done = while_it_runs(
        lambda: scenelet("tune", painted, *flags, *where),
        lambda: is_there("searches/s/trials") and kill_one("ray::_trial"),
    )
    assert done.code == 0, done.err
    (tmp_path / "study.db").write_bytes(
        fsspec.filesystem("s3").cat_file("ray-tests/searches/s/study.db")
    )
    assert trials_of(tmp_path / "study.db") == trials_of(tmp_path / "s" / "study.db")
    assert is_there("searches/s/report.html")
