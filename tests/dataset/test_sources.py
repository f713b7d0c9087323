"""The same pictures as a folder, a table and an archive: the same manifest but for the place."""

import os
import zipfile

import numpy as np
import pytest
from PIL import Image
from places import (
    archive,
    bucket,
    csv,
    imagefolder,
    json_lines,
    label_studio,
    parquet,
    wrapped_archive,
)

from scenelet.dataset.address import address_of
from scenelet.dataset.audit import audit
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.manifest import column_names
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


@pytest.mark.parametrize(
    "make", [csv, json_lines, parquet, archive, bucket, imagefolder, label_studio]
)
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
    with pytest.raises(DataError, match=r"rows 2 and 3: .* has several labels \(cat, dog\)"):
        Table(path).list()


def test_a_tables_pictures_may_lie_elsewhere_and_its_columns_be_called_anything(folder, tmp_path):
    table = tmp_path / "tables" / "breeds.csv"
    table.parent.mkdir()
    table.write_text("id,Breed,patient\ntrain/cat/0,persian,p1\ntrain/dog/2,poodle,p2\n")
    columns = column_names(["path=id", "label=breed", "group=Patient"])
    for images in (folder, archive(folder), bucket(folder)):
        found = Dataset.open(source_of(table, images=images, columns=columns))
        assert [(row.path, row.label, row.group) for row in found.rows] == [
            ("train/cat/0.png", "persian", "p1"),
            ("train/dog/2.png", "poodle", "p2"),
        ]
        assert found.examined().rows[0].pixel_hash
        again = Dataset.open(found.source.name).source  # as a run's record names it
        assert again.read("train/cat/0.png") == (folder / "train/cat/0.png").read_bytes()


def test_a_table_may_lie_at_an_address(folder):
    csv(folder)
    place = bucket(folder) + "/labels.csv"
    assert Dataset.open(place).examined().rows == Dataset.open(folder).examined().rows


def test_a_picture_may_have_an_address_of_its_own(folder, tmp_path, image_site, monkeypatch):
    image_site.content = (folder / "train/cat/0.png").read_bytes()
    monkeypatch.setenv("SCENELET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SCENELET_TRUSTED_HOSTS", image_site.host)
    table = folder / "urls.csv"
    table.write_text(f"url,label\n{image_site.url},cat\ntrain/dog/0.png,dog\n")
    found = Dataset.open(table).examined()
    assert [row.label for row in found.used.rows] == ["cat", "dog"]
    image_site.content = b"gone"
    assert Dataset.open(table).examined().rows == found.rows  # kept: asked for once
    monkeypatch.delenv("SCENELET_TRUSTED_HOSTS")
    monkeypatch.setenv("SCENELET_CACHE_GB", "0")
    (refused,) = Dataset.open(table).examined().excluded
    assert "not a public address" in refused.excluded


@pytest.mark.parametrize("path", ["file:///etc/passwd", "zip://a::b.zip", "ssh://host/a.jpg"])
def test_a_tables_row_names_no_file_of_this_machine_by_address(folder, path):
    csv(folder).write_text(f"path,label\n{path},cat\n")
    with pytest.raises(DataError, match="are not in"):
        Table(folder / "labels.csv").list()


def test_what_a_person_said_in_a_table_outlives_an_audit(folder):
    (folder / "l.csv").write_text(
        "path,label,group,excluded,label_quality\n"
        "train/cat/0.png,cat,ann,,0.5\ntrain/cat/1.png,cat,ann,blurred,\ntrain/dog/0.png,dog,bob,,\n"
    )
    rows = audit(Dataset.open(folder / "l.csv")).rows
    assert [(row.group, row.excluded, row.label_quality) for row in rows] == [
        ("ann", "", 0.5),
        ("ann", "blurred", None),
        ("bob", "", None),
    ]


def test_a_table_that_holds_the_pictures_themselves_is_told_so(tmp_path):
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = [{"image": {"bytes": b"\xff\xd8\xff", "path": "1.jpg"}, "label": 0}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train-00000.parquet")
    with pytest.raises(DataError, match="column image holds the pictures themselves"):
        Dataset.open(source_of(tmp_path / "train-00000.parquet", images=tmp_path))


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


@pytest.mark.parametrize(
    ("name", "told"),
    [
        *(("a.jpg", "a file, no folder"), ("b", "no such folder")),
        *(("a.xlsx", "a spreadsheet. Save it as CSV"), ("a.tar.gz", "an archive .* make a .zip")),
    ],
)
def test_what_is_no_folder_is_told_apart(tmp_path, name, told):
    for there in ("a.jpg", "a.xlsx", "a.tar.gz"):
        (tmp_path / there).touch()
    with pytest.raises(DataError, match=f"{name}: {told}"):
        Dataset.open(tmp_path / name)


@pytest.mark.parametrize(
    ("written", "flag", "meant"),
    [
        (r"Photos\cat\1.png", 0, "cat"),
        ("Photos/Kätzchen/1.png", 0, "Kätzchen"),  # UTF-8 that does not say so
        ("Photos/Kätzchen/1.png", 0x800, "Kätzchen"),
        ("/Photos/cat/1.png", 0, "cat"),
    ],
)
def test_names_in_an_archive_are_those_that_were_meant(folder, tmp_path, written, flag, meant):
    data = (folder / "train/cat/0.png").read_bytes()
    name = written.encode()
    aside = "x" * len(name)  # zipfile writes no such name itself
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(aside, data)
        archive.writestr("Photos/dog/2.png", data)
    whole = (tmp_path / "a.zip").read_bytes().replace(aside.encode(), name)
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        start = whole.index(mark) + at
        whole = whole[:start] + flag.to_bytes(2, "little") + whole[start + 2 :]
    (tmp_path / "a.zip").write_bytes(whole)
    found = Dataset.open(tmp_path / "a.zip").examined()
    assert {(row.label, row.excluded) for row in found.rows} == {(meant, ""), ("dog", "")}


def test_an_archive_with_a_password_is_told_as_that(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("cat/1.png", (folder / "train/cat/0.png").read_bytes())
    whole = bytearray((tmp_path / "a.zip").read_bytes())
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        whole[whole.index(mark) + at] |= 1
    (tmp_path / "a.zip").write_bytes(bytes(whole))
    (row,) = Dataset.open(tmp_path / "a.zip").examined().rows
    assert row.excluded == "can't be read: locked by a password: unpack it"
