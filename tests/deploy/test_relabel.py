"""Symbol versions on a library of this machine: made newer on purpose, bound back, and loaded."""

import shutil
import subprocess
import sys

import pytest

from scenelet.deploy.relabel import relabel

SOURCE = """
#include <condition_variable>
#include <mutex>
#include <thread>
extern "C" int waited() {
    std::mutex mutex; std::condition_variable changed; bool done = false;
    std::thread other([&] { std::lock_guard<std::mutex> held(mutex); done = true; changed.notify_one(); });
    std::unique_lock<std::mutex> lock(mutex);
    while (!done) changed.wait(lock);
    lock.unlock(); other.join();
    return 42;
}
"""


@pytest.fixture
def library(tmp_path):
    """A shared object that waits on a condition variable."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("there is no C++ compiler on this machine")
    (tmp_path / "own.cc").write_text(SOURCE)
    path = tmp_path / "own.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-pthread", tmp_path / "own.cc", "-o", path]
    subprocess.run(command, check=True)
    return path


def test_what_is_bound_to_an_older_version_still_waits_and_wakes(library):
    before = library.read_bytes()
    if b"GLIBCXX_3.4.30" not in before or b"GLIBCXX_3.4.11" not in before:
        pytest.skip("this machine's compiler asks for other versions")
    after = relabel(before)
    assert after != before
    library.write_bytes(after)
    code = "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).waited())"
    done = subprocess.run(
        [sys.executable, "-c", code, library],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout == "42\n"
    assert relabel(after) == after


def test_what_asks_for_nothing_newer_is_left_as_it_is(library):
    content = library.read_bytes()
    assert relabel(content, new="GLIBCXX_9.9.9") is content
