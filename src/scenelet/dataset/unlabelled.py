"""Pictures to be answered: of any place that a data set is, labels or none."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from scenelet.dataset.address import has_own_address
from scenelet.dataset.manifest import Columns
from scenelet.dataset.match import NOT_NAMED
from scenelet.dataset.source import Listing, Source
from scenelet.dataset.sources import Folder, Table, source_of
from scenelet.files import Entry
from scenelet.names import printable


@dataclass(frozen=True)
class Named:
    """The pictures that a table names, and no other of its folder.

    Attributes:
        table: Which needs no labels.
    """

    table: Table

    @property
    def name(self) -> str:
        """Of the table; the same in another process."""
        path = self.table.path
        return printable(str(path.resolve() if isinstance(path, Path) else path))

    @property
    def is_far(self) -> bool:
        """Whether a network lies between this machine and any of them."""
        return self.table.is_far or any(has_own_address(row.path) for row in self._listing.rows)

    def entries(self) -> Iterator[Entry]:
        """Each picture of the table, and what of its folder is no picture."""
        yield from (Entry(row.path) for row in self._listing.rows)
        others = self._listing.passed_over
        yield from (entry for entry in others if entry.reason != NOT_NAMED)

    def list(self) -> Listing:
        """As the table says."""
        return self._listing

    @cached_property
    def _listing(self) -> Listing:
        return self.table.list()

    def read(self, path: str) -> bytes:
        """Bytes of a picture."""
        return self.table.read(path)


def pictures_at(place: str, images: Path | None = None, columns: Columns = ()) -> Source:
    """What lies at a place, as it is called in any process.

    Args:
        place: A folder, a table of paths, an archive, or an address.
        images: Of a table: where its paths start from.
        columns: What a table calls our columns, where a person said so.

    Raises:
        ConfigError: `images` for what is no table.
    """
    source = source_of(place, "", images, columns)
    if isinstance(source, Table):
        return Named(replace(source, is_labelled=False))
    return Folder(source.root.resolve()) if isinstance(source, Folder) else source
