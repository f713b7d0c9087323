"""What is exported is read back as the same pictures, labels and splits."""

import json

import numpy as np
import pytest
from PIL import Image

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.export import KINDS, export
from scenelet.dataset.sources import Table, source_of
from scenelet.errors import ArtefactError, ConfigError, DataError


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(("train/my cat/1.png", "train/dog #2/1.png", "test/my cat/2.png",
                                   "test/dog #2/=1+1.png")):  # fmt: skip
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((9, 8, 3), 40 * number, np.uint8)).save(path)
    (tmp_path / "photos" / "train" / "my cat" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return tmp_path / "photos"


def known(dataset):
    return sorted((row.pixel_hash, row.label, row.split) for row in dataset.examined().used.rows)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_it_is_read_back_as_the_same(folder, tmp_path, kind):
    dataset = Dataset.open(folder).examined()
    names = {"label-studio": "tasks.json", "parquet": "t.parquet", "csv": "t.csv"}
    out = tmp_path / names.get(kind, "copy")
    assert export(dataset, kind, out) == 4
    again = source_of(out) if kind == "imagefolder" else Table(out, source_of(folder))
    assert known(Dataset.open(again)) == known(dataset)


def test_label_studio_imports_tasks_with_a_choice_each(folder, tmp_path):
    export(Dataset.open(folder).examined(), "label-studio", tmp_path / "tasks.json")
    tasks = json.loads((tmp_path / "tasks.json").read_text())
    assert tasks[0]["data"] == {
        "image": "/data/local-files/?d=test/dog%20%232/%3D1%2B1.png",
        "split": "test",
    }
    assert tasks[0]["annotations"][0]["result"][0]["value"] == {"choices": ["dog #2"]}


def test_an_imagefolder_never_replaces_other_pictures(folder, tmp_path):
    with pytest.raises(ArtefactError, match="holds something else"):
        export(Dataset.open(folder).examined(), "imagefolder", folder / "train" / "my cat")
    assert (folder / "train" / "my cat" / "1.png").is_file()


def test_an_unknown_kind_and_nothing_to_export_are_told(folder, tmp_path):
    dataset = Dataset.open(folder)
    with pytest.raises(ConfigError, match="--to: found 'xml', expected label-studio, csv"):
        export(dataset, "xml", tmp_path / "x")
    with pytest.raises(DataError, match="no image in use"):
        export(dataset.of(()), "csv", tmp_path / "x")
