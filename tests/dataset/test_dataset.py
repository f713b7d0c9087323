import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scenelet.dataset.audit import audit
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.manifest import write_manifest
from scenelet.errors import DataError
from scenelet.images import PreprocessSpec, to_input


def paint(root, *names, size=40):
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(number)
        picture = Image.fromarray(rng.integers(0, 256, (size, size, 3), np.uint8))
        picture.save(root / name, quality=95)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "photos"
    paint(root, *(f"{label}/{number}.jpg" for label in ("cat", "dog") for number in range(4)))
    return root


def test_a_folder_and_its_manifest_open_alike(folder, tmp_path):
    found = Dataset.open(folder).examined()
    write_manifest(tmp_path / "m.csv", found.rows)
    again = Dataset.open(folder, tmp_path / "m.csv")
    assert again.rows == found.rows
    assert again.fingerprint == found.fingerprint
    assert again.class_names == ("cat", "dog")
    assert not again.is_verified


def test_parts_hold_what_is_in_use(folder):
    found = Dataset.open(folder)
    found = found.of(
        row.with_split("val" if "0" in row.path else "train") for row in found.rows
    ).without(found.rows[1:2], "blurred: too much")
    assert len(found.part("val")) == 2
    assert len(found.part("train")) == 5
    assert [row.excluded for row in found.excluded] == ["blurred: too much"]


def test_inputs_come_by_the_one_preprocessing(folder):
    found, spec = Dataset.open(folder).examined(), PreprocessSpec(32, 24)
    for row, pixels in zip(found.rows, found.inputs(spec), strict=True):
        assert np.array_equal(pixels, to_input(found.read(row), spec))


@pytest.mark.parametrize("size", [24, 400])  # 400 is decoded at part of its size
def test_pictures_that_changed_since_the_manifest_are_refused(folder, tmp_path, size):
    paint(folder, "cat/0.jpg", size=size)
    write_manifest(tmp_path / "m.csv", Dataset.open(folder).examined().rows)
    opened, spec = Dataset.open(folder, tmp_path / "m.csv"), PreprocessSpec(32, 32)
    assert len(list(opened.inputs(spec))) == 8
    Image.open(folder / "cat" / "0.jpg").rotate(180).save(folder / "cat" / "0.jpg")
    with pytest.raises(DataError, match=r"cat/0\.jpg: another picture than when the manifest"):
        list(opened.inputs(spec))
    with pytest.raises(DataError, match=r"1 of 8 images are not the pictures .* cat/0\.jpg"):
        opened.examined()
    with pytest.raises(DataError, match=r"1 of 8 images are not the pictures .* cat/0\.jpg"):
        audit(opened)


def test_a_manifest_of_another_folder_is_refused(folder, tmp_path):
    rows = Dataset.open(folder).examined().rows
    write_manifest(tmp_path / "m.csv", [*rows, replace(rows[0], path="cat/gone.jpg")])
    with pytest.raises(DataError, match=r"1 of its 9 images are not in .*gone\.jpg"):
        Dataset.open(folder, tmp_path / "m.csv")


def test_one_line_accounts_for_every_file(folder):
    (folder / "cat" / "notes.txt").write_text("words")
    (folder / "cat" / "@eaDir").mkdir()
    (folder / "cat" / "@eaDir" / "thumb.jpg").write_bytes(b"x")
    (folder / "dog" / "broken.jpg").write_bytes(b"")
    assert Dataset.open(folder).examined().account() == (
        "11 files: 8 used, 1 left out (1 empty), "
        "2 passed over (1 litter of a system, 1 not an image file)"
    )


def test_the_fingerprint_is_of_pixels_labels_and_splits_alone(folder):
    found = Dataset.open(folder).examined()
    renamed = found.of(replace(row, path=f"x/{row.path}") for row in found.rows)
    relabelled = found.of([replace(found.rows[0], label="dog"), *found.rows[1:]])
    assert renamed.fingerprint == found.fingerprint != relabelled.fingerprint


NAMES = st.binary(min_size=1, max_size=40).filter(
    lambda name: not set(name) & set(b"/\0") and name not in (b".", b"..")
)


@settings(max_examples=40)
@given(st.lists(NAMES, min_size=1, max_size=4, unique=True))
def test_whatever_files_are_called_they_are_used_or_told_and_come_back(tmp_path_factory, names):
    """Any bytes that a file system takes, through folder, manifest and back."""
    root = tmp_path_factory.mktemp("names") / "photos"
    paint(root, "cat/0.jpg", "dog/0.jpg")
    content = (root / "cat" / "0.jpg").read_bytes()
    for name in names:
        (root / "cat" / os.fsdecode(name)).write_bytes(content)
    there = sum(1 for path in root.rglob("*") if path.is_file())
    found = Dataset.open(root).examined()
    assert len(found) + sum(entry.files for entry in found.passed_over) == there
    assert not found.excluded
    write_manifest(root.parent / "m.csv", found.rows)
    again = Dataset.open(root, root.parent / "m.csv")
    assert again.rows == found.rows
    assert [again.read(row) for row in again.rows] == [found.read(row) for row in found.rows]
    found.account().encode()
