import json
from dataclasses import replace

import pytest

from scenelet.dataset.manifest import read_manifest, write_manifest
from scenelet.dataset.row import Row
from scenelet.dataset.verdicts import again, give, given, judged, undo
from scenelet.errors import DataError

DOUBTED = Row(
    "a/1.jpg",
    "a",
    "train",
    9,
    9,
    "f" * 16,
    issues=("blurred", "doubtful label"),
    suggested_label="b",
    label_quality=0.1,
)
SOUND = Row("b/2.jpg", "b", "train", 9, 9, "e" * 16)


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "manifest.csv"
    write_manifest(path, [DOUBTED, SOUND])
    return path


@pytest.mark.parametrize(
    ("verdict", "label", "excluded"),
    [("keep", "a", ""), ("exclude", "a", "left out by hand"), ("relabel", "b", "")],
)
def test_a_verdict_changes_its_row_and_nothing_else(manifest, verdict, label, excluded):
    give(manifest, "a/1.jpg", verdict)
    changed, other = read_manifest(manifest)
    assert (changed.label, changed.excluded, changed.suggested_label) == (label, excluded, "")
    assert changed.issues == ("blurred", "judged by hand")
    assert other == SOUND


def test_undoing_restores_the_very_bytes_one_by_one(manifest):
    before = manifest.read_bytes()
    give(manifest, "a/1.jpg", "relabel")
    middle = manifest.read_bytes()
    give(manifest, "b/2.jpg", "exclude")
    assert undo(manifest).before.path == "b/2.jpg"
    assert manifest.read_bytes() == middle
    undo(manifest)
    assert manifest.read_bytes() == before
    assert undo(manifest) is None


def test_verdicts_survive_a_restart(manifest):
    give(manifest, "a/1.jpg", "exclude")
    assert [verdict.verdict for verdict in given(manifest)] == ["exclude"]
    assert len((manifest.parent / "verdicts.jsonl").read_text().splitlines()) == 1
    assert (
        json.loads((manifest.parent / "verdicts.jsonl").read_text())["before"]["suggested_label"]
        == "b"
    )


def test_a_picture_that_has_gone_is_named(manifest):
    with pytest.raises(DataError, match=r"c/3\.jpg is not in it"):
        give(manifest, "c/3.jpg", "keep")


@pytest.mark.parametrize("verdict", ["relabel", "burn"])
def test_what_makes_no_sense_is_refused(verdict):
    with pytest.raises(DataError, match="found verdict"):
        judged(SOUND, verdict)


def test_another_audit_keeps_what_a_person_decided_wherever_the_file_now_lies(manifest):
    give(manifest, "a/1.jpg", "relabel")
    give(manifest, "b/2.jpg", "exclude")
    moved = replace(SOUND, path="b/other.jpg")
    rows, kept = again(manifest, [DOUBTED, moved])
    assert kept == 2
    assert (rows[0].label, rows[0].suggested_label) == ("b", "")
    assert rows[1].excluded == "left out by hand"
    write_manifest(manifest, rows)
    assert undo(manifest).before == moved
    assert undo(manifest).before == DOUBTED
    assert read_manifest(manifest) == [DOUBTED, moved]


def test_a_verdict_about_a_picture_that_has_gone_is_forgotten(manifest):
    give(manifest, "b/2.jpg", "exclude")
    rows, kept = again(manifest, [DOUBTED])
    assert (rows, kept) == ([DOUBTED], 0)
