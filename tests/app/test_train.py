"""What a work is on disk."""

import time
from pathlib import Path

from scenelet.app.works import Work, works


def test_a_work_is_stopped_and_what_it_had_begun_ends_with_it(painted, tmp_path):
    work = Work(tmp_path / "mine")
    work.begin(str(painted))
    try:
        assert work.is_running
        assert [each.name for each in works(tmp_path)] == ["mine"]
    finally:
        work.stop()
    end_s = time.monotonic() + 20
    while work.is_running and time.monotonic() < end_s:
        time.sleep(0.1)
    assert not work.is_running
    assert not work.is_complete
    assert work.data == str(painted)


def test_a_folder_without_a_work_holds_none(tmp_path):
    Path(tmp_path / "other").mkdir()
    assert works(tmp_path) == []
