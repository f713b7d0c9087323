"""Each data set has its own audit, found again by its place."""

import json

import pytest

from scenelet.dataset.audits import audit_of, folder_for, manifest_for, place_of
from scenelet.dataset.manifest import write_manifest
from scenelet.dataset.row import Row
from scenelet.dataset.sources import Folder
from scenelet.progress import SILENT


@pytest.fixture
def there(tmp_path, monkeypatch):
    """Two data sets, in the folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    for place in ("pets", "tools"):
        for name in ("a/1.jpg", "b/1.jpg"):
            (tmp_path / place / name).parent.mkdir(parents=True)
            (tmp_path / place / name).write_bytes(b"\xff\xd8\xff")
    return tmp_path


def audited(name):
    """As an audit leaves it."""
    folder = folder_for(name)
    folder.mkdir(parents=True, exist_ok=True)
    write_manifest(folder / "manifest.csv", [Row("a/1.jpg", "a"), Row("b/1.jpg", "b")])
    (folder / "audit.json").write_text(json.dumps({"place": place_of(name)}))
    return str(folder)


def test_the_first_lies_in_audit_and_others_beside_by_their_names(there):
    assert audited("pets") == "audit"
    assert audited("tools") == "audit/tools"
    assert audited("pets") == "audit"
    assert audited("s3://bucket/my tools.zip") == "audit/my tools"
    assert audited("s3://bucket/tools") == "audit/tools-2"
    assert audited("s3://elsewhere/tools") == "audit/tools-3"
    assert audited("tools") == "audit/tools"


def test_it_is_found_again_from_another_way_to_the_same_place(there):
    audited("pets")
    audited("tools")
    assert str(audit_of("./pets")) == "audit/manifest.csv"
    assert str(audit_of(str(there / "tools"))) == "audit/tools/manifest.csv"
    assert audit_of("others") is None


def test_it_is_used_where_nobody_gave_another(there):
    audited("pets")
    assert str(manifest_for(Folder(there / "pets"), None, SILENT)) == "audit/manifest.csv"
    assert manifest_for(Folder(there / "tools"), None, SILENT) is None
    given = there / "mine.csv"
    assert manifest_for(Folder(there / "pets"), given, SILENT) == given


def test_one_from_before_pictures_came_is_not_used(there):
    audited("pets")
    (there / "pets" / "a" / "2.jpg").write_bytes(b"\xff\xd8\xff")
    assert manifest_for(Folder(there / "pets"), None, SILENT) is None
