"""Pictures from elsewhere, kept on this machine within a budget; each whole or not at all.

What was fetched before a process was killed is there when the command runs again. A kept file that
a power cut or a bad disk has spoilt is fetched anew. Knows no addresses.
"""

import hashlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from scenelet.errors import ConfigError

FOLDER, BUDGET = "SCENELET_CACHE", "SCENELET_CACHE_GB"
DEFAULT_GB = 10.0
_DIGEST_BYTES = 16
_LOOKED_AFTER = 20  # times within one budget: how exactly it is kept
_LEFT = 0.9  # of the budget, after the oldest have gone
_ABANDONED_S = 3600.0


@dataclass
class Cache:
    """Files of one folder, together no larger than a budget, the ones used last.

    Attributes:
        folder: That holds them.
        budget_bytes: 0 keeps nothing.
    """

    folder: Path
    budget_bytes: int
    _since_bytes: int | None = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def get(self, key: str, fetch: Callable[[], bytes]) -> bytes:
        """The bytes of a key: kept, else fetched and kept, where the disk has room.

        Args:
            key: That changes when the bytes do.
            fetch: Gets them; what it raises stays what it is.
        """
        if not self.budget_bytes:
            return fetch()
        place = self._place(key)
        data = _read(place)
        if data is None:
            data = fetch()
            with suppress(OSError):  # a full disk keeps nobody from going on
                self._keep(place, data)
        return data

    def stamps_of(self, name: str) -> "Stamps":
        """What a listing said of each file, so that a changed one is fetched anew."""
        return Stamps(self.folder / f"{_hash(name)}.stamps")

    def _place(self, key: str) -> Path:
        name = _hash(key)
        return self.folder / name[:2] / name

    def _keep(self, place: Path, data: bytes) -> None:
        _write(place, data)
        with self._lock:
            first, self._since_bytes = self._since_bytes is None, self._since_bytes or 0
            self._since_bytes += len(data)
            if first or self._since_bytes * _LOOKED_AFTER > self.budget_bytes:
                self._since_bytes = 0
                self._forget_oldest()

    def _forget_oldest(self) -> None:
        """Bring the folder within the budget; other processes may do the same at once."""
        kept = sorted(_kept_in(self.folder))
        total = sum(size for _, size, _ in kept)
        if total <= self.budget_bytes:
            return
        for _, size, path in kept:
            if total <= _LEFT * self.budget_bytes:
                break
            path.unlink(missing_ok=True)
            total -= size


@dataclass(frozen=True)
class Stamps:
    """Stamps of many files in one small database, read one at a time.

    Attributes:
        path: Of the database.
    """

    path: Path

    def write(self, stamps: Iterable[tuple[str, str]]) -> None:
        """Write them anew, whole or not at all; a disk that refuses keeps none."""
        aside = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        with suppress(OSError, sqlite3.Error):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            aside.unlink(missing_ok=True)
            base = sqlite3.connect(aside)
            with base:
                base.execute("CREATE TABLE stamps (path TEXT PRIMARY KEY, stamp TEXT)")
                base.executemany("INSERT OR REPLACE INTO stamps VALUES (?, ?)", stamps)
            base.close()
            aside.replace(self.path)

    def of(self, path: str) -> str:
        """Of one file; "" where no listing told of it."""
        try:
            base = _opened(self.path, self.path.stat().st_ino)
            found = base.execute("SELECT stamp FROM stamps WHERE path = ?", (path,)).fetchone()
        except (OSError, sqlite3.Error):
            return ""
        return str(found[0]) if found else ""


@lru_cache(maxsize=4)
def _opened(path: Path, inode: int) -> sqlite3.Connection:  # noqa: ARG001  (another file, another)
    address = f"{path.absolute().as_uri()}?immutable=1"
    return sqlite3.connect(address, uri=True, check_same_thread=False)


def pictures_cache() -> Cache:
    """The user's, by the environment: where, and how much.

    Raises:
        ConfigError: The budget is no number.
    """
    folder = os.environ.get(FOLDER) or str(Path.home() / ".cache" / "scenelet" / "pictures")
    return _cache(folder, _budget_bytes())


def _budget_bytes() -> int:
    text = os.environ.get(BUDGET) or str(DEFAULT_GB)
    try:
        return max(0, int(float(text) * 1e9))
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"{BUDGET}: found {text!r}, expected a number of GB") from error


@lru_cache(maxsize=4)
def _cache(folder: str, budget_bytes: int) -> Cache:
    return Cache(Path(folder), budget_bytes)


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()


def _read(place: Path) -> bytes | None:
    """A kept file's bytes; None where it is not there or not whole. It is then the last used."""
    try:
        held = place.read_bytes()
        os.utime(place)
    except OSError:
        return None
    data = held[_DIGEST_BYTES:]
    return data if _digest(data) == held[:_DIGEST_BYTES] else None


def _write(place: Path, data: bytes) -> None:
    """Whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = place.with_name(f".{place.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        aside.write_bytes(_digest(data) + data)
        aside.replace(place)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def _kept_in(folder: Path) -> Iterable[tuple[float, int, Path]]:
    """When each was last used (s), bytes and path; what a killed process left half is removed."""
    for shelf in folder.iterdir():
        if not shelf.is_dir():
            continue
        for path in shelf.iterdir():
            with suppress(OSError):
                told = path.stat()
                if path.suffix == ".part" and time.time() - told.st_mtime > _ABANDONED_S:
                    path.unlink()
                else:
                    yield told.st_mtime, told.st_size, path
