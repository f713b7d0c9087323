"""Trackers: an MLflow server of our own, TensorBoard's files, Weights & Biases without a network."""

import json
import os
import subprocess
import sys
import urllib.request
from importlib.util import find_spec

import pytest
from commands import run_process
from servers import free_port, wait_until_answers

from scenelet.learn.tracking import TRACKER
from scenelet.runs.run import Run

FLAGS = ("--recipe", "quick", "--epochs", "1", "--threads", "1")
pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture
def tracker(monkeypatch):
    """What a command tells its workers is forgotten after the test."""
    monkeypatch.setenv(TRACKER, "")


@pytest.fixture(scope="module")
def mlflow_server(tmp_path_factory):
    """MLflow's own server, on loopback."""
    pytest.importorskip("mlflow", reason="needs the extra mlflow")
    folder, port = tmp_path_factory.mktemp("mlflow"), free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artefacts")]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    wait_until_answers(f"{url}/health", process)
    yield url
    process.terminate()
    process.wait(timeout=30)


def ask(url, path, **body):
    request = urllib.request.Request(f"{url}/api/2.0/mlflow/{path}", json.dumps(body).encode())
    request.add_header("content-type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def runs_of(url):
    """Name -> what the server knows of the runs of our experiment."""
    experiments = ask(url, "experiments/search", max_results=10)["experiments"]
    ours = [each["experiment_id"] for each in experiments if each["name"] == "scenelet"]
    return {
        run["info"]["run_name"].rpartition("/")[2]: run
        for run in ask(url, "runs/search", experiment_ids=ours).get("runs", [])
    }


def figures(run):
    return {each["key"]: each["value"] for each in run["data"]["metrics"]}


def test_mlflow_is_told_recipe_metrics_with_intervals_and_records(
    mlflow_server, tracker, monkeypatch, painted, scenelet, tmp_path
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    train = ("train", painted, *FLAGS, "--runs", tmp_path, "--name", "told", "--tracker", "mlflow")
    done = scenelet(*train)
    assert done.code == 0, done.err
    told, result = runs_of(mlflow_server)["told"], Run(tmp_path / "told").result()
    assert told["info"]["status"] == "FINISHED"
    assert {each["key"]: each["value"] for each in told["data"]["params"]}["epochs"] == "1"
    found = figures(told)
    assert found["final/val_top1_accuracy"] == pytest.approx(result.val_top1_accuracy)
    assert found["final/val_top1_accuracy_low"] < result.val_top1_accuracy + 1e-9
    assert found["final/val_top1_accuracy_high"] > result.val_top1_accuracy - 1e-9
    assert "val_log_loss" in found
    query = f"{mlflow_server}/api/2.0/mlflow/artifacts/list?run_id={told['info']['run_id']}"
    with urllib.request.urlopen(query, timeout=30) as answer:
        files = {each["path"] for each in json.load(answer)["files"]}
    assert {"config.yaml", "manifest.csv", "metrics.csv", "result.json"} <= files


def test_a_search_tells_mlflow_of_its_trials_and_its_report(
    mlflow_server, tracker, monkeypatch, painted, scenelet, tmp_path
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    dials = ("--recipe", "quick", "--set", "epochs=1", "--set", "threads=1")
    where = ("--runs", tmp_path, "--name", "wide", "--trials", "1", "--tracker", "mlflow")
    done = scenelet("tune", painted, *dials, *where)
    assert done.code == 0, done.err
    runs = runs_of(mlflow_server)
    assert {"0000", "wide"} <= runs.keys()
    assert figures(runs["wide"])["trials"] == 1
    query = f"{mlflow_server}/api/2.0/mlflow/artifacts/list?run_id={runs['wide']['info']['run_id']}"
    with urllib.request.urlopen(query, timeout=30) as answer:
        assert [each["path"] for each in json.load(answer)["files"]] == ["report.html"]


def test_a_server_that_does_not_answer_is_one_line_and_nothing_is_lost(
    tracker, monkeypatch, painted, scenelet, tmp_path
):
    pytest.importorskip("mlflow", reason="needs the extra mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    train = ("train", painted, *FLAGS, "--runs", tmp_path, "--name", "alone")
    done = scenelet(*train, "--tracker", "mlflow")
    assert done.code == 1
    assert "does not answer as MLflow. Set MLFLOW_TRACKING_URI" in done.err.splitlines()[-1]
    monkeypatch.setenv(TRACKER, "")
    assert scenelet(*train).code == 0


def test_an_unknown_tracker_is_one_line(tracker, painted, scenelet, tmp_path):
    done = scenelet("train", painted, *FLAGS, "--runs", tmp_path, "--tracker", "notebook")
    assert done.code == 1
    assert "--tracker: found 'notebook', expected tensorboard, mlflow, wandb" in done.err


def test_tensorboard_knows_the_recipe(tracker, painted, scenelet, tmp_path):
    where = ("--runs", tmp_path, "--name", "board", "--tracker", "tensorboard")
    assert scenelet("train", painted, *FLAGS, *where).code == 0
    assert "epochs: 1" in (tmp_path / "board" / "tensorboard" / "hparams.yaml").read_text()


@pytest.fixture(scope="module")
def wandb_place(tmp_path_factory):
    """A folder that holds the client of Weights & Biases, which the extra dev lacks."""
    place = tmp_path_factory.mktemp("wandb")
    if find_spec("wandb") is None:
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-compile", "--target", place]
        done = subprocess.run([*command, "wandb"], capture_output=True, text=True, check=False)
        if "No matching distribution found" in done.stderr:
            pytest.skip("no package index here has wandb")
        assert done.returncode == 0, done.stderr
    return place


def quietly(place, **more):
    """The environment of a process that finds the client in a folder."""
    path = os.pathsep.join((str(place), os.environ.get("PYTHONPATH", "")))
    return {"WANDB_SILENT": "true", "PYTHONPATH": path, **more}


def test_weights_and_biases_without_a_login_is_one_line(wandb_place, painted, tmp_path):
    where = ("--runs", tmp_path, "--name", "nobody", "--tracker", "wandb")
    env = quietly(wandb_place, HOME=str(tmp_path), WANDB_BASE_URL="http://127.0.0.1:9")
    env |= {"WANDB_MODE": "online", "WANDB_API_KEY": "short"}
    done = run_process("train", painted, *FLAGS, *where, env=env)
    assert (done.code, "Traceback" in done.err) == (1, False), done.err
    assert "scenelet: --tracker wandb: " in done.err
    assert done.err.rstrip().endswith("or set WANDB_MODE=offline.")


def test_weights_and_biases_writes_its_records_without_a_network(wandb_place, painted, tmp_path):
    where = ("--runs", tmp_path, "--name", "offline", "--tracker", "wandb")
    env = quietly(wandb_place, WANDB_MODE="offline")
    done = run_process("train", painted, *FLAGS, *where, env=env)
    assert done.code == 0, done.err
    records = list((tmp_path / "offline" / "wandb").glob("offline-run-*/run-*.wandb"))
    assert len(records) == 1
    assert b"final/val_top1_accuracy_low" in records[0].read_bytes()


def test_optunas_dashboard_shows_a_search(painted, scenelet, tmp_path):
    pytest.importorskip("optuna_dashboard", reason="needs optuna-dashboard")
    dials = ("--recipe", "quick", "--set", "epochs=1", "--set", "threads=1")
    done = scenelet("tune", painted, *dials, "--runs", tmp_path, "--name", "seen", "--trials", "1")
    assert done.code == 0, done.err
    port = free_port()
    command = [sys.executable, "-c", "from optuna_dashboard._cli import main; main()"]
    command += [f"sqlite:///{tmp_path / 'seen' / 'study.db'}", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until_answers(f"http://127.0.0.1:{port}/api/studies", process)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies", timeout=30) as answer:
            studies = json.load(answer)["study_summaries"]
    finally:
        process.kill()
        process.wait()
    assert len(studies) == 1


def test_a_tracker_that_is_not_installed_is_told_before_a_picture_is_read(
    scenelet, painted, monkeypatch
):
    monkeypatch.setenv("SCENELET_TRACKER", "")  # the command sets it
    monkeypatch.setattr("scenelet.learn.tracking.find_spec", lambda _: None)
    done = scenelet("train", painted, "--recipe", "quick", "--tracker", "wandb")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("scenelet: --tracker wandb: wandb is not installed. Install it: pip")
