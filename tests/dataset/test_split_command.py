from collections import Counter

import pytest

from scenelet.dataset.manifest import read_manifest
from scenelet.dataset.row import Row
from scenelet.dataset.split import assign_folds, split_folds
from scenelet.errors import DataError


def test_split_writes_a_manifest_that_train_takes(painted, tmp_path, scenelet):
    done = scenelet("data", "split", painted, "--val-fraction", "0.25", "--out", tmp_path / "s.csv")
    assert done.code == 0, done.err
    assert "split (train 108, val 36, test 36)" in done.out
    assert Counter(row.split for row in read_manifest(tmp_path / "s.csv")) == {
        "train": 108,
        "val": 36,
        "test": 36,
    }


def test_folds_hold_every_image_out_exactly_once(painted, tmp_path, scenelet):
    done = scenelet(
        "data", "split", painted / "seg_train", "--folds", 4, "--out", tmp_path / "folds"
    )
    assert done.code == 0, done.err
    held_out = Counter(
        row.path
        for number in range(1, 5)
        for row in read_manifest(tmp_path / "folds" / f"fold-{number}.csv")
        if row.split == "val"
    )
    assert len(held_out) == 144
    assert set(held_out.values()) == {1}


def test_a_test_part_alone_is_refused(painted, tmp_path, scenelet):
    done = scenelet("data", "split", painted / "seg_test", "--out", tmp_path / "s.csv")
    assert done.code == 1
    assert "a test part, which is never trained on" in done.err
    assert not list(tmp_path.iterdir())


def test_groups_of_alike_pictures_are_never_torn_apart():
    rows = [
        Row(f"{n}.jpg", "ab"[n % 2], pixel_hash=f"p{n}", group=f"g{n // 4}{n % 2}")
        for n in range(80)
    ]
    for splits in split_folds(rows, 5, seed=1):
        sides = {}
        for row in splits:
            assert sides.setdefault(row.group, row.split) == row.split


def test_folds_are_stratified():
    rows = [
        Row(f"{label}{n}", label, pixel_hash=f"{label}{n}")
        for label, count in (("a", 50), ("b", 25))
        for n in range(count)
    ]
    counts = Counter(zip((row.label for row in rows), assign_folds(rows, 5, 0), strict=True))
    assert all(counts["a", fold] == 10 and counts["b", fold] == 5 for fold in range(5))


def test_more_folds_than_pictures_of_a_class_is_refused():
    rows = [Row(f"{label}{n}", label, pixel_hash=f"{label}{n}") for label in "ab" for n in range(3)]
    with pytest.raises(DataError, match="too few different images"):
        split_folds(rows, 4, 0)
