import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scenelet.scratch import SHARED, scratch, sweep

WORK = """
import sys
from scenelet.scratch import scratch
with scratch("run") as folder:
    (folder / "file").write_text("x")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty temporary place, of this process and those it starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    return tmp_path


@pytest.fixture
def working(place):
    """A process with a scratch folder, and the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.communicate()


def test_a_scratch_folder_is_gone_when_its_block_ends_however_it_ends(place):
    with scratch("run") as folder:
        (folder / "file").write_text("x")
        with scratch("run") as inner:
            assert inner != folder
        assert (folder.is_dir(), inner.exists()) == (True, False)
    with pytest.raises(ZeroDivisionError), scratch("run"):
        1 / 0  # noqa: B018
    assert list(place.iterdir()) == []


def test_what_a_killed_process_left_is_cleared_by_the_next_and_no_other(place, working):
    process, folder = working
    sweep()
    assert (folder / "file").is_file()
    process.kill()
    process.wait()
    with scratch("other"):
        assert not folder.exists()
    assert list(place.iterdir()) == []


def test_what_several_processes_share_goes_when_nobody_has_written_there_for_a_day(place):
    new, old = (place / f"{SHARED}{name}" for name in ("new", "old"))
    for folder in (new, old):
        folder.mkdir()
    os.utime(old, (time.time() - 25 * 3600,) * 2)
    sweep()
    assert (new.is_dir(), old.exists()) == (True, False)
