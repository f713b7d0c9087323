import contextlib
import errno
import os
import subprocess

import pytest

from scenelet.artefacts import (
    explained,
    make_folder,
    require_writable,
    whole_folder,
    write_bytes,
    write_json,
)
from scenelet.errors import ArtefactError


@pytest.fixture
def tiny_disk(tmp_path):
    """A real file system of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    if (
        os.geteuid()
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=False
        ).returncode
    ):
        pytest.skip("needs the right to mount a small file system")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_gives_one_line_and_leaves_the_old_file(tiny_disk):
    target = tiny_disk / "model.bin"
    write_bytes(target, b"old")
    with pytest.raises(ArtefactError, match="no space left on the disk"):
        write_bytes(target, b"x" * 1_000_000)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tiny_disk.iterdir()] == ["model.bin"]


def test_a_full_disk_leaves_no_half_folder(tiny_disk):
    with (
        pytest.raises(ArtefactError, match="no space"),
        whole_folder(tiny_disk / "bundle") as folder,
    ):
        (folder / "model.bin").write_bytes(b"x" * 1_000_000)
    assert list(tiny_disk.iterdir()) == []


def test_a_read_only_disk_gives_one_line(tiny_disk):
    subprocess.run(["mount", "-o", "remount,ro", tiny_disk], check=True)
    with pytest.raises(ArtefactError, match="read-only"):
        make_folder(tiny_disk / "runs")


def test_a_file_in_the_way_gives_one_line(tmp_path):
    (tmp_path / "runs").write_text("I am a file")
    with pytest.raises(ArtefactError, match="is a file, not a folder"):
        make_folder(tmp_path / "runs" / "mine")


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    target = tmp_path / "bundle"
    with whole_folder(target) as folder:
        (folder / "bundle.json").touch()
        (folder / "old").touch()
    with whole_folder(target) as folder:
        (folder / "bundle.json").touch()
        (folder / "new").touch()
    assert sorted(path.name for path in target.iterdir()) == ["bundle.json", "new"]
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_two_writers_of_one_folder_do_not_mix(tmp_path):
    target = tmp_path / "bundle"
    with whole_folder(target) as first, whole_folder(target) as second:
        for folder, content in ((first, "first"), (second, "second")):
            for name in ("bundle.json", "model", "card"):
                (folder / name).write_text(content)
    assert {path.read_text() for path in target.iterdir()} == {"first"}
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_what_a_killed_process_left_is_cleared_a_day_later(tmp_path):
    left, fresh = (tmp_path / f".bundle.{n}-0123abcd.part" for n in (1, 2))
    for folder in (left, fresh):
        folder.mkdir()
    os.utime(left, (0, 0))
    with whole_folder(tmp_path / "bundle") as folder:
        (folder / "bundle.json").touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == [fresh.name, "bundle"]


def test_a_failing_block_leaves_the_old_folder(tmp_path):
    target = tmp_path / "bundle"
    with whole_folder(target) as folder:
        (folder / "old").touch()
    with contextlib.suppress(RuntimeError), whole_folder(target):
        raise RuntimeError
    assert [path.name for path in target.iterdir()] == ["old"]


def test_a_kill_between_the_renames_is_mended(tmp_path):
    target = tmp_path / "bundle"
    (tmp_path / ".bundle.old").mkdir()
    (tmp_path / ".bundle.old" / "old").touch()
    with contextlib.suppress(RuntimeError), whole_folder(target):
        raise RuntimeError
    assert [path.name for path in target.iterdir()] == ["old"]


def test_json_refuses_what_is_no_number(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "x.json", {"accuracy": float("nan")})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
        TimeoutError(errno.ETIMEDOUT, "timed out"),
        FileNotFoundError(errno.ENOENT, "No such file", "/elsewhere/picture.jpg"),
    ],
)
def test_an_error_of_something_else_keeps_its_own_meaning(tmp_path, error):
    with pytest.raises(type(error)) as raised, whole_folder(tmp_path / "bundle"):
        raise error
    assert raised.value is error
    with pytest.raises(type(error)), explained(tmp_path / "runs"):
        raise error


def test_a_place_where_nothing_can_be_written_is_told_before_anything_is_made(
    tmp_path, monkeypatch
):
    (tmp_path / "file").write_text("x")
    for place in ("new.html", "new/folder", "file"):
        require_writable(tmp_path / place)
    with pytest.raises(ArtefactError, match="a part of this path is a file, not a folder"):
        require_writable(tmp_path / "file" / "new.html")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write wherever it likes
    with pytest.raises(ArtefactError, match=r"new\.html: can't write: permission denied"):
        require_writable(tmp_path / "new.html")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EFBIG]
)
def test_a_disk_that_refuses_an_open_file_is_named(tmp_path, number):
    refused = pytest.raises(ArtefactError, match="runs: can't write: ")
    with refused as raised, explained(tmp_path / "runs"):
        raise OSError(number, os.strerror(number))
    assert os.strerror(number) not in str(raised.value)


def test_a_folder_of_something_else_is_never_replaced(tmp_path):
    photos = tmp_path / "photos"
    (photos / "cats").mkdir(parents=True)
    (photos / "cats" / "1.jpg").write_bytes(b"a picture")
    (photos / "fold-1.csv").write_text("an older one")
    with pytest.raises(ArtefactError, match="holds something else"), whole_folder(photos) as made:
        (made / "fold-1.csv").write_text("a new one")
    assert (photos / "cats" / "1.jpg").read_bytes() == b"a picture"
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_folders_made_for_a_folder_that_comes_to_nothing_are_gone_again(tmp_path):
    with pytest.raises(ValueError, match="broken"), whole_folder(tmp_path / "a" / "b" / "bundle"):
        raise ValueError("broken")
    assert not list(tmp_path.iterdir())
    with whole_folder(tmp_path / "a" / "b" / "bundle") as made:
        (made / "file").write_text("x")
    assert (tmp_path / "a" / "b" / "bundle" / "file").is_file()
