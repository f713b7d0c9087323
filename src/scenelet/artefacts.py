"""Artefacts appear whole or not at all: written aside, then renamed.

Knows nothing of what they contain.
"""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scenelet.errors import ArtefactError

_REASONS = {
    errno.ENOSPC: "no space left on the disk; free some and run the same command again",
    errno.EDQUOT: "the disk quota is used up; free some and run the same command again",
    errno.EACCES: "permission denied; choose a folder you may write to",
    errno.EPERM: "permission denied; choose a folder you may write to",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.ENOTDIR: "a part of this path is a file, not a folder; choose another folder",
    errno.EEXIST: "a file of this name stands where a folder is needed; choose another name",
}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an operating system's refusal to write `path` into one clear line.

    Raises:
        ArtefactError: In place of any OSError raised inside.
    """
    try:
        yield
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
        raise ArtefactError(f"{path}: can't write: {reason}") from error


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

    Raises:
        ArtefactError: No space, no permission.
    """
    aside = path.with_name(f".{path.name}.part")
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

    Leave nothing when it does not.

    Yields:
        The folder to fill, beside `path`.

    Raises:
        ArtefactError: No space, no permission.
    """
    aside = path.with_name(f".{path.name}.part")
    old = path.with_name(f".{path.name}.old")
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if old.exists() and not path.exists():  # killed between the two renames of an earlier run
            old.replace(path)
        for leftover in (aside, old):
            shutil.rmtree(leftover, ignore_errors=True)
        aside.mkdir()
        try:
            yield aside
            if path.exists():
                path.replace(old)
            aside.replace(path)
        finally:
            for leftover in (aside, old):
                shutil.rmtree(leftover, ignore_errors=True)
