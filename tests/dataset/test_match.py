import pytest

from scenelet.dataset.match import matched
from scenelet.dataset.row import Row
from scenelet.errors import DataError
from scenelet.files import Entry


def match(*paths, there, place="data/photos"):
    numbered = [(number, Row(path, "cat")) for number, path in enumerate(paths, 2)]
    return matched(numbered, map(Entry, there), "m.csv", place)


@pytest.mark.parametrize(
    "written",
    [
        *("cat/1.jpg", "./cat/1.jpg", "cat\\1.jpg", "cat//1.jpg", " cat/1.jpg"),
        *("photos/cat/1.jpg", "data/photos/cat/1.jpg"),
        *(r"C:\Users\me\photos\cat\1.jpg", "../photos/cat/1.jpg", "file:///a/photos/cat/1.jpg"),
    ],
)
def test_a_path_is_found_however_it_is_written(written):
    rows, passed_over = match(written, there=["cat/1.jpg", "dog/1.jpg"])
    assert [row.path for row in rows] == ["cat/1.jpg"]
    assert [(entry.path, entry.reason) for entry in passed_over] == [
        ("dog/1.jpg", "not in the manifest")
    ]


@pytest.mark.parametrize("written", [r"D:\work\set 3\cat\1.jpg", "/home/me/set/cat/1.jpg"])
def test_a_path_of_another_machine_is_found_by_its_last_folders(written):
    rows, _ = match(written, there=["cat/1.jpg", "dog/1.jpg"])
    assert [row.path for row in rows] == ["cat/1.jpg"]
    with pytest.raises(DataError, match="row 2"):  # another folder's picture of that name
        match(written, there=["dog/1.jpg"])


def test_composed_and_decomposed_names_are_the_same_file_where_there_is_one():
    rows, _ = match("caf\u00e9/1.jpg", there=["cafe\u0301/1.jpg"])
    assert rows[0].path == "cafe\u0301/1.jpg"


def test_two_files_that_a_name_may_mean_are_not_guessed_among():
    with pytest.raises(DataError, match="row 2"):
        match(" cat/1.jpg ", there=["cat/1.jpg ", "cat/1.jpg"])


def test_what_is_not_there_is_told_with_its_row():
    with pytest.raises(DataError, match=r"1 of its 2 images are not in .* row 3, cat/2\.jpg"):
        match("cat/1.jpg", "cat/2.jpg", there=["cat/1.jpg"])


def test_two_rows_of_one_file_are_refused():
    with pytest.raises(DataError, match="rows 2 and 3 speak of the same file"):
        match("cat/1.jpg", "./cat/1.jpg", there=["cat/1.jpg"])


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("cat/1", "cat/1.jpg"),
        ("1.jpg", "cat/1.jpg"),
        ("IMG.2024.7", "cat/IMG.2024.7.jpg"),
        ("/data/upload/3/0a1b2c3d-1.jpg", "cat/1.jpg"),
        ("/data/local-files/?d=photos/cat/1.jpg", "cat/1.jpg"),
    ],
)
def test_a_name_may_lack_suffix_and_folders_where_one_picture_alone_is_called_so(written, path):
    there = ["cat/1.jpg", "cat/IMG.2024.7.jpg", "dog/2.jpg"]
    assert [row.path for row in match(written, there=there)[0]] == [path]


@pytest.mark.parametrize("written", ["1", "1.jpg", "bird/1.jpg"])
def test_a_name_that_several_pictures_have_is_not_guessed(written):
    with pytest.raises(DataError, match="are not in"):
        match(written, there=["cat/1.jpg", "dog/1.jpg"])


def test_a_row_with_an_address_of_its_own_needs_no_file():
    rows, passed_over = match("https://example.org/1.jpg", "1.jpg", there=["1.jpg"])
    assert [row.path for row in rows] == ["https://example.org/1.jpg", "1.jpg"]
    assert not passed_over
