import pytest

from scenelet.dataset.scan import scan
from scenelet.errors import DataError


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def labels(root):
    return {(image.label, image.split) for image in scan(root).images}


def test_class_folders_become_classes(tmp_path):
    touch(tmp_path, "cat/1.jpg", "dog/a/2.PNG")
    assert scan(tmp_path).class_names == ("cat", "dog")
    assert [image.path.as_posix() for image in scan(tmp_path).images] == [
        "cat/1.jpg",
        "dog/a/2.PNG",
    ]


def test_hidden_folders_non_images_and_empty_folders_never_become_a_class(tmp_path):
    touch(
        tmp_path,
        "cat/1.jpg",
        "dog/1.jpg",
        ".ipynb_checkpoints/1.jpg",
        "__MACOSX/1.jpg",
        "notes/readme.txt",
        "stray.jpg",
    )
    (tmp_path / "empty").mkdir()
    touch(tmp_path, "cat/.hidden.jpg", "cat/Thumbs.db")
    found = scan(tmp_path)
    assert found.class_names == ("cat", "dog")
    assert len(found.images) == 2
    reasons = {path.as_posix(): reason for path, reason in found.passed_over}
    assert reasons["empty"] == reasons["notes"] == "class folder without an image"
    assert reasons["stray.jpg"] == "not in a class folder"
    assert reasons[".ipynb_checkpoints"] == "hidden"
    assert reasons["cat/Thumbs.db"] == "not an image file"


@pytest.mark.parametrize("doubled", [False, True])
def test_the_intel_layout_is_understood(tmp_path, doubled):
    def inside(name):
        return f"{name}/{name}" if doubled else name

    touch(tmp_path, f"{inside('seg_train')}/sea/1.jpg", f"{inside('seg_train')}/forest/1.jpg")
    touch(tmp_path, f"{inside('seg_test')}/sea/1.jpg", f"{inside('seg_pred')}/5.jpg")
    assert labels(tmp_path) == {("sea", "train"), ("forest", "train"), ("sea", "test")}
    assert labels(tmp_path / "seg_train") == {("sea", "train"), ("forest", "train")}


def test_train_val_test_folders_are_understood(tmp_path):
    touch(tmp_path, "train/a/1.jpg", "valid/a/1.jpg", "test/a/1.jpg")
    assert labels(tmp_path) == {("a", "train"), ("a", "val"), ("a", "test")}


@pytest.mark.parametrize(("make", "message"), [(False, "no such folder"), (True, "found no image")])
def test_nothing_to_find_is_one_clear_line(tmp_path, make, message):
    folder = tmp_path / "photos"
    if make:
        folder.mkdir()
    with pytest.raises(DataError, match=message):
        scan(folder)
