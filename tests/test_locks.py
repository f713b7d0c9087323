import subprocess
import sys

import pytest

from scenelet.errors import ArtefactError, ConfigError
from scenelet.locks import held

HOLD = """
import sys
from pathlib import Path
from scenelet.locks import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_lock_that_another_process_holds_is_one_line(tmp_path, holder):
    busy = "somebody trains here"
    with pytest.raises(ConfigError, match=busy), held(tmp_path / "lock", busy):
        pytest.fail("both hold it")


def test_a_killed_process_frees_its_lock(tmp_path, holder):
    holder.kill()
    with held(tmp_path / "lock"):
        pass
    with held(tmp_path / "lock", "busy"):
        pass


@pytest.mark.parametrize("error", [ConnectionResetError(104, "reset by peer"), KeyError("x")])
def test_what_goes_wrong_under_a_lock_keeps_its_own_meaning(tmp_path, error):
    with pytest.raises(type(error)) as raised, held(tmp_path / "lock", "busy"):
        raise error
    assert raised.value is error
    with held(tmp_path / "lock", "it was freed"):
        pass


def test_a_lock_that_can_not_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ArtefactError, match="can't write: "), held(tmp_path / "file" / "lock"):
        pass


def test_a_lock_that_goes_leaves_nothing_behind_and_is_held_again(tmp_path):
    for _ in range(2):
        with held(tmp_path / "lock", "busy", goes=True):
            assert (tmp_path / "lock").exists()
        assert not (tmp_path / "lock").exists()


def test_a_lock_that_goes_is_not_taken_from_who_holds_it(tmp_path, holder):
    with pytest.raises(ConfigError), held(tmp_path / "lock", "busy", goes=True):
        pytest.fail("both hold it")
    assert (tmp_path / "lock").exists()
