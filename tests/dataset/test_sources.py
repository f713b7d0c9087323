"""The same pictures as a folder, a table and an archive: the same manifest but for the place."""

import json
import os
import shutil

import fsspec
import numpy as np
import pytest
from PIL import Image

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.remote import address_of
from scenelet.dataset.sources import Table, source_of
from scenelet.errors import DataError, UnreadableImageError


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "photos"
    for number, name in enumerate(f"{part}/{label}/{n}.png" for part in ("train", "test")
                                  for label in ("cat", "dog") for n in range(3)):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(number)
        Image.fromarray(rng.integers(0, 256, (20, 24, 3), np.uint8)).save(root / name)
    (root / "train" / "cat" / "notes.txt").write_text("words")
    return root


def csv(folder):
    lines = ["Path;Class;Split"]
    for path in sorted(folder.rglob("*.png")):
        part, label, _ = path.relative_to(folder).parts
        lines.append(f"{path.relative_to(folder)};{label};{part.upper()}")
    (folder / "labels.csv").write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    return folder / "labels.csv"


def json_lines(folder):
    records = [
        {"image": str(path.relative_to(folder)), "label": path.parts[-2], "split": path.parts[-3]}
        for path in sorted(folder.rglob("*.png"))
    ]
    (folder / "labels.jsonl").write_text("\n".join(map(json.dumps, records)))
    return folder / "labels.jsonl"


def parquet(folder):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    records = [json.loads(line) for line in json_lines(folder).read_text().splitlines()]
    pq.write_table(pa.Table.from_pylist(records), folder / "labels.parquet")
    return folder / "labels.parquet"


def archive(folder):
    return shutil.make_archive(str(folder), "zip", folder)


def wrapped_archive(folder):
    return shutil.make_archive(str(folder) + "-2", "zip", folder.parent, "photos")


def bucket(folder):
    memory = fsspec.filesystem("memory")
    for path in folder.rglob("*.*"):
        memory.pipe(f"/bucket-of-tests/{path.relative_to(folder)}", path.read_bytes())
    return "memory://bucket-of-tests"


@pytest.mark.parametrize("make", [csv, json_lines, parquet, archive, bucket])
def test_a_place_of_another_kind_gives_the_same_rows(folder, make):
    expected = Dataset.open(folder).examined()
    found = Dataset.open(make(folder)).examined()
    assert found.rows == expected.rows
    assert found.fingerprint == expected.fingerprint
    reasons = {entry.path: entry.reason for entry in found.passed_over}
    assert reasons["train/cat/notes.txt"] == "not an image file"


def test_an_archive_may_hold_its_folder(folder):
    found = Dataset.open(wrapped_archive(folder))
    assert [(row.label, row.split) for row in found.rows] == [
        (row.label, row.split) for row in Dataset.open(folder).rows
    ]
    assert found.rows[0].path.startswith("photos/")


def test_litter_in_an_archive_is_passed_over(folder, tmp_path):
    (folder / "__MACOSX" / "train" / "cat").mkdir(parents=True)
    (folder / "__MACOSX" / "train" / "cat" / "._0.png").write_bytes(b"\0\5\x16\7")
    found = Dataset.open(archive(folder))
    reasons = {entry.path: entry.reason for entry in found.passed_over}
    assert reasons["__MACOSX/train/cat/._0.png"] == "litter of a system"
    assert len(found) == 12


@pytest.mark.parametrize(
    ("place", "address"),
    [
        ("s3://bucket/photos", "s3://bucket/photos"),
        ("s3:/bucket/photos", "s3://bucket/photos"),
        ("zip://photos.zip", "zip://::photos.zip"),
        ("zip://inner::photos.zip", "zip://inner::photos.zip"),
        ("hf://datasets/a/b", "hf://datasets/a/b"),
        ("photos", ""),
        ("C:/photos", ""),
        ("a: b/c", ""),
    ],
)
def test_addresses_are_told_from_folders(place, address):
    assert address_of(place) == address


@pytest.mark.parametrize(
    "place", ["nothing://x/y", "memory://not-there", "zip://not-there.zip", "not-there"]
)
def test_a_place_that_is_not_there_is_one_clear_line(place):
    with pytest.raises(DataError) as refused:
        Dataset.open(place)
    assert place.split("/")[-1] in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_picture_that_vanished_is_told_without_a_librarys_words(folder):
    source = source_of(bucket(folder))
    with pytest.raises(UnreadableImageError, match=r"^can't be read: file not found$"):
        source.read("train/cat/gone.png")


def test_a_table_that_names_a_picture_under_two_labels_is_refused(folder):
    path = csv(folder)
    path.write_text("path,label\ntrain/cat/0.png,cat\ntrain/cat/0.png,dog\n")
    with pytest.raises(DataError, match="rows 2 and 3"):
        Table(path).list()


def test_a_place_whose_name_is_no_utf8_is_found_again_by_its_printable_name(folder, tmp_path):
    odd = tmp_path / os.fsdecode(b"m\xfcll")
    folder.rename(odd)
    found = Dataset.open(odd)
    assert found.source.name.endswith(r"m\xfcll")
    assert Dataset.open(found.source.name).rows == found.rows


def test_a_class_whose_name_is_no_utf8_has_a_printable_one(folder):
    (folder / "train" / "cat").rename(folder / "train" / os.fsdecode(b"K\xe4tzchen"))
    found = Dataset.open(folder).examined()
    assert r"K\xe4tzchen" in found.class_names
    assert not found.excluded
