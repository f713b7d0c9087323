"""A packed data set is the same data set; reading it costs a request for many pictures."""

import dataclasses
import shutil

import fsspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from scenelet.dataset.bucket import shelf_at
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.pack import pack, when_it_pays
from scenelet.dataset.packed import Packed
from scenelet.dataset.sources import source_of
from scenelet.engine import InProcess
from scenelet.errors import ConfigError, DataError, UnreadableImageError
from scenelet.shelf import FolderShelf

SMALL = 60_000  # bytes of a shard: about ten pictures


@pytest.fixture
def folder(painted, tmp_path):
    """36 scenes and a broken one."""
    for path in sorted((painted / "seg_test").rglob("*.jpg")):
        (tmp_path / "photos" / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / "photos" / path.parent.name)
    (tmp_path / "photos" / "sea" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    return tmp_path / "photos"


@pytest.fixture(params=["folder", "memory"])
def place(request, tmp_path):
    """Where a pack may lie."""
    if request.param == "folder":
        return str(tmp_path / "packed")
    fsspec.filesystem("memory").store.clear()
    return "memory://packs/one"


def test_a_pack_is_the_same_data_set(folder, place):
    loose = Dataset.open(folder)
    made = pack(loose, shelf_at(place), InProcess(), shard_bytes=SMALL)
    assert (made.images, made.shards) == (37, 4)
    packed = Dataset.open(place)
    assert isinstance(packed.source, Packed)
    assert packed.completed().fingerprint == loose.examined().fingerprint
    assert packed.rows == loose.examined().rows
    assert packed.class_names == loose.class_names
    order = np.random.default_rng(0).permutation(len(loose))
    for row in (loose.rows[place] for place in order):
        assert packed.read(row) == loose.read(row)
    with pytest.raises(UnreadableImageError):
        packed.source.read("sea/nowhere.jpg")


def test_shards_are_plain_parquet_with_path_label_split_hash_and_bytes(folder, tmp_path):
    pack(Dataset.open(folder), FolderShelf(tmp_path / "packed"), InProcess(), shard_bytes=SMALL)
    first = pq.read_table(tmp_path / "packed" / "shard-000000.parquet").to_pylist()[0]
    assert list(first) == ["path", "label", "split", "hash", "bytes"]
    assert first["bytes"] == (folder / first["path"]).read_bytes()
    assert first["label"] == "buildings"
    assert len(first["hash"]) == 16


class Dying(InProcess):
    """Dies after two parts."""

    def map(self, make_worker, parts):
        for number, done in enumerate(super().map(make_worker, parts)):
            if number == 2:
                raise KeyboardInterrupt
            yield done


def test_killed_and_started_again_the_shards_that_are_there_are_kept(folder, tmp_path):
    shelf, loose = FolderShelf(tmp_path / "packed"), Dataset.open(folder)
    with pytest.raises(KeyboardInterrupt):
        pack(loose, shelf, Dying(), shard_bytes=SMALL)
    with pytest.raises(DataError):
        Packed(str(tmp_path / "packed")).read("sea/broken.jpg")  # not whole yet
    before = (tmp_path / "packed" / "shard-000000.parquet").stat().st_mtime_ns
    pack(loose, shelf, InProcess(), shard_bytes=SMALL)
    assert (tmp_path / "packed" / "shard-000000.parquet").stat().st_mtime_ns == before
    assert Dataset.open(tmp_path / "packed").rows == loose.examined().rows
    assert not list((tmp_path / "packed").glob("rows-*"))
    with pytest.raises(ConfigError, match="holds a pack already"):
        pack(loose, shelf, InProcess())


def test_what_a_manifest_says_goes_into_the_pack(folder, tmp_path):
    loose = Dataset.open(folder).examined()
    known = loose.of(dataclasses.replace(row, group="g") for row in loose.rows)
    pack(known, FolderShelf(tmp_path / "packed"), InProcess())
    assert Dataset.open(tmp_path / "packed").rows == known.rows


def test_it_says_when_packing_pays():
    assert when_it_pays(2_000_000, 6_000, is_far=True).startswith("packing pays: 2,000,000")
    assert "$0.80 a pass" in when_it_pays(2_000_000, 6_000, is_far=True)
    assert "packing pays little" in when_it_pays(2_000, 6_000, is_far=False)
    assert "packing pays little" in when_it_pays(2_000, 4_000_000, is_far=True)


@pytest.mark.pipeline
def test_shards_train_the_same_bits_as_loose_files(painted, scenelet, tmp_path):
    import torch
    from commands import QUICK_FLAGS

    done = scenelet("data", "pack", painted, tmp_path / "packed")
    assert done.code == 0, done.err
    weights = []
    for name, place in {"loose": painted, "packed": tmp_path / "packed"}.items():
        done = scenelet("train", place, *QUICK_FLAGS, "--runs", tmp_path / "runs", "--name", name)
        assert done.code == 0, done.err
        best = torch.load(tmp_path / "runs" / name / "checkpoints" / "best.ckpt", weights_only=True)
        weights.append(best["state_dict"])
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    names = sorted(path.name for path in (tmp_path / "packed").iterdir())
    assert names == ["pack.json", "rows.parquet", "shard-000000.parquet"]
    assert source_of(tmp_path / "packed") == Packed(str(tmp_path / "packed"))


def test_answers_from_shards_are_those_from_loose_files(folder, bundle, scenelet, tmp_path):
    pack(Dataset.open(folder), FolderShelf(tmp_path / "packed"), InProcess(), shard_bytes=SMALL)
    rows = []
    for place in (folder, tmp_path / "packed"):
        out = tmp_path / f"{place.name}.parquet"
        done = scenelet("predict", place, "--bundle", bundle, "--out", out)
        assert done.code == 0, done.err
        rows.append(pq.read_table(out).drop_columns(["error"]).to_pylist())
    assert rows[0] == rows[1]
