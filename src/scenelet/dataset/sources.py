"""Sources: where the bytes of a data set are, and what its places say of labels and splits.

Another source (a table, a bucket) is another class with these three methods.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from scenelet import files
from scenelet.dataset.layout import lay_out
from scenelet.dataset.row import Row
from scenelet.errors import DataError
from scenelet.files import Entry


@dataclass(frozen=True)
class Listing:
    """What a source holds.

    Attributes:
        rows: Its labelled images, sorted by path; nobody has looked into them yet.
        passed_over: Everything else, each with its reason.
        decided: What was made of the layout, one line each, for a person.
    """

    rows: tuple[Row, ...]
    passed_over: tuple[Entry, ...] = ()
    decided: tuple[str, ...] = ()


class Source(Protocol):
    """Where the bytes are."""

    @property
    def name(self) -> str:
        """As a person wrote it: for messages."""

    def entries(self) -> Iterator[Entry]:
        """Every file, with a reason where it is no picture.

        Raises:
            DataError: There is no such place.
        """

    def list(self) -> Listing:
        """Every image with label and split, and everything passed over with a reason.

        Raises:
            DataError: No labelled image there, or no telling what its classes are.
        """

    def read(self, path: str) -> bytes:
        """Bytes of an image.

        Args:
            path: Of a row or an entry.

        Raises:
            UnreadableImageError: They can't be read.
        """


@dataclass(frozen=True)
class Folder:
    """A folder of class folders.

    Attributes:
        root: The folder.
    """

    root: Path

    @property
    def name(self) -> str:
        """As a person wrote it."""
        return str(self.root)

    def entries(self) -> Iterator[Entry]:
        """Every file below the folder."""
        if not self.root.is_dir():
            raise DataError(
                f"{self.root}: no such folder. Give a folder that holds one sub-folder per class."
            )
        return files.walk(self.root)

    def list(self) -> Listing:
        """As its class folders and split folders say."""
        return Listing(*lay_out(self.entries(), self.root.resolve().name, self.name))

    def read(self, path: str) -> bytes:
        """Bytes of a file."""
        return files.read(self.root, path)


@dataclass(frozen=True)
class Memory:
    """Pictures in memory, of one class.

    Attributes:
        name: Of the class.
        contents: Bytes of each; its path is its place among them.
    """

    name: str
    contents: tuple[bytes, ...]

    def entries(self) -> Iterator[Entry]:
        """Every picture."""
        return (Entry(str(place)) for place in range(len(self.contents)))

    def list(self) -> Listing:
        """All of the one class."""
        return Listing(tuple(Row(entry.path, self.name) for entry in self.entries()))

    def read(self, path: str) -> bytes:
        """Bytes of a picture."""
        return self.contents[int(path)]


def source_of(place: "str | Path | Source") -> Source:
    """The source of a place, by what it is."""
    return Folder(Path(place)) if isinstance(place, str | Path) else place
