"""Sources that lie on this machine, and which source a place is.

Another source is another class in a file of its own, and a line in `source_of`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scenelet import files
from scenelet.dataset import table as tables
from scenelet.dataset.address import address_of, has_own_address
from scenelet.dataset.embedded import Embedded, is_embedded
from scenelet.dataset.imagefolder import listed
from scenelet.dataset.layout import twin_lines
from scenelet.dataset.manifest import Columns, numbered
from scenelet.dataset.match import matched
from scenelet.dataset.packed import Packed, is_packed
from scenelet.dataset.remote import Remote, fetched
from scenelet.dataset.row import Row
from scenelet.dataset.source import Listing, Source
from scenelet.errors import ConfigError, DataError, UnreadableImageError
from scenelet.files import Entry
from scenelet.names import printable, raw

_SPREADSHEETS = frozenset((".xlsx", ".xls", ".xlsm", ".ods", ".numbers"))
_ARCHIVES = frozenset((".tar", ".gz", ".tgz", ".bz2", ".xz", ".rar", ".7z"))


def _no_folder(path: Path) -> str:
    """What a place is instead of a folder, and what to do."""
    if not path.exists():
        return "no such folder. Give a folder that holds one sub-folder per class."
    if path.suffix.lower() in _SPREADSHEETS:
        return "a spreadsheet. Save it as CSV in UTF-8 and give that."
    if path.suffix.lower() in _ARCHIVES:
        return "an archive that is not read as it is. Unpack it, or make a .zip of it."
    return "a file, no folder or table. Give a folder that holds one sub-folder per class."


@dataclass(frozen=True)
class Folder:
    """A folder of class folders, or with a table of its own.

    Attributes:
        root: The folder.
        level: As `layout.lay_out` takes it.
        columns: What its own table calls our columns, where a person said so.
    """

    root: Path
    level: str = ""
    columns: Columns = ()
    is_far = False

    @property
    def name(self) -> str:
        """As a person wrote it."""
        return printable(str(self.root))

    def entries(self) -> Iterator[Entry]:
        """Every file below the folder."""
        if not self.root.is_dir():
            raise DataError(f"{self.root}: {_no_folder(self.root)}")
        if str(self.root.resolve()) == "/":
            raise DataError("/: all of this machine. Give the folder that holds the pictures.")
        return files.walk(self.root)

    def list(self) -> Listing:
        """As its own table, or its class folders and split folders, say."""
        return listed(self, printable(self.root.resolve().name), self.level, self.columns)

    def read(self, path: str) -> bytes:
        """Bytes of a file, or of an address of its own."""
        return fetched(path) if has_own_address(path) else files.read(self.root, path)


@dataclass(frozen=True)
class Table:
    """A table of paths or addresses, and labels.

    Attributes:
        path: Of the table: a file, or an address.
        images: Where the paths start from; None for the folder that the table lies in.
        columns: What the table calls our columns, where a person said so.
        is_labelled: Whether each row needs a label.
    """

    path: Path | str
    images: Source | None = None
    columns: Columns = ()
    is_labelled: bool = True

    @property
    def name(self) -> str:
        """As a person wrote it; where the pictures lie elsewhere, that place."""
        return self.images.name if self.images else printable(str(self.path))

    @property
    def is_far(self) -> bool:
        """Whether a network lies between."""
        return self._images.is_far

    @property
    def _images(self) -> Source:
        return self.images or (
            Folder(self.path.parent)
            if isinstance(self.path, Path)
            else Remote(self.path.rpartition("/")[0])
        )

    def entries(self) -> Iterator[Entry]:
        """Every file of the folder."""
        return self._images.entries()

    def list(self) -> Listing:
        """As the table says."""
        cells, name = self._cells(), str(self.path)
        found = numbered(name, cells, self.columns, is_labelled=self.is_labelled)
        is_all_elsewhere = all(has_own_address(row.path) for _, row in found)
        entries = () if is_all_elsewhere else self.entries()
        rows, passed_over = matched(found, entries, self.path, self._images.name)
        decided = twin_lines(row.label for row in rows)
        return Listing(tuple(sorted(rows, key=lambda row: row.path)), passed_over, decided)

    def read(self, path: str) -> bytes:
        """Bytes of a file, or of an address of its own."""
        return self._images.read(path)

    def _cells(self) -> tables.Table:
        if isinstance(self.path, Path):
            return tables.read_table(self.path)
        home, _, name = self.path.rpartition("/")
        try:
            data = Remote(home).read(name)
        except UnreadableImageError as error:
            raise DataError(f"{self.path}: {error}") from error
        return tables.parse(self.path, data)


@dataclass(frozen=True)
class Memory:
    """Pictures in memory, of one class.

    Attributes:
        name: Of the class.
        contents: Bytes of each; its path is its place among them.
    """

    name: str
    contents: tuple[bytes, ...]
    is_far = False

    def entries(self) -> Iterator[Entry]:
        """Every picture."""
        return (Entry(str(place)) for place in range(len(self.contents)))

    def list(self) -> Listing:
        """All of the one class."""
        return Listing(tuple(Row(entry.path, self.name) for entry in self.entries()))

    def read(self, path: str) -> bytes:
        """Bytes of a picture."""
        return self.contents[int(path)]


def _path_of(place: str | Path) -> Path:
    """Its path; in a run's record, a name was made printable."""
    as_written = Path(raw(str(place)))
    return as_written if not Path(place).exists() and as_written.exists() else Path(place)


def source_of(
    place: "str | Path | Source",
    level: str = "",
    images: "str | Path | Source | None" = None,
    columns: Columns = (),
) -> Source:
    """The source of a place, by what it is.

    Args:
        place: A folder, a table of paths and labels, an archive, or an address of fsspec.
        level: Which folders name the classes, as `layout.lay_out` takes it.
        images: Of a table: where its paths start from; None for the folder that it lies in.
        columns: What a table calls our columns, where a person said so.

    Raises:
        ConfigError: `images` for what is no table.
    """
    if not isinstance(place, str | Path):
        return place
    path, start = _path_of(place), source_of(images) if images is not None else None
    address = "" if path.exists() and path.suffix.lower() != ".zip" else address_of(str(place))
    if start is None and is_embedded(address or str(path)):
        return Embedded(address or str(path), columns)
    if path.suffix.lower() in tables.SUFFIXES and (address or path.is_file()):
        return Table(address or path, start, columns)
    if start is not None:
        raise ConfigError(f"--images: {place} is no table; give the pictures' folder alone.")
    if is_packed(address or str(path)):
        return Packed(address or str(path))
    return Remote(address, level, columns) if address else Folder(path, level, columns)
