import zipfile

import pytest

from scenelet.dataset.gather import Given, class_name, gather, of_paths, of_zip
from scenelet.errors import DataError


def test_dropped_pictures_lie_in_class_folders_and_none_takes_anothers_place(tmp_path):
    given = [
        Given("sea", "a.jpg", b"one"),
        Given("sea", "a.jpg", b"two"),
        Given("x", "a.jpg", b"1"),
    ]
    assert gather(tmp_path, given) == 3
    assert gather(tmp_path, given) == 3
    assert sorted(path.parent.name for path in tmp_path.glob("*/*")) == ["sea", "sea", "x"]
    assert {path.read_bytes() for path in tmp_path.glob("sea/a-*.jpg")} == {b"one", b"two"}


@pytest.mark.parametrize("name", ["", " ", "..", ".hidden", "a/b", "a\\b", "x" * 300])
def test_a_class_that_can_be_no_folder_is_refused(name, tmp_path):
    with pytest.raises(DataError, match="can't be a folder's name"):
        gather(tmp_path / "inside", [Given(name, "a.jpg", b"one")])
    assert not (tmp_path / "inside").exists()


@pytest.mark.parametrize(
    "name", ["../../a.jpg", "..\\a.jpg", "/etc/a.jpg", "a\0\n.jpg", ".jpg", ""]
)
def test_no_name_of_a_file_leads_out_of_its_folder(name, tmp_path):
    gather(tmp_path / "inside", [Given("sea", name, b"one")])
    (path,) = (path for path in tmp_path.rglob("*") if path.is_file())
    assert path.parent == tmp_path / "inside" / "sea"


def test_of_a_dropped_folder_the_last_folder_is_the_class():
    files = [("photos/sea/a.jpg", b"1"), ("photos/.DS_Store", b""), ("forest/b.jpg", b"2")]
    assert [(each.label, each.name) for each in of_paths(files)] == [
        ("sea", "a.jpg"),
        ("forest", "b.jpg"),
    ]
    with pytest.raises(DataError, match="lies in no folder"):
        list(of_paths([("a.jpg", b"1")]))


def test_a_zip_of_one_class_is_all_of_that_class(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("some/a.jpg", b"one")
        archive.writestr("notes.docx", b"two")
    assert list(of_zip("sea", tmp_path / "x.zip")) == [Given("sea", "a.jpg", b"one")]


def test_a_name_of_a_class_keeps_its_letters():
    assert class_name(" Zürich west ") == "Zürich west"
