"""Small pictures of the cache, together in one database.

To make a file can take longer than to fetch what shall lie in it. A few are written at a time, for
one process at a time can write; a process that is killed loses those. Knows nothing of budgets.
"""

import atexit
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MOST_BYTES = 64 * 1024  # what is larger is a file of its own
_PAGE_BYTES = 4096
_WAITING_S = 10.0  # for another process that writes
_TOGETHER = 16  # written at a time
_OFTEN_S = 600.0  # within which a second use is not noted
_MADE = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = 8000;
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, used REAL, size INTEGER, data BLOB);
CREATE INDEX IF NOT EXISTS by_use ON kept (used, size, name);
"""


@dataclass
class KeptSmall:
    """Bytes by name; what one process has written is there for every other, also after a kill.

    Attributes:
        path: Of the database.
    """

    path: Path
    _base: sqlite3.Connection | None = field(default=None, init=False, repr=False)
    _process: int = field(default=0, init=False, repr=False)  # whose connection it is
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _new: dict[str, bytes] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        atexit.register(self.write)

    def get(self, name: str) -> bytes | None:
        """Bytes of a name, which is then the last used; None where there are none."""
        if data := self._new.get(name):
            return data
        found = self._ask("SELECT data, used FROM kept WHERE name = ?", [(name,)])
        if not found:
            return None
        ((data, used),) = found
        if time.time() - used > _OFTEN_S:
            self._ask("UPDATE kept SET used = ? WHERE name = ?", [(time.time(), name)])
        return bytes(data)

    def put(self, name: str, data: bytes) -> bool:
        """Whole or not at all; False where the disk refuses it and those put in before it."""
        with self._lock:
            self._new[name] = data
            is_enough = len(self._new) >= _TOGETHER
        return not is_enough or self.write()

    def write(self) -> bool:
        """Write what was put in; whether the disk took it."""
        with self._lock:
            new, self._new = self._new, {}
        rows = [(name, time.time(), _on_disk(data), data) for name, data in new.items()]
        if not rows:
            return True
        return self._ask("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", rows) is not None

    def all(self) -> list[tuple[float, int, str]]:
        """When each was last used (s), bytes on the disk, name."""
        self.write()
        return self._ask("SELECT used, size, name FROM kept") or []

    def forget(self, names: Iterable[str]) -> None:
        """Make room."""
        self._ask("DELETE FROM kept WHERE name = ?", [(name,) for name in names])

    def _ask(self, words: str, rows: Sequence[tuple[object, ...]] = ((),)) -> list[Any] | None:
        """What the database says; None where it can't be had, and it is begun anew if spoilt."""
        with self._lock:
            try:
                with self._opened() as base:
                    return [each for row in rows for each in base.execute(words, row)]
            except (OSError, sqlite3.OperationalError):  # a full disk, another process for too long
                return None
            except sqlite3.DatabaseError:
                self._begin_anew()
                return None

    def _opened(self) -> sqlite3.Connection:
        if self._base is None or self._process != os.getpid():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(self.path, _WAITING_S, check_same_thread=False)
            self._process = os.getpid()
            self._base.executescript(_MADE)
        return self._base

    def _begin_anew(self) -> None:
        if self._base:
            self._base.close()
            self._base = None
        for more in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + more).unlink(missing_ok=True)


def _on_disk(data: bytes) -> int:
    """Bytes that it takes there: whole pages."""
    return (len(data) // _PAGE_BYTES + 1) * _PAGE_BYTES
