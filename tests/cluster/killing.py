"""Find ray's processes by what they call themselves, and end one as a power cut would."""

import contextlib
import os
import signal
from pathlib import Path


def titled(prefix):
    """Process ids of those whose title begins so."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (folder / "cmdline").read_bytes().startswith(prefix.encode()):
                found.append(int(folder.name))
    return found


def kill_one(prefix):
    """kill -9 the first of them; whether there was one."""
    pids = titled(prefix)
    if pids:
        os.kill(pids[0], signal.SIGKILL)
    return bool(pids)
