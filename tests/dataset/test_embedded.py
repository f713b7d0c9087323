"""Pictures inside Parquet files, as the hub keeps data sets: the same as the pictures in folders."""

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub import NAME, Hub, hub
from PIL import Image

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.manifest import write_manifest
from scenelet.errors import DataError, UnreadableImageError

NAMES = ("cat", "dog")


def picture(number):
    pixels = np.random.default_rng(number).integers(0, 256, (20, 24, 3), np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def rows(first, count, labels=None):
    return [
        {
            "image": {"bytes": picture(number), "path": None},
            "label": (labels or [number % 2] * count)[number - first],
        }
        for number in range(first, first + count)
    ]


def write(path, rows, names=NAMES, group=4):
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    features = {
        "image": {"_type": "Image"},
        "label": {"names": list(names), "_type": "ClassLabel"},
    }
    told = {"huggingface": json.dumps({"info": {"features": features}})} if names else None
    schema = pa.schema([("image", kind), ("label", pa.int64())], metadata=told)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), path, row_group_size=group)
    return path


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("SCENELET_CACHE", str(tmp_path / "cache"))
    write(tmp_path / "pets/data/train-00000-of-00002.parquet", rows(0, 10))
    write(tmp_path / "pets/data/train-00001-of-00002.parquet", rows(10, 6))
    write(tmp_path / "pets/data/validation-00000-of-00001.parquet", rows(16, 4))
    return tmp_path / "pets"


def test_every_picture_has_its_class_and_its_split(place):
    told = []

    class Told:
        def say(self, line):
            told.append(line)

    found = Dataset.open(place, progress=Told())
    assert [(row.label, row.split) for row in found.rows] == [
        (NAMES[number % 2], "train" if number < 16 else "val") for number in range(20)
    ]
    assert [found.read(row) for row in found.rows] == [picture(number) for number in range(20)]
    assert "inside data/train-00000-of-00002.parquet" in told[0]


def test_a_single_file_is_a_data_set_too_and_says_the_same_of_its_pictures(place, tmp_path):
    one = Dataset.open(place / "data/train-00000-of-00002.parquet").examined()
    whole = Dataset.open(place).examined()
    assert len(one) == 10
    assert {row.pixel_hash for row in one.rows} < {row.pixel_hash for row in whole.rows}
    write_manifest(tmp_path / "manifest.csv", whole.rows)
    assert Dataset.open(place, tmp_path / "manifest.csv").fingerprint == whole.fingerprint


def test_a_part_whose_labels_are_kept_back_is_left_out(place):
    write(place / "data/test-00000-of-00001.parquet", rows(30, 3, [-1, -1, None]))
    found = Dataset.open(place)
    assert [row.excluded for row in found.rows if row.split == "test"] == ["no label"] * 3
    assert len(found.used) == 20


def test_columns_of_other_names_are_named_by_the_person(tmp_path):
    table = pa.table(
        {
            "thumb": pa.array([picture(9)] * 4, pa.binary()),
            "scan": pa.array([picture(number) for number in range(4)], pa.binary()),
            "species": ["owl", "owl", "jay", "jay"],
        }
    )
    path = tmp_path / "birds.parquet"
    pq.write_table(table, path)
    with pytest.raises(DataError, match=r"--column label=NAME"):
        Dataset.open(path)
    from scenelet.dataset.sources import source_of

    source = source_of(path, columns=(("path", "scan"), ("label", "species")))
    found = Dataset.open(source)
    assert [row.label for row in found.rows] == ["owl", "owl", "jay", "jay"]
    assert [found.read(row) for row in found.rows] == [picture(number) for number in range(4)]
    with pytest.raises(DataError, match="found pictures in thumb, scan"):
        Dataset.open(source_of(path, columns=(("path", "photo"), ("label", "species"))))


def test_a_row_without_a_picture_is_left_out_with_the_reason(tmp_path):
    lines = rows(0, 3, [0, 1, 1])
    lines[1]["image"] = {"bytes": None, "path": "elsewhere.png"}
    lines[2]["image"] = {"bytes": b"no picture", "path": None}
    found = Dataset.open(write(tmp_path / "pets.parquet", lines)).examined()
    assert [bool(row.excluded) for row in found.rows] == [False, True, True]
    assert "holds no picture" in found.rows[1].excluded
    with pytest.raises(UnreadableImageError):
        found.source.read("pets.parquet/99")


def test_the_hubs_own_data_set_is_opened_where_it_is_and_fetched_once(place, monkeypatch):
    pytest.importorskip("huggingface_hub", reason="needs the extra hf")
    with hub(place, monkeypatch):
        first = Dataset.open(f"hf://datasets/{NAME}").examined()
        asked = len(Hub.asked)
        again = Dataset.open(f"hf://datasets/{NAME}").examined()
        assert not any("resolve" in each for each in Hub.asked[asked:])
    assert again.rows == first.rows
    assert first.fingerprint == Dataset.open(place).examined().fingerprint
