"""Artefacts appear whole or not at all: written aside, then renamed.

Knows nothing of what they contain.
"""

import errno
import json
import os
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from scenelet.errors import ArtefactError
from scenelet.resources import ended

_REASONS = {
    errno.EACCES: "permission denied; choose a folder you may write to",
    errno.EPERM: "permission denied; choose a folder you may write to",
    errno.ENOTDIR: "a part of this path is a file, not a folder; choose another folder",
    errno.EEXIST: "a file of this name stands where a folder is needed; choose another name",
}
_LEFT_S = 24 * 3600  # an unfinished folder that nobody has touched for so long was left behind
# Writing to an open file names no file: these say by themselves that a disk refused.
_OF_A_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an operating system's refusal to write `path` into one clear line.

    An OSError of something else, a reset connection or a file elsewhere, keeps its own meaning.

    Raises:
        ArtefactError: In place of an OSError that a disk refused, or that names `path`, a file
            below it or a folder above it.
    """
    try:
        yield
    except OSError as error:
        if not _concerns(error, path):
            raise
        known = ended(error) or _REASONS.get(error.errno or 0)
        reason = known or error.strerror or str(error)
        raise ArtefactError(f"{path}: can't write: {reason}") from error


def _concerns(error: OSError, path: Path) -> bool:
    if not isinstance(error.filename, str | bytes):
        return error.errno in _OF_A_DISK
    named, own = Path(os.fsdecode(error.filename)).absolute(), path.absolute()
    beside = named.parent == own.parent and own.name in named.name  # written aside, then renamed
    return beside or named.is_relative_to(own) or own.is_relative_to(named)


def require_writable(path: Path) -> None:
    """See to it that something can be written there, before it is made; makes nothing itself.

    Raises:
        ArtefactError: No permission, a read-only file system, or a file where a folder is needed.
    """
    with explained(path):
        there = next(each for each in path.absolute().parents if each.exists())
        if not there.is_dir():
            raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
        folder = path if path.is_dir() else there
        if not os.access(folder, os.W_OK):
            number = errno.EROFS if _is_read_only(folder) else errno.EACCES
            raise OSError(number, os.strerror(number), str(path))


def _is_read_only(folder: Path) -> bool:
    """Whether nobody may write to its file system; not told on Windows."""
    return hasattr(os, "statvfs") and bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def make_folder(path: Path) -> Path:
    """Make a folder and its parents, if they are not there.

    Raises:
        ArtefactError: It can't be made.
    """
    with explained(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file so that it is either the old one or the whole new one, even after a power cut.

    Threads may write the same file at once: each writes aside under a name of its own.

    Raises:
        ArtefactError: No space, no permission.
    """
    is_main = threading.current_thread() is threading.main_thread()
    writer = "" if is_main else f".{threading.get_native_id()}"
    aside = path.with_name(f".{path.name}{writer}.part")
    with explained(path):
        try:
            with open(aside, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except OSError:
            aside.unlink(missing_ok=True)
            raise


def write_text(path: Path, text: str) -> None:
    """As `write_bytes`, UTF-8."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any) -> None:
    """As `write_bytes`: indented JSON with a final newline."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Fill a folder aside and move it to `path` when the block ends well.

    Leave nothing when it does not. What stood there before is replaced if it is an older one of
    the same kind, and never if it is something else, such as somebody's pictures.

    Yields:
        The folder to fill, beside `path`.

    Raises:
        ArtefactError: No space, no permission, or something else stands there.
    """
    aside, old = _aside(path, "part"), _aside(path, "old")
    above = [each for each in path.parents if not each.exists()]
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path)
        aside.mkdir()
        try:
            yield aside
            if path.exists():
                _require_older_one(path, aside)
                path.replace(old)
            aside.replace(path)
        finally:
            for leftover in (aside, old):
                shutil.rmtree(leftover, ignore_errors=True)
            for each in above:
                with suppress(OSError):  # it holds something now
                    each.rmdir()


def _aside(path: Path, kind: str) -> Path:
    """A name beside a path that no other writer takes."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.{kind}")


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder that is there; raises as `write_bytes`."""
    for name, content in files.items():
        write_bytes(folder / name, content)


def _clear(path: Path) -> None:
    """Put right what killed processes left beside a folder; what is being written is left alone."""
    beside = re.compile(rf"\.{re.escape(path.name)}\.(\d+-[0-9a-f]{{8}}\.)?(part|old)")
    found = [each for each in path.parent.iterdir() if beside.fullmatch(each.name)]
    for old in (each for each in found if each.suffix == ".old"):
        if not path.exists():  # killed between the two renames
            old.replace(path)
    for leftover in found:
        if leftover.exists() and time.time() - leftover.stat().st_mtime > _LEFT_S:
            shutil.rmtree(leftover, ignore_errors=True)


def _require_older_one(path: Path, new: Path) -> None:
    """See to it that a folder holds what the new one holds, and no sub-folder besides.

    Raises:
        ArtefactError: It holds something else.
    """
    there = [entry for entry in path.iterdir() if not entry.name.startswith(".")]
    made = {entry.name for entry in new.iterdir()}
    foreign = [entry.name for entry in there if entry.is_dir() and entry.name not in made]
    if foreign or (there and not made.intersection(entry.name for entry in there)):
        found = sorted(foreign or [entry.name for entry in there])[0]
        raise ArtefactError(
            f"{path}: holds something else (the first: {found}) and was left as it is. Give"
            " another folder."
        )
