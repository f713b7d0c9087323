"""Shelf: objects by name, here in a folder or far away in a bucket, each whole or not there.

What several machines share lies on one. Knows no addresses: `dataset/bucket.py` does.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from scenelet.artefacts import explained, make_folder, write_bytes


class Shelf(Protocol):
    """Objects by name; every write is whole or not there at all."""

    @property
    def name(self) -> str:
        """As a person wrote it: for messages."""

    def names(self, below: str = "") -> list[str]:
        """Of the objects there are, sorted; where there is nothing, none.

        Args:
            below: The beginning of a name, up to one of its slashes.
        """

    def read(self, name: str) -> bytes:
        """The bytes of an object.

        Raises:
            KeyError: It is not there.
        """

    def write(self, name: str, data: bytes) -> None:
        """Write an object, over an older one.

        Raises:
            ArtefactError: It can't be written.
        """

    def claim(self, name: str, data: bytes) -> bool:
        """Write an object unless there is one: of several who try at once, one is told True.

        Raises:
            ArtefactError: It can't be written.
        """

    def remove(self, name: str) -> None:
        """Remove an object, if it is there."""

    def age_s(self, name: str) -> float | None:
        """Seconds since an object was written, by the clock of the shelf; None: not there."""


@dataclass(frozen=True)
class FolderShelf:
    """Files of a folder on this machine.

    Attributes:
        root: The folder; made when something is written.
    """

    root: Path

    @property
    def name(self) -> str:
        """The folder."""
        return str(self.root)

    def names(self, below: str = "") -> list[str]:
        """Files at any depth, their paths from the folder with slashes."""
        return sorted(self._names(below))

    def _names(self, below: str) -> Iterator[str]:
        for path in (self.root / below).rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                yield path.relative_to(self.root).as_posix()

    def read(self, name: str) -> bytes:
        """The bytes of a file."""
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError as error:
            raise KeyError(name) from error

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole."""
        write_bytes(self._place(name), data)

    def claim(self, name: str, data: bytes) -> bool:
        """Write a file whole, unless there is one."""
        place = self._place(name)
        aside = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
        with explained(place):
            aside.write_bytes(data)
            try:
                os.link(aside, place)
            except FileExistsError:
                return False
            finally:
                aside.unlink()
        return True

    def remove(self, name: str) -> None:
        """Remove a file, and the folder that it leaves empty."""
        (self.root / name).unlink(missing_ok=True)
        if "/" in name:
            with suppress(OSError):  # others are in it
                (self.root / name).parent.rmdir()

    def age_s(self, name: str) -> float | None:
        """By the clock of the folder's file system."""
        try:
            written = (self.root / name).stat().st_mtime
        except FileNotFoundError:
            return None
        clock = self.root / ".clock"
        with explained(clock):
            clock.touch()
            return max(0.0, clock.stat().st_mtime - written)

    def _place(self, name: str) -> Path:
        place = self.root / name
        make_folder(place.parent)
        return place
