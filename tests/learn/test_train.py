import csv
import json
import random
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch
from commands import QUICK_FLAGS

from scenelet.dataset.manifest import read_manifest, write_manifest
from scenelet.runs.run import Run

pytestmark = pytest.mark.pipeline
FLAGS = (
    "--recipe", "quick", "--epochs", "6", "--threads", "1", "--set", "mix_probability=0.5", "--set", "patience_epochs=4",
    "--set", "distortion=0.5", "--set", "head_epochs=1", "--set", "early_rate=0.3",
)  # fmt: skip


def start(*arguments):
    code = "from scenelet.cli.main import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stderr=subprocess.PIPE, text=True
    )


def kill_after_an_epoch(process, rng):
    """kill -9 at a random moment after the next epoch's line; True if it was still running."""
    for line in process.stderr:
        if line.startswith("epoch"):
            time.sleep(rng.random() * 0.25)
            break
    was_running = process.poll() is None
    process.kill()
    process.wait()
    process.stderr.close()
    return was_running


def weights(run, name):
    checkpoint = torch.load(run / "checkpoints" / f"{name}.ckpt", weights_only=False)
    return {
        **checkpoint["state_dict"],
        **{f"current.{k}": v for k, v in checkpoint["current_model_state"].items()},
    }


def history(path):
    """Rows of metrics.csv but for the seconds they took."""
    with open(path, newline="") as file:
        return [
            {key: value for key, value in row.items() if key != "epoch_s"}
            for row in csv.DictReader(file)
        ]


def test_killed_at_random_moments_training_ends_bit_equal_to_an_undisturbed_run(
    painted, run_folder, tmp_path, scenelet
):
    """With all that has a state or draws lots.

    Averaging, mixing, growing sizes, distortion, a start and a teacher.
    """
    arguments = (
        "train",
        painted,
        *FLAGS,
        "--init",
        run_folder,
        "--teacher",
        run_folder,
        "--runs",
        tmp_path,
    )
    assert scenelet(*arguments, "--name", "undisturbed").code == 0
    rng = random.Random(5)
    kills = sum(kill_after_an_epoch(start(*arguments, "--name", "killed"), rng) for _ in range(3))
    assert kills == 3
    done = scenelet(*arguments, "--name", "killed")
    assert done.code == 0, done.err
    for name in ("best", "last"):
        undisturbed, killed = (
            weights(tmp_path / "undisturbed", name),
            weights(tmp_path / "killed", name),
        )
        assert undisturbed.keys() == killed.keys()
        assert all(torch.equal(undisturbed[key], killed[key]) for key in undisturbed)
    histories = [history(tmp_path / name / "metrics.csv") for name in ("undisturbed", "killed")]
    assert histories[0] == histories[1]
    assert not list((tmp_path / "killed").rglob("*.part"))


def test_a_run_folder_holds_everything_to_repeat_it(run_folder, painted):
    run = Run(run_folder)
    assert run.config().epochs == 3
    assert run.data()["class_names"] == [
        "buildings",
        "forest",
        "glacier",
        "mountain",
        "sea",
        "street",
    ]
    assert len(run.data()["fingerprint"]) == 32
    environment = json.loads((run_folder / "environment.json").read_text())
    assert environment["torch"] == torch.__version__
    rows = read_manifest(run_folder / "manifest.csv")
    assert {row.split for row in rows} == {"train", "val"}
    assert all(row.path.startswith("seg_train/") for row in rows)
    assert len(history(run.metrics_csv)) == 3
    assert list((run_folder / "tensorboard").glob("events*"))


def test_the_same_command_again_does_nothing_more(run_folder, painted, scenelet):
    before = run_folder.joinpath("checkpoints", "last.ckpt").stat().st_mtime_ns
    done = scenelet(
        "train", painted, *QUICK_FLAGS, "--runs", run_folder.parent, "--name", "tiny", "--json"
    )
    assert done.code == 0, done.err
    assert json.loads(done.out)["epochs"] == 3
    assert run_folder.joinpath("checkpoints", "last.ckpt").stat().st_mtime_ns == before


def test_another_recipe_in_the_same_run_is_refused(run_folder, painted, scenelet):
    done = scenelet(
        "train",
        painted,
        "--recipe",
        "quick",
        "--epochs",
        "4",
        "--runs",
        run_folder.parent,
        "--name",
        "tiny",
    )
    assert done.code == 1
    assert done.err.splitlines()[-1].endswith("Give another --name, or remove the folder.")
    assert "epochs 3 v 4" in done.err


def test_images_beyond_the_memory_budget_lie_in_a_file_and_train_the_same(
    run_folder, painted, tmp_path, scenelet
):
    flags = (
        *QUICK_FLAGS,
        "--set",
        "memory_gib=0.0001",
        "--runs",
        tmp_path,
        "--name",
        "small-memory",
    )
    done = scenelet("train", painted, *flags)
    assert done.code == 0, done.err
    one, other = weights(run_folder, "last"), weights(tmp_path / "small-memory", "last")
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert not list((tmp_path / "small-memory").glob("images-*"))


