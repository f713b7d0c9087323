import os
import shutil
import socket
import subprocess
import sys

import pytest

from scenelet.app.works import LOCK
from scenelet.bundle.contract import read_contract
from scenelet.cli.app import _free_port
from scenelet.cli.start import _dials, _is_newer
from scenelet.cli.steps import _told
from scenelet.locks import held
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
    nested = tmp_path / "my photos"
    for camera, part in (("one", "seg_train"), ("two", "seg_test")):
        shutil.copytree(painted / part, nested / camera)
    options = ("--recipe", tmp_path / "tiny.yaml", "--out", tmp_path, "--no-app", "--name", "mine")
    asked = scenelet("start", nested, *options)
    assert "say --label-level 1 if these are the classes, 2 if" in asked.err
    done = scenelet("start", nested, "--label-level", "2", *options)
    assert done.code == 0, done.err
    bundle = tmp_path / "bundles" / "mine"
    assert read_contract(bundle).name == "mine"
    steps = [line for line in done.err.splitlines() if line.startswith("$ scenelet ")]
    told = [line.removeprefix("$ scenelet ").split()[0] for line in steps]
    assert told == ["data", "explore", "train", "export", "evaluate"]
    assert (tmp_path / "evaluation.html").is_file()
    assert not (tmp_path / LOCK).exists()
    assert done.err.count("judging labels") == 1  # by the audit, not by `explore` again
    following = [line for line in done.err.splitlines() if line.startswith("next: ")]
    assert len(following) == 1
    assert following[0].startswith("next: scenelet app --bundle")
    assert "\nan answer: scenelet predict photo.jpg --bundle " in done.err


def test_a_silent_step_gives_a_sign_and_its_own_next_is_not_told():
    script = "import time; print('begun'); time.sleep(0.5); print('next: scenelet x'); print('end')"
    with subprocess.Popen([sys.executable, "-u", "-c", script], stdout=subprocess.PIPE) as process:
        told = list(_told(process.stdout, "train", each_s=0.2))
    assert (told[0], told[-1]) == ("begun", "end")
    assert any(line.startswith("train goes on") for line in told)
    assert not [line for line in told if line.startswith("next")]


def test_a_linear_head_comes_first_and_a_person_may_wish_otherwise():
    assert _dials(None, False, None) == ("--epochs", "0")
    assert _dials(None, True, None) == ()
    assert _dials("quick", False, 2) == ("--recipe", "quick", "--epochs", "2")


def test_two_starts_in_one_folder_are_refused(painted, tmp_path, scenelet):
    with held(tmp_path / LOCK):
        done = scenelet("start", painted, "--out", tmp_path, "--no-app")
    assert done.code == 1
    assert "another `start` works here" in done.err


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
