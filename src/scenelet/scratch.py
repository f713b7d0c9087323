"""Scratch folders: what is made on the way lies in one; of a killed process, the next one clears.

Each has a lock file beside it, which the system frees however its process ends.
"""

import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from scenelet.artefacts import explained

SHARED = "scenelet-shared-"  # of several processes: nobody's own, cleared by its age
_OWN = "scenelet-scratch-"
_LEFT_S = 24 * 3600


@contextmanager
def scratch(what: str) -> Iterator[Path]:
    """A folder of this machine, gone when the block ends; others' whose process was killed too.

    Args:
        what: Is made there, for a person who looks: "run".

    Raises:
        ArtefactError: It can't be made.
    """
    sweep()
    folder = _top() / f"{_OWN}{what}-{secrets.token_hex(8)}"
    lock = FileLock(_lock_of(folder))
    with explained(folder), lock:
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            _remove(folder)


def sweep() -> None:
    """Remove what killed processes left, as far as it is this user's."""
    for path in _top().glob(f"{_OWN}*.lock"):
        with suppress(OSError, Timeout), FileLock(path, timeout=0):
            _remove(path.with_suffix(""))
    for path in _top().glob(f"{SHARED}*"):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _LEFT_S:
                shutil.rmtree(path, ignore_errors=True)


def _top() -> Path:
    return Path(tempfile.gettempdir())


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # open files can't be removed everywhere
        _lock_of(folder).unlink(missing_ok=True)