def test_spoilt_images_are_left_out_by_name_and_the_rest_trains(painted, tmp_path, scenelet):
    for label in ("sea", "forest"):
        folder = tmp_path / "photos" / label
        folder.mkdir(parents=True)
        for source in sorted((painted / "seg_train" / label).iterdir())[:8]:
            (folder / source.name).write_bytes(source.read_bytes())
    (tmp_path / "photos" / "sea" / "empty.jpg").touch()
    (tmp_path / "photos" / "sea" / "text.jpg").write_text("hello")
    flags = ("--recipe", "quick", "--epochs", "1", "--val-fraction", "0.3", "--batch-size", "4")
    done = scenelet("train", tmp_path / "photos", *flags, "--runs", tmp_path, "--name", "r")
    assert done.code == 0, done.err
    assert "left out: sea/empty.jpg: empty: 0 bytes" in done.err
    reasons = {
        row.path: row.excluded
        for row in read_manifest(tmp_path / "r" / "manifest.csv")
        if row.excluded
    }
    assert set(reasons) == {"sea/empty.jpg", "sea/text.jpg"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "nowhere: no such folder"),
        (("one-class",), "1 class found (cats), at least 2 needed"),
        ((".", "--recipe", "nonesuch"), "recipe nonesuch: not found"),
        ((".", "--set", "colour=3"), "colour: unknown key"),
        ((".", "--set", "colour"), "expected KEY=VALUE"),
        ((".", "--device", "abacus"), "--device: found 'abacus'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_1(tmp_path, painted, scenelet, arguments, message):
    cats = tmp_path / "one-class" / "cats"
    cats.mkdir(parents=True)
    for number, source in enumerate(sorted((painted / "seg_train" / "sea").iterdir())[:3]):
        (cats / f"{number}.jpg").write_bytes(source.read_bytes())
    done = scenelet("train", *arguments, cwd=tmp_path)
    assert done.code == 1
    assert message in done.err.splitlines()[-1]
    assert done.err.count("scenelet: ") == 1
    assert not (tmp_path / "runs").exists()


def test_two_processes_that_share_each_batch_train_one_model(two_devices):
    """As several GPUs would, by Lightning's strategy; here on two CPU processes."""
    run = Run(two_devices)
    assert len(history(run.metrics_csv)) == 4
    assert run.result().epochs == 4
    assert run.best_checkpoint.is_file()
    assert (two_devices.parent / "said.txt").read_text().count("epoch 1/4") == 1


def test_labels_that_an_audit_doubts_are_left_out_of_training_alone(painted, tmp_path, scenelet):
    rows = read_manifest_of(painted, tmp_path, scenelet)
    doubted = [
        replace(row, label_quality=0.01 if place % 5 == 0 else 0.9)
        for place, row in enumerate(rows)
    ]
    write_manifest(tmp_path / "doubted.csv", doubted)
    flags = (
        "--recipe",
        "quick",
        "--epochs",
        "1",
        "--threads",
        "1",
        "--runs",
        tmp_path,
        "--set",
        "min_label_quality=0.1",
    )
    refused = scenelet("train", painted, *flags, "--name", "r")
    assert refused.code == 1
    assert "min_label_quality: needs an audit's view" in refused.err
    done = scenelet("train", painted, *flags, "--name", "r", "--manifest", tmp_path / "doubted.csv")
    assert done.code == 0, done.err
    for row in Run(tmp_path / "r").rows():
        assert bool(row.excluded) == (row.split == "train" and row.label_quality == 0.01)


def read_manifest_of(painted, tmp_path, scenelet):
    assert scenelet("data", "split", painted, "--out", tmp_path / "split.csv").code == 0
    return [row for row in read_manifest(tmp_path / "split.csv") if row.split != "test"]


def test_two_trainings_in_one_run_are_kept_apart(run_folder, painted, tmp_path, scenelet):
    copy = shutil.copytree(run_folder, tmp_path / "tiny")
    (copy / "result.json").unlink()
    command = ("train", painted, *QUICK_FLAGS, "--runs", tmp_path, "--name", "tiny")
    with Run(copy).locked():
        done = scenelet(*command)
    assert done.code == 1
    assert "another process is training here" in done.err.splitlines()[-1]
    assert scenelet(*command).code == 0


def test_an_unwritable_runs_folder_is_one_line(painted, tmp_path, scenelet):
    (tmp_path / "runs").write_text("a file")
    done = scenelet("train", painted, *QUICK_FLAGS, "--runs", tmp_path / "runs")
    assert done.code == 1
    assert "is a file, not a folder" in done.err.splitlines()[-1]
    assert done.err.count("scenelet:") == 1
