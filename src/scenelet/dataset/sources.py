"""Sources that lie on this machine, and which source a place is.

Another source is another class in a file of its own, and a line in `source_of`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scenelet import files
from scenelet.dataset.layout import lay_out, twin_lines
from scenelet.dataset.manifest import read_numbered
from scenelet.dataset.match import matched
from scenelet.dataset.remote import Remote, address_of
from scenelet.dataset.row import Row
from scenelet.dataset.source import Listing, Source
from scenelet.dataset.table import SUFFIXES as TABLES
from scenelet.errors import DataError
from scenelet.files import Entry
from scenelet.names import printable, raw


@dataclass(frozen=True)
class Folder:
    """A folder of class folders.

    Attributes:
        root: The folder.
        level: As `layout.lay_out` takes it.
    """

    root: Path
    level: str = ""

    @property
    def name(self) -> str:
        """As a person wrote it."""
        return printable(str(self.root))

    def entries(self) -> Iterator[Entry]:
        """Every file below the folder."""
        if not self.root.is_dir():
            raise DataError(
                f"{self.root}: no such folder. Give a folder that holds one sub-folder per class."
            )
        return files.walk(self.root)

    def list(self) -> Listing:
        """As its class folders and split folders say."""
        name = printable(self.root.resolve().name)
        return Listing(*lay_out(self.entries(), name, self.name, self.level))

    def read(self, path: str) -> bytes:
        """Bytes of a file."""
        return files.read(self.root, path)


@dataclass(frozen=True)
class Table:
    """A table of paths and labels; the paths start from the folder that it lies in.

    Attributes:
        path: Of the table.
    """

    path: Path

    @property
    def name(self) -> str:
        """As a person wrote it."""
        return printable(str(self.path))

    @property
    def _folder(self) -> Folder:
        return Folder(self.path.parent)

    def entries(self) -> Iterator[Entry]:
        """Every file of the folder."""
        return self._folder.entries()

    def list(self) -> Listing:
        """As the table says."""
        numbered = read_numbered(self.path)
        rows, passed_over = matched(numbered, self.entries(), self.path, self._folder.name)
        decided = twin_lines(row.label for row in rows)
        return Listing(tuple(sorted(rows, key=lambda row: row.path)), passed_over, decided)

    def read(self, path: str) -> bytes:
        """Bytes of a file."""
        return self._folder.read(path)


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


def source_of(place: "str | Path | Source", level: str = "") -> Source:
    """The source of a place, by what it is.

    Args:
        place: A folder, a table of paths and labels, an archive, or an address of fsspec.
        level: Which folders name the classes, as `layout.lay_out` takes it.
    """
    if not isinstance(place, str | Path):
        return place
    path = Path(place)
    if not path.exists() and Path(raw(str(place))).exists():
        path = Path(raw(str(place)))  # a name that was made printable, in a run's record
    if path.suffix.lower() in TABLES and path.is_file():
        return Table(path)
    address = "" if path.is_dir() else address_of(str(place))
    return Remote(address, level) if address else Folder(path, level)
