"""A packed data set as a source: Parquet shards that hold the pictures themselves, read in groups.

PLACE/
├── shard-000123.parquet   path, label, split, hash, bytes; sorted by path
├── rows.parquet           the manifest: everything but the bytes
└── pack.json              which path each group of rows begins with; written last

Made by `pack.py`. Small pictures by the million cost a request each; a group of them costs one.
"""

import bisect
import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenelet.dataset.address import address_of, is_far
from scenelet.dataset.bucket import shelf_at
from scenelet.dataset.layout import twin_lines
from scenelet.dataset.manifest import from_record
from scenelet.dataset.remote import exists, opened
from scenelet.dataset.row import Row
from scenelet.dataset.source import Listing
from scenelet.errors import ArtefactError, DataError, MissingExtraError, UnreadableImageError
from scenelet.files import Entry
from scenelet.names import raw

if TYPE_CHECKING:
    import pyarrow as pa

ROWS, INDEX = "rows.parquet", "pack.json"
FORMAT = 1
_HELD = 6  # groups in memory, of some megabytes each
_READERS = 2  # one for the group that is wanted, one for the next


@dataclass(frozen=True)
class Packed:
    """What `data pack` has written.

    Attributes:
        place: Folder or address.
    """

    place: str

    @property
    def name(self) -> str:
        """As a person wrote it."""
        return self.place

    @property
    def is_far(self) -> bool:
        """Whether a network lies between."""
        return is_far(self.place)

    def entries(self) -> Iterator[Entry]:
        """Every picture."""
        return (Entry(row.path) for row in self._rows())

    def list(self) -> Listing:
        """As they were packed."""
        rows = tuple(self._rows())
        return Listing(rows, decided=twin_lines(row.label for row in rows))

    def read(self, path: str) -> bytes:
        """Bytes of a picture."""
        groups = _index(self.place)
        number = bisect.bisect_right(groups.firsts, path) - 1
        if number < 0:
            raise UnreadableImageError("not in the pack")
        data = _READING.group(self.place, groups, number).get(path)
        if data is None:
            raise UnreadableImageError("could not be read when it was packed")
        return data

    def _rows(self) -> Iterator[Row]:
        pq = _parquet()
        import pyarrow as pa

        try:
            table = pq.read_table(pa.BufferReader(shelf_at(self.place).read(ROWS)))
        except (KeyError, ArtefactError, pa.ArrowException) as error:
            raise _damaged(self.place) from error
        for batch in table.to_batches():
            yield from map(from_record, batch.to_pylist())


@dataclass(frozen=True)
class _Groups:
    """Groups of rows, in the order of their paths.

    Attributes:
        firsts: First path of each.
        places: Shard and number in it, of each.
    """

    firsts: list[str]
    places: list[tuple[str, int]]


def is_packed(place: str) -> bool:
    """Whether there is a pack at a folder or an address."""
    try:
        address = address_of(place)
        if not address:
            return (Path(raw(place)) / INDEX).is_file()
        return exists(f"{address}/{INDEX}")
    except Exception:  # whatever it is: who opens the place tells it
        return False


@lru_cache(maxsize=8)
def _index(place: str) -> _Groups:
    try:
        told = json.loads(shelf_at(place).read(INDEX))
        shards = [(each["name"], each["firsts"]) for each in told["shards"]]
        is_known = told["format"] == FORMAT
    except (KeyError, TypeError, ValueError, ArtefactError) as error:
        raise _damaged(place) from error
    if not is_known:
        raise DataError(f"{place}: packed by another version of scenelet. Pack it again.")
    return _Groups(
        [first for _, firsts in shards for first in firsts],
        [(name, number) for name, firsts in shards for number in range(len(firsts))],
    )


def _damaged(place: str) -> DataError:
    return DataError(f"{place}: its {INDEX} or {ROWS} can't be read. Pack the data set again.")


class _Reading:
    """Groups in memory, the last used; the next is fetched while one is gone through."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_READERS, "scenelet-pack")
        self._held: OrderedDict[tuple[str, int], Future[dict[str, bytes]]] = OrderedDict()

    def group(self, place: str, groups: _Groups, number: int) -> dict[str, bytes]:
        """Bytes of the pictures of a group, by path."""
        with self._lock:
            wanted = self._begun(place, groups, number)
            if number + 1 < len(groups.places):
                self._begun(place, groups, number + 1)
            self._held.move_to_end((place, number))
            while len(self._held) > _HELD:
                self._held.popitem(last=False)
        try:
            return wanted.result()
        except Exception:
            with self._lock:
                self._held.pop((place, number), None)  # the next who asks tries again
            raise

    def _begun(self, place: str, groups: _Groups, number: int) -> "Future[dict[str, bytes]]":
        key = place, number
        if key not in self._held:
            self._held[key] = self._pool.submit(_fetched, place, *groups.places[number])
        return self._held[key]


_READING = _Reading()


def _fetched(place: str, shard: str, group: int) -> dict[str, bytes]:
    pq = _parquet()
    import pyarrow as pa

    system, root = opened(address_of(place) or f"file://{place}")
    try:
        with system.open(f"{root}/{shard}", "rb", cache_type="none") as file:
            known = _footer(place, shard, file)
            table = pq.ParquetFile(file, metadata=known, pre_buffer=True).read_row_group(
                group, columns=["path", "bytes"]
            )
    except (OSError, pa.ArrowException) as error:
        raise UnreadableImageError(f"{shard}: can't be read ({type(error).__name__})") from error
    return _by_path(table)


def _by_path(table: "pa.Table") -> dict[str, bytes]:
    """Bytes of the pictures that could be read when they were packed."""
    names, contents = table.column("path").to_pylist(), table.column("bytes").to_pylist()
    return {name: data for name, data in zip(names, contents, strict=True) if data is not None}


_footers: dict[tuple[str, str], Any] = {}


def _footer(place: str, shard: str, file: Any) -> "pa.parquet.FileMetaData":
    """Where what lies in a shard; read once."""
    key = place, shard
    if key not in _footers:
        _footers[key] = _parquet().read_metadata(file)
    return _footers[key]


def _parquet() -> Any:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError(
            "packed data sets need pyarrow. Install it with: pip install 'scenelet[serve]'"
        ) from error
    return pq
