import os

from scenelet.files import account, pictures, read, walk
from scenelet.image_formats import named

JPEG = b"\xff\xd8\xff\xe0 and so on"


def put(root, *names, data=JPEG):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def reasons(root):
    return {entry.path: entry.reason for entry in walk(root)}


def test_every_file_is_a_picture_or_has_its_reason(tmp_path):
    put(tmp_path, "cat/1.jpg", "cat/2.jpe", "cat/3", "cat/deep/4.PNG")
    put(tmp_path, "cat/Thumbs.db", "cat/._1.jpg", "cat/.DS_Store", "cat/__5.jpg", "cat/.6.jpg")
    put(tmp_path, "cat/notes.txt", data=b"words")
    put(tmp_path, "cat/phone.HEIC", data=b"\0\0\0\x18ftypheic\0\0\0\0mif1")
    (tmp_path / "empty").mkdir()
    (tmp_path / "cat" / "link.jpg").symlink_to(tmp_path / "nowhere.jpg")
    found = reasons(tmp_path)
    used = {path for path, reason in found.items() if not reason}
    here = {"cat/phone.HEIC"} if named("HEIC").is_installed else set()
    assert used == {"cat/1.jpg", "cat/2.jpe", "cat/3", "cat/deep/4.PNG"} | here
    assert found["cat/Thumbs.db"] == found["cat/._1.jpg"] == found["cat/.DS_Store"]
    assert found["cat/Thumbs.db"] == "litter of a system"
    assert found["cat/.6.jpg"] == "hidden"
    assert found["cat/__5.jpg"].endswith("rename it to use it")
    assert found["cat/notes.txt"] == "not an image file"
    assert here or found["cat/phone.HEIC"].startswith("a HEIC picture: save it as JPEG")
    assert found["cat/link.jpg"] == "broken link"
    assert found["empty"] == "empty folder"


def test_litter_of_systems_is_one_entry_that_stands_for_its_files(tmp_path):
    put(tmp_path, "cat/1.jpg", "cat/@eaDir/1.jpg/SYNOPHOTO_THUMB_M.jpg", "$RECYCLE.BIN/$R1.jpg")
    put(tmp_path, "node_modules/x/y.png", "FOUND.000/FILE0000.JPG")
    put(tmp_path, "#recycle/a.jpg", "#recycle/b.jpg", ".ipynb_checkpoints/1.jpg", "__MACOSX/1.jpg")
    by_path = {entry.path: entry for entry in walk(tmp_path)}
    assert set(by_path) - {"cat/1.jpg"} == {
        "cat/@eaDir",
        "$RECYCLE.BIN",
        "#recycle",
        ".ipynb_checkpoints",
        "__MACOSX",
        "node_modules",
        "FOUND.000",
    }
    assert by_path["#recycle"].files == 2
    assert {entry.reason for entry in by_path.values()} == {"", "litter of a system"}


def test_links_to_folders_are_followed_once_and_never_in_a_circle(tmp_path):
    put(tmp_path, "photos/cat/1.jpg", "elsewhere/dog/2.jpg", "elsewhere/more/3.jpg")
    (tmp_path / "photos" / "dog").symlink_to(tmp_path / "elsewhere" / "dog")
    (tmp_path / "photos" / "cat" / "more").symlink_to(tmp_path / "elsewhere" / "more")
    (tmp_path / "photos" / "again").symlink_to(tmp_path / "photos")
    (tmp_path / "photos" / "loop").symlink_to(tmp_path / "photos" / "loop")
    found = reasons(tmp_path / "photos")
    assert found == {
        "again": "link to a folder",
        "cat/1.jpg": "",
        "cat/more": "link to a folder",
        "dog/2.jpg": "",
        "loop": "broken link",
    }


def test_two_links_that_lead_to_each_other_end(tmp_path):
    put(tmp_path, "a/x/1.jpg", "b/y/2.jpg")
    (tmp_path / "a" / "to-b").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "to-a").symlink_to(tmp_path / "a")
    assert len(list(walk(tmp_path))) < 12


def test_the_order_is_always_the_same(tmp_path):
    put(tmp_path, "b/2.jpg", "a/3.jpg", "b/1.jpg", "c.jpg")
    assert list(pictures(tmp_path)) == ["a/3.jpg", "b/1.jpg", "b/2.jpg", "c.jpg"]


def test_a_name_that_is_no_utf8_is_told_and_can_be_read(tmp_path):
    (tmp_path / os.fsdecode(b"m\xfcller.jpg")).write_bytes(JPEG)
    (path,) = pictures(tmp_path)
    assert path == r"m\xfcller.jpg"
    assert read(tmp_path, path) == JPEG


def test_one_file_is_told_as_one():
    assert (
        account(0, ["empty: 0 bytes"], []) == "1 file: 0 used, 1 left out (1 empty), 0 passed over"
    )
    assert account(2, [], []).startswith("2 files: 2 used")
