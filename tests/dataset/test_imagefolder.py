"""Folders with a table of their own, as the Hugging Face hub has them."""

import json

import pytest

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.sources import Folder
from scenelet.errors import DataError


@pytest.fixture
def folder(tmp_path):
    for name in ("train/a.jpg", "train/b.jpg", "validation/a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"\xff\xd8\xff")
    return tmp_path


def metadata(path, *records):
    path.write_text("\n".join(map(json.dumps, records)))


def test_each_table_is_of_its_folder_and_the_folder_names_the_split(folder):
    metadata(
        folder / "train" / "metadata.jsonl",
        {"file_name": "a.jpg", "label": "cat"},
        {"file_name": "b.jpg", "label": "dog"},
    )
    metadata(folder / "validation" / "metadata.jsonl", {"file_name": "a.jpg", "label": "dog"})
    found = Dataset.open(folder)
    assert [(row.path, row.label, row.split) for row in found.rows] == [
        ("train/a.jpg", "cat", "train"),
        ("train/b.jpg", "dog", "train"),
        ("validation/a.jpg", "dog", "val"),
    ]
    assert "train/metadata.jsonl" in found.decided[0]


def test_one_table_may_be_of_all(folder):
    metadata(folder / "metadata.jsonl", {"file_name": "train/b.jpg", "label": 1})
    found = Dataset.open(folder)
    assert [(row.path, row.label) for row in found.rows] == [("train/b.jpg", "1")]
    assert {entry.path: entry.reason for entry in found.passed_over}["train/a.jpg"] == (
        "not in the manifest"
    )


def test_a_table_without_labels_leaves_them_to_the_folders_and_is_told(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.jpg").write_bytes(b"\xff\xd8\xff")
    metadata(tmp_path / "metadata.jsonl", {"file_name": "cat/a.jpg", "text": "a cat"})
    found = Dataset.open(tmp_path)
    assert [row.label for row in found.rows] == ["cat", "dog"]
    assert "metadata.jsonl names none" in found.decided[0]


def test_where_folders_say_nothing_either_the_column_is_asked_for_and_may_be_named(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff")
    metadata(tmp_path / "metadata.jsonl", {"file_name": "a.jpg", "breed": "poodle"})
    with pytest.raises(DataError, match="columns file_name, breed; which is the label"):
        Folder(tmp_path).list()
    (row,) = Folder(tmp_path, columns=(("label", "breed"),)).list().rows
    assert row.label == "poodle"


def test_a_picture_that_the_table_names_and_is_not_there_is_told(folder):
    metadata(folder / "metadata.jsonl", {"file_name": "c.jpg", "label": "cat"})
    with pytest.raises(DataError, match=r"row 1, c\.jpg"):
        Dataset.open(folder)


def test_a_table_of_another_name_beside_one_folder_is_told(folder):
    (folder / "labels.csv").write_text("file,label\ntrain/a.jpg,cat\n")
    with pytest.raises(DataError):
        Dataset.open(folder)
    (folder / "validation" / "a.jpg").unlink()
    told = "; ".join(Dataset.open(folder).decided)
    assert "labels.csv lies there too; if it names the labels, rename it metadata.csv" in told
