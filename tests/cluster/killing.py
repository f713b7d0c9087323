"""Find ray's processes that this one started, by their titles, and end one as a power cut would."""

import contextlib
import os
import signal
from pathlib import Path


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
