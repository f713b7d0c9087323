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

from scenelet.dataset.kept_small import MOST_BYTES, KeptSmall
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

    def __post_init__(self) -> None:
        self._small = KeptSmall(self.folder / "small.sqlite")

    def get(self, key: str, fetch: Callable[[], bytes]) -> bytes:
        """The bytes of a key: kept, else fetched and kept, where the disk has room.

        Args:
            key: That changes when the bytes do.
            fetch: Gets them; what it raises stays what it is.
        """
        if not self.budget_bytes:
            return fetch()
        name = _hash(key)
        data = _whole(self._small.get(name)) or _whole(_read(self._place(name)))
        if data is None:
            data = fetch()
            with suppress(OSError):  # a full disk keeps nobody from going on
                self._keep(name, data)
        return data

    def stamps_of(self, name: str) -> "Stamps":
        """What a listing said of each file, so that a changed one is fetched anew."""
        return Stamps(self.folder / f"{_hash(name)}.stamps")

    def _place(self, name: str) -> Path:
        return Path(self.folder, name[:2], name)

    def _keep(self, name: str, data: bytes) -> None:
        held = _digest(data) + data
        if len(held) > MOST_BYTES or not self._small.put(name, held):
            _write(self._place(name), held)
        with self._lock:
            first, self._since_bytes = self._since_bytes is None, self._since_bytes or 0
            self._since_bytes += len(data)
            if first or self._since_bytes * _LOOKED_AFTER > self.budget_bytes:
                self._since_bytes = 0
                self._forget_oldest()

    def _forget_oldest(self) -> None:
        """Bring the folder within the budget; other processes may do the same at once."""
        kept = sorted([*self._small.all(), *_files_in(self.folder)])
        total, left, old = sum(size for _, size, _ in kept), _LEFT * self.budget_bytes, list[str]()
        if total <= self.budget_bytes:
            return
        for _, size, name in kept:
            if total <= left:
                break
            old.append(name)
            total -= size
        self._small.forget(old)
        for name in old:
            self._place(name).unlink(missing_ok=True)


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


def _whole(held: bytes | None) -> bytes | None:
    """What was kept, if it is still what it was."""
    data = held[_DIGEST_BYTES:] if held else b""
    return data if held and _digest(data) == held[:_DIGEST_BYTES] else None


def _read(place: Path) -> bytes | None:
    """A kept file, which is then the last used; None where there is none."""
    try:
        held = place.read_bytes()
        os.utime(place)
    except OSError:
        return None
    return held


def _write(place: Path, held: bytes) -> None:
    """Whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = place.with_name(f".{place.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        aside.write_bytes(held)
        aside.replace(place)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def _files_in(folder: Path) -> Iterable[tuple[float, int, str]]:
    """When each was last used (s), bytes and name; what a killed process left half is removed."""
    for shelf in folder.iterdir():
        if not shelf.is_dir():
            continue
        for path in shelf.iterdir():
            with suppress(OSError):
                told = path.stat()
                if path.suffix != ".part":
                    yield told.st_mtime, told.st_size, path.name
                elif time.time() - told.st_mtime > _ABANDONED_S:
                    path.unlink()
