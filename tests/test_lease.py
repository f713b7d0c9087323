"""One holder at a time on a shelf, in a folder and in a bucket, whoever dies."""

import subprocess
import sys
import threading
import time

import fsspec
import pytest
from servers import wait_until

from scenelet import lease as module
from scenelet.dataset.bucket import shelf_at
from scenelet.errors import ConfigError
from scenelet.lease import leased


@pytest.fixture(params=["folder", "memory"])
def shelf(request, tmp_path):
    fsspec.filesystem("memory").store.clear()
    return shelf_at(tmp_path / "out" if request.param == "folder" else "memory://out/a")


def test_a_second_holder_is_told_who_is_at_it(shelf):
    told = pytest.raises(ConfigError, match=r"process \d+ on .* is answering into it")
    with leased(shelf, "answering into it"), told, leased(shelf, "answering into it"):
        raise AssertionError("two hold it")
    with leased(shelf, "answering into it"):
        pass
    assert shelf.names("lease") == []


def test_of_many_who_want_it_at_once_one_gets_it(shelf):
    got, barrier = [], threading.Barrier(8)

    def want():
        barrier.wait()
        try:
            lease = module._taken(shelf, "x")
        except ConfigError:
            return
        got.append(lease)

    threads = [threading.Thread(target=want) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


def test_a_process_that_died_here_holds_nothing(tmp_path):
    code = (
        "import os, sys; from scenelet.lease import leased; from scenelet.shelf import FolderShelf;"
        "from pathlib import Path\n"
        "with leased(FolderShelf(Path(sys.argv[1])), 'x'): os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    shelf = shelf_at(tmp_path)
    assert shelf.names("lease") == ["lease/000001"]
    with leased(shelf, "x") as lease:
        assert shelf.names("lease") == [lease.name] == ["lease/000002"]


def test_a_holder_that_fell_silent_loses_it_and_hears_so(shelf, monkeypatch):
    monkeypatch.setattr(module, "LOST_S", 0.0)
    with leased(shelf, "x", beat_s=60) as first:
        first.check()
        with leased(shelf, "x", beat_s=60) as second:
            first.beat()
            with pytest.raises(ConfigError, match="another process has taken over"):
                first.check()
            second.beat()
            second.check()


def written_s(shelf, lease):
    return time.time() - (shelf.age_s(lease.name) or 0)


def test_it_says_again_and_again_that_it_lives(shelf):
    with leased(shelf, "x", beat_s=0.01) as lease:
        first_s = written_s(shelf, lease)
        wait_until(lambda: written_s(shelf, lease) > first_s + 0.005, "said again")
        assert shelf.claim("lease/000002", b"somebody else 1 0")
        wait_until(lambda: lease.is_lost, "it is lost")
    assert shelf.names("lease") == ["lease/000002"]
