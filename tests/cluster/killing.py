"""End processes as a power cut would: ray's that this one started, and drivers by their own hand."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from servers import wait_until

DIE = "import os, signal\ndef die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"


def parent_of(pid):
    """Of a process; 0 of one that is gone."""
    with contextlib.suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def is_ours(pid):
    """Whether a process descends from this one."""
    while pid > 1:
        pid = parent_of(pid)
        if pid == os.getpid():
            return True
    return False


def titled(prefix):
    """Process ids of ours whose title begins so."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "cmdline").read_bytes().startswith(prefix.encode()):
                found.append(int(folder.name))
    return [pid for pid in found if is_ours(pid)]


def kill_one(prefix):
    """kill -9 the first of them; whether there was one."""
    pids = titled(prefix)
    if pids:
        os.kill(pids[0], signal.SIGKILL)
    return bool(pids)


def run_and_die(words, where):
    """Run a command in a process that ends itself with -9 where statements have it call `die`."""
    code = f"{DIE}{where}\nfrom scenelet.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def while_it_runs(command, happens):
    """Run a command; once it is at work do something to it, which must come about meanwhile."""
    over, happened = threading.Event(), []

    def looked():
        if not over.is_set() and happens():
            happened.append(True)
        return happened or over.is_set()

    thread = threading.Thread(target=lambda: wait_until(looked, "somebody to kill", 600))
    thread.start()
    try:
        done = command()
    finally:
        over.set()
        thread.join()
    assert happened, done.err
    return done
