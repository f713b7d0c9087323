import json
import multiprocessing
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from commands import QUICK_FLAGS

from scenelet.errors import ArtefactError, ConfigError, DataError
from scenelet.learn.fit import fit
from scenelet.learn.job import prepare, split_dataset
from scenelet.learn.place import Place, here
from scenelet.learn.pretrained import load_run_network
from scenelet.runs.recipe import TrainConfig
from scenelet.runs.run import Run

TINY = TrainConfig(
    epochs=2, train_sizes=(32,), input_size=32, storage_size=40, widths=(8, 16), depths=(1, 1),
    batch_size=16, ema_decay=0.9, threads=1, device="cpu", precision="fp32",
)  # fmt: skip
PLACE = Place("cpu", "fp32")

pytestmark = pytest.mark.pipeline


@pytest.fixture
def job(painted, tmp_path):
    """A training of a second."""
    torch.set_num_threads(1)
    return prepare(TINY, Run(tmp_path / "here"), split_dataset(painted, None, TINY))


def weights(run):
    return load_run_network(run).state_dict()


def test_a_job_done_in_another_process_gives_the_same_bits(job, tmp_path):
    there = replace(job, run=Run(tmp_path / "there"))
    fit(job, PLACE)
    worker = multiprocessing.get_context("spawn").Process(target=fit, args=(there, PLACE))
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    one, other = weights(job.run), weights(there.run)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert json.loads((there.run.folder / "data.json").read_text())["fingerprint"] == (
        job.dataset.fingerprint
    )


def test_an_error_of_something_else_in_a_training_keeps_its_own_meaning(job):
    reset = ConnectionResetError(104, "Connection reset by peer")

    def watch(epoch, metrics):
        raise reset

    with pytest.raises(ConnectionResetError) as raised:
        fit(job, PLACE, watch=watch)
    assert raised.value is reset
    assert fit(job, PLACE).epochs == 2


def test_a_disk_that_fills_up_in_mid_training_is_one_line_that_names_the_run(job):
    def watch(epoch, metrics):
        raise OSError(28, "No space left on device")

    with pytest.raises(ArtefactError, match="here: can't write: no space left on the disk"):
        fit(job, PLACE, watch=watch)


def test_weights_that_changed_since_the_job_was_made_are_refused(job, run_folder):
    config = replace(TINY, teacher=str(run_folder))
    network = {**job.network, "teachers": [{"origin": "x", "weights": "other", "history": {}}]}
    with pytest.raises(ConfigError, match="weights have changed"):
        fit(replace(job, config=config, network=network), PLACE)


def test_the_place_here_is_what_the_recipe_asks_for(monkeypatch):
    assert here(TINY) == PLACE
    shared = here(replace(TINY, devices=2))
    assert (shared.devices, shared.strategy) == (2, "ddp")
    assert here(replace(TINY, devices=2, head_epochs=1)).strategy.endswith("unused_parameters_true")
    assert here(replace(TINY, devices=0)).devices == -1
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert not here(TINY).writes
    with pytest.raises(ConfigError, match="mps is not available"):
        here(replace(TINY, device="mps"))


def test_interrupted_in_mid_training_the_last_line_says_how_to_go_on(painted, tmp_path):
    flags = (*QUICK_FLAGS, "--epochs", "40", "--runs", tmp_path, "--name", "r")
    command = [sys.executable, "-m", "scenelet", "train", painted, *flags]
    # a suite that runs in the background would have its children ignore Ctrl-C
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    while not process.stderr.readline().startswith("epoch 2/"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    said = process.stderr.read().splitlines()
    assert process.wait() == 128 + signal.SIGINT
    process.stderr.close()
    assert "of 40 epochs are done and kept; the same command goes on" in said[-2]
    assert "interrupted; the same command goes on" in said[-1]
    assert not [line for line in said if "Traceback" in line]
    assert len(Run(tmp_path / "r").history()) >= 2
    assert not Run(tmp_path / "r").is_complete


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="the system takes no space ahead")
def test_space_for_a_file_of_images_is_taken_before_anything_is_written(tmp_path):
    run = Run(tmp_path)
    room = PLACE.rooms(run, {"train": (3, 10, 10, 3)}, memory_gib=0)["train"]
    path = run.images_file("train", 0)
    assert path.stat().st_blocks * 512 >= room.nbytes
    room[:] = 7
    PLACE.vacate(run)
    assert not path.exists()


@pytest.mark.parametrize(("images", "in_files"), [(6, []), (5, ["val"]), (2, ["train", "val"])])
def test_training_and_validation_images_share_one_budget_of_memory(tmp_path, images, in_files):
    run = Run(tmp_path)
    shapes = {"train": (3, 10, 10, 3), "val": (3, 10, 10, 3)}
    rooms = PLACE.rooms(run, shapes, memory_gib=images * 300 / 2**30)
    assert {part: room.shape for part, room in rooms.items()} == shapes
    assert [part for part in shapes if run.images_file(part, 0).exists()] == in_files
    PLACE.vacate(run)
    assert not list(tmp_path.iterdir())


class Trap:
    """Runs a command when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("name", ["best", "last"])
def test_a_checkpoint_that_would_run_code_is_not_opened(job, tmp_path, name):
    fit(job, PLACE)
    path = job.run.folder / "checkpoints" / f"{name}.ckpt"
    content = torch.load(path, weights_only=True)
    torch.save({**content, "trap": Trap(tmp_path / "sprung")}, path)
    (job.run.folder / "result.json").unlink()
    with pytest.raises(DataError, match="holds more than weights; it is not opened"):
        load_run_network(job.run) if name == "best" else fit(job, PLACE)
    assert not (tmp_path / "sprung").exists()


def test_a_damaged_checkpoint_is_one_line(job):
    fit(job, PLACE)
    job.run.best_checkpoint.write_bytes(job.run.best_checkpoint.read_bytes()[:1000])
    with pytest.raises(DataError, match="damaged"):
        load_run_network(job.run)


@pytest.fixture
def tiny_disk(tmp_path):
    """A real file system of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place]
    if os.geteuid() or subprocess.run(mount, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield place
    subprocess.run(["umount", place], check=True)


def test_images_that_a_full_disk_can_not_hold_are_one_line_and_no_signal(tiny_disk):
    with pytest.raises(ArtefactError, match="can't write: no space left"):
        PLACE.rooms(Run(tiny_disk), {"train": (100, 64, 64, 3)}, memory_gib=0)
