"""Locks between processes: a file that one of them holds at a time.

The system frees a lock however the process ends. Knows nothing of what the lock is for.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from scenelet.artefacts import explained
from scenelet.errors import ConfigError


@contextmanager
def held(path: Path, busy: str = "", goes: bool = False) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; what the block raises stays what it is.

    Args:
        path: Of the lock file, made if it is not there; its folder exists.
        busy: What to say where another process holds it; empty waits for as long as it takes.
        goes: Whether the file is taken away at the end, else it stays for the next to hold.

    Raises:
        ConfigError: Another process holds it; the message is `busy`.
        ArtefactError: The file can't be written.
    """
    lock = FileLock(path, timeout=0 if busy else -1)
    try:
        with explained(path):
            lock.acquire()
    except Timeout as error:
        raise ConfigError(busy) from error
    try:
        yield
    finally:
        if goes:
            with suppress(OSError):  # Windows removes no open file
                path.unlink()  # whoever waits on it notices that it is gone, and makes another
        lock.release()
