import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from scenelet.dataset.manifest import write_manifest
from scenelet.errors import DataError
from scenelet.learn.folds import ENOUGH, fit_folds, folds_for
from scenelet.learn.job import is_split_by_a_person, split_dataset
from scenelet.learn.place import Place
from scenelet.learn.pretrained import load_run_network
from scenelet.progress import SILENT
from scenelet.runs.recipe import TrainConfig
from scenelet.runs.run import Run

TINY = TrainConfig(
    epochs=2, train_sizes=(32,), input_size=32, storage_size=40, widths=(8, 16), depths=(1, 1),
    batch_size=16, ema_decay=0.9, threads=1, device="cpu", precision="fp32", folds=3,
)  # fmt: skip
PLACE = Place("cpu", "fp32")


class Heard:
    """Progress that keeps what it is told."""

    def __init__(self):
        self.lines = []
        self.counting = SILENT.counting

    def say(self, line):
        self.lines.append(line)


@pytest.fixture(scope="module")
def dataset(painted):
    torch.set_num_threads(1)
    return split_dataset(painted, None, TINY)


@pytest.fixture(scope="module")
def trained(dataset, tmp_path_factory):
    """A run of three folds and a final network, and what it said."""
    run, heard = Run(tmp_path_factory.mktemp("runs") / "r"), Heard()
    return run, fit_folds(TINY, run, dataset, PLACE, heard), heard.lines


@pytest.mark.pipeline
def test_every_picture_is_judged_once_by_a_network_that_did_not_see_it(dataset, trained):
    run = trained[0]
    judged = []
    for fold in run.folds:
        seen = {row.pixel_hash for row in fold.rows() if row.split == "train"}
        unseen = [row.pixel_hash for row in fold.rows() if row.split == "val"]
        assert not seen & set(unseen)
        judged += unseen
    assert len(run.folds) == 3
    assert sorted(judged) == sorted(row.pixel_hash for row in dataset.used.rows)


@pytest.mark.pipeline
def test_the_figures_are_out_of_fold_and_the_final_network_learns_from_all(dataset, trained):
    run, result, lines = trained
    held_out = [json.loads((fold.folder / "held_out.json").read_text()) for fold in run.folds]
    right = [
        np.argmax(logits) == label
        for each in held_out
        for logits, label in zip(each["logits"], each["labels"], strict=True)
    ]
    assert result.val_top1_accuracy == pytest.approx(np.mean(right), abs=1e-6)
    assert result.validation_images == len(right) == len(dataset.used)
    assert result.folds == 3
    assert {row.split for row in run.rows() if not row.excluded} == {"train"}
    assert run.history()[-1].val_log_loss is None
    assert run.result() == result
    assert load_run_network(run)
    assert any(line.startswith("out of fold: accuracy") for line in lines)
    assert len([line for line in lines if " left out, " in line]) == 1  # not said by each network


@pytest.mark.pipeline
def test_what_is_done_is_not_done_again(dataset, trained):
    run = trained[0]
    before = run.last_checkpoint.stat().st_mtime_ns
    heard = Heard()
    assert fit_folds(TINY, run, dataset, PLACE, heard) == trained[1]
    assert run.last_checkpoint.stat().st_mtime_ns == before
    assert not [line for line in heard.lines if line.startswith("epoch")]


@pytest.mark.pipeline
def test_a_fold_that_was_cut_short_ends_with_the_same_bits(dataset, trained, tmp_path):
    class StoppedError(Exception):
        pass

    class Interrupting(Heard):
        def say(self, line):
            super().say(line)
            if line == "fold 3 of 3":
                raise StoppedError

    run = Run(tmp_path / "again")
    with pytest.raises(StoppedError):
        fit_folds(TINY, run, dataset, PLACE, Interrupting())
    fit_folds(TINY, run, dataset, PLACE)
    one, other = (load_run_network(each).state_dict() for each in (trained[0], run))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_few_validation_pictures_are_folded_and_it_is_said_why(dataset):
    heard = Heard()
    assert folds_for(replace(TINY, folds=0), dataset, False, heard) == 5
    assert "12 validation pictures would say little" in heard.lines[0]
    assert "--folds 1" in heard.lines[0]


def test_a_part_that_somebody_chose_is_kept_and_enough_pictures_need_no_folds(dataset):
    wished = replace(TINY, folds=0)
    assert folds_for(wished, dataset, True) == 1
    many = dataset.of(row.with_split("val") for row in dataset.rows)
    assert len(many.part("val")) >= ENOUGH
    assert folds_for(wished, many, False) == 1
    assert folds_for(replace(wished, folds=7), many, True) == 7


def test_no_more_folds_are_taken_than_a_class_has_pictures(dataset):
    few, kept = [], 0
    for row in dataset.used.rows:
        if row.label != "sea":
            few.append(row)
        elif kept < 3:
            few.append(row)
            kept += 1
    assert folds_for(replace(TINY, folds=0), dataset.of(few), False) == 3
    with pytest.raises(DataError, match="class sea: too few"):
        fit_folds(replace(TINY, folds=5), Run("nowhere"), dataset.of(few), PLACE)


@pytest.mark.pipeline
def test_pictures_that_the_start_has_seen_are_not_folded(dataset, run_folder):
    known = replace(TINY, folds=0, init=str(run_folder), input_size=64, train_sizes=(64,))
    assert folds_for(known, dataset, False) == 1


def test_a_split_is_a_persons_where_folder_or_manifest_says_which_images_validate(
    painted, dataset, tmp_path
):
    assert not is_split_by_a_person(dataset, None, TINY)
    moved = dataset.of(
        row.with_split("val" if place % 7 == 0 else "train")
        for place, row in enumerate(dataset.rows)
    )
    assert is_split_by_a_person(moved, None, TINY)
    write_manifest(tmp_path / "split.csv", dataset.rows)
    assert is_split_by_a_person(dataset, tmp_path / "split.csv", TINY)
    write_manifest(tmp_path / "none.csv", [row.with_split("") for row in dataset.rows])
    assert not is_split_by_a_person(dataset, tmp_path / "none.csv", TINY)
