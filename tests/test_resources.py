import errno
import os
import resource
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from scenelet.errors import MissingExtraError, ResourceError
from scenelet.extras import needs_extra
from scenelet.files import read, walk
from scenelet.resources import ended

pytestmark = pytest.mark.pipeline


def fill_database():
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA max_page_count=2")
    connection.execute("CREATE TABLE t (x)")
    connection.execute("INSERT INTO t VALUES (zeroblob(100000))")


def write_to_read_only_database(folder):
    path = folder / "study.db"
    sqlite3.connect(path).executescript("CREATE TABLE t (x)")
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.execute("INSERT INTO t VALUES (1)")


def take_all_memory_by_torch():
    import torch

    torch.empty(2**60)


def raised_by(action, *arguments):
    with pytest.raises(Exception) as raised:  # noqa: PT011  (whatever the library raises)
        action(*arguments)
    return raised.value


def test_memory_that_python_or_torch_does_not_get_is_told_alike():
    for action, *arguments in ((bytearray, 2**60), (take_all_memory_by_torch,)):
        assert ended(raised_by(action, *arguments)).startswith("no memory left")


def test_errors_that_caused_each_other_in_a_circle_are_looked_through_once():
    first, second = ValueError("first"), OSError("second")
    first.__cause__, second.__cause__ = second, first
    assert not ended(first)
    second.errno = errno.ENOSPC
    assert "no space left" in ended(first)


def test_a_database_that_can_not_grow_or_be_written_is_told(tmp_path):
    assert "no space left on the disk" in ended(raised_by(fill_database))
    assert "read-only" in ended(raised_by(write_to_read_only_database, tmp_path))


def fail_as_a_library(cause):
    raise RuntimeError("a library's own words") from cause


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space left"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EMFILE, "too many files"),
        (errno.ENFILE, "too many files"),
        (errno.ENOMEM, "no memory"),
    ],
)
def test_the_cause_of_an_error_is_looked_through(number, words):
    with pytest.raises(RuntimeError) as raised:
        fail_as_a_library(OSError(number, os.strerror(number)))
    assert words in ended(raised.value)


def test_an_error_of_something_else_is_not_explained_away():
    for error in (KeyError("memory"), ConnectionResetError(104, "reset"), ValueError("x")):
        assert ended(error) == ""


@pytest.fixture
def no_more_files():
    """This process may open no further file."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_picture_is_not_left_out_because_too_many_files_are_open(tmp_path, no_more_files):
    with pytest.raises(ResourceError, match="too many files are open"):
        read(tmp_path, "picture.jpg")
    with pytest.raises(ResourceError, match="too many files are open"):
        list(walk(tmp_path))


def test_a_command_that_may_open_no_further_file_says_so_in_one_line(painted, tmp_path):
    code = (
        "import resource, os, sys\n"
        "from scenelet.cli import main, data\n"
        "import scenelet.dataset.manifest, scenelet.dataset.split, PIL.JpegImagePlugin, numpy\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))\n"
        f"sys.argv = ['scenelet', 'data', 'split', {str(painted)!r}]\n"
        "main.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert done.stderr.splitlines()[-1].startswith("scenelet: too many files are open")
    assert "Traceback" not in done.stderr


def test_a_command_without_memory_says_so_and_ends_before_libraries_tidy_up(tmp_path):
    code = (
        "import atexit, sys\n"
        "from scenelet.cli import main, data\n"
        "import scenelet.dataset.paint as library\n"
        "atexit.register(print, 'a library tidies up')\n"
        "library.paint_data_set = lambda *_, **__: bytearray(2**60)\n"
        f"sys.argv = ['scenelet', 'data', 'paint', {str(tmp_path / 'p')!r}]\n"
        "main.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1].startswith("scenelet: no memory left")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ModuleNotFoundError(name="torch"), r"needs scenelet\[train\] \(torch is not installed\)"),
        (ImportError("libgomp.so.1: no such file"), r"can't be loaded: libgomp\.so\.1: no such"),
    ],
)
def test_a_package_that_is_not_there_or_broken_is_told(error, told):
    with pytest.raises(MissingExtraError, match=told), needs_extra("train"):
        raise error


def test_a_package_that_gets_no_memory_is_not_called_missing():
    with pytest.raises(ImportError, match="map segment"), needs_extra("train"):
        raise ImportError("libtorch.so: failed to map segment from shared object")


def test_a_working_folder_that_was_removed_is_told(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert "folder that this runs in is gone" in ended(raised_by(Path.cwd))
