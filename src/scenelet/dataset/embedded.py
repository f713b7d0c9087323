"""Parquet files that hold the pictures themselves, as the Hugging Face hub keeps data sets.

A file, or a folder or an address with such files in it, in `data/`, or in folders of its splits.
A picture's path is its file and the number of its row, for example `data/train-00000.parquet/12`.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from scenelet.dataset.address import address_of, is_far
from scenelet.dataset.cache import pictures_cache
from scenelet.dataset.layout import split_of, twin_lines
from scenelet.dataset.manifest import Columns, numbered
from scenelet.dataset.remote import opened, stamp_of, within
from scenelet.dataset.row import Row
from scenelet.dataset.source import Listing
from scenelet.dataset.table import of_objects
from scenelet.errors import DataError, UnreadableImageError
from scenelet.files import Entry
from scenelet.names import raw

SUFFIX = ".parquet"
_HOMES = frozenset(("data", "default", "main"))  # folders that say nothing of a split
_LIKELY = ("image", "img", "picture", "photo", "jpg", "png")  # of several columns of pictures
_HELD = 4  # groups of rows in memory
_DEPTH = 2  # folders below the place
_LOADING = threading.Lock()


@dataclass(frozen=True)
class Embedded:
    """Pictures and labels in the rows of Parquet files.

    Attributes:
        place: File, folder or address.
        columns: What the files call our columns, where a person said so; `path` is the one that
            holds the pictures.
    """

    place: str
    columns: Columns = ()

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
        return (Entry(row.path) for row in self.list().rows)

    def list(self) -> Listing:
        """As the files say; a part whose labels are kept back is left out."""
        files = _files(self.place)
        rows = [row for file in files for row in self._rows(file)]
        told = f"{self.name}: the pictures are those inside {_some(files)}"
        return Listing(tuple(rows), (), (told, *twin_lines(row.label for row in rows)))

    def read(self, path: str) -> bytes:
        """Bytes of a picture: kept, where a network lies between."""
        file, _, number = path.rpartition("/")
        if not file or not number.isdecimal():
            raise UnreadableImageError("no row of these files")

        def found() -> bytes:
            return _picture(self.place, file, int(number), self._pictures)

        if not self.is_far:
            return found()
        stamp = _opened(self.place, file).stamp
        return pictures_cache().get(f"{self.place}\n{path}\n{stamp}", found)

    @property
    def _pictures(self) -> str:
        """Name of the column that a person says holds the pictures."""
        return dict(self.columns).get("path", "")

    def _rows(self, file: str) -> Iterator[Row]:
        shard = _opened(self.place, file)
        column = shard.pictures(self._pictures)
        others = [name for name in shard.columns if name != column]
        names = shard.class_names
        records = [
            (number, _named(record, names) | {"path": f"{file}/{number:06d}"})
            for number, record in enumerate(shard.read(others))
        ]
        columns = tuple(pair for pair in self.columns if pair[0] != "path")
        split = _split_of(file)
        for _, row in numbered(f"{self.name}/{file}", of_objects(records), columns):
            yield replace(row, split=row.split or split)


@dataclass(frozen=True)
class _Shard:
    """A Parquet file, opened.

    Attributes:
        file: pyarrow's.
        stamp: Changes when the file does.
    """

    file: Any
    stamp: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Names."""
        return tuple(self.file.schema_arrow.names)

    @property
    def class_names(self) -> dict[str, tuple[str, ...]]:
        """Of each column of class numbers, as the `datasets` library writes them."""
        told = (self.file.schema_arrow.metadata or {}).get(b"huggingface")
        try:
            features = json.loads(told)["info"]["features"] if told else {}
            return {
                name: tuple(map(str, kind["names"]))
                for name, kind in features.items()
                if isinstance(kind, dict) and kind.get("_type") == "ClassLabel"
            }
        except (KeyError, TypeError, ValueError, AttributeError):
            return {}

    def pictures(self, given: str = "") -> str:
        """Name of the column that holds the pictures; "" where none does.

        Raises:
            DataError: The given one does not.
        """
        held = [each.name for each in self.file.schema_arrow if _holds_bytes(str(each.type))]
        chosen = [name for name in held if name.casefold() == given]
        if given and not chosen:
            raise DataError(f"--column path={given}: found pictures in {', '.join(held) or 'none'}")
        likely = [name for name in held if name.casefold() in _LIKELY]
        return next(iter([*chosen, *likely, *held]), "")

    def read(self, columns: Sequence[str]) -> list[dict[str, Any]]:
        """Every row, without its picture."""
        found: list[dict[str, Any]] = self.file.read(columns=list(columns)).to_pylist()
        return found or [{} for _ in range(self.file.metadata.num_rows)]

    def place_of(self, row: int) -> tuple[int, int]:
        """Group of a row, and its number there.

        Raises:
            UnreadableImageError: There is no such row.
        """
        for group in range(self.file.metadata.num_row_groups):
            size = self.file.metadata.row_group(group).num_rows
            if row < size:
                return group, row
            row -= size
        raise UnreadableImageError("no row of these files")


def is_embedded(place: str) -> bool:
    """Whether there are Parquet files at a place that hold pictures."""
    try:
        files = _files(place)
        return bool(files) and bool(_opened(place, files[0]).pictures())
    except Exception:  # whatever it is: who opens the place tells it
        return False


def _holds_bytes(kind: str) -> bool:
    return kind.startswith(("struct<bytes:", "binary", "large_binary")) or ", bytes:" in kind


def _some(files: Sequence[str]) -> str:
    more = f" and {len(files) - 3:,} more files" if len(files) > 3 else ""
    return ", ".join(files[:3]) + more


def _named(record: Mapping[str, Any], names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """A row with the classes' names for their numbers; without a class it is left out."""
    found = dict(record)
    for column, classes in names.items():
        number = found.get(column)
        is_known = isinstance(number, int) and 0 <= number < len(classes)
        found[column] = classes[number] if is_known and number is not None else ""
        if not is_known:
            found["excluded"] = "no label"
    return found


def _split_of(file: str) -> str:
    """The split that a file's or its folder's name speaks of: `data/train-00000-of-00001`."""
    path = PurePosixPath(file)
    spoken = (path.stem.partition("-")[0], *reversed(path.parent.parts))
    return next(filter(None, map(split_of, spoken)), "")


def _home(place: str) -> str:
    """Address of the folder that paths start from."""
    address = address_of(place) or Path(raw(place)).absolute().as_uri()
    return address.rpartition("/")[0] if place.endswith(SUFFIX) else address


def _files(place: str) -> tuple[str, ...]:
    """Paths below the place's folder, sorted."""
    if place.endswith(SUFFIX):
        return (PurePosixPath(place).name,)
    found, folders = list[str](), [""]
    for _ in range(1 + _DEPTH):
        told = [each for folder in folders for each in within(_home(place), folder)]
        found = [path for path, _ in told if path.endswith(SUFFIX)]
        folders = [path for path, is_folder in told if is_folder and _may_hold(path)]
        if found:
            break
    return tuple(sorted(found))


def _may_hold(path: str) -> bool:
    """Whether a folder is one of a data set's parts."""
    name = PurePosixPath(path).name
    return name in _HOMES or bool(split_of(name))


@lru_cache(maxsize=64)
def _opened(place: str, file: str) -> _Shard:
    """A file of a place.

    Raises:
        UnreadableImageError: It is none of Parquet, or can't be had.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    system, root = opened(_home(place))
    path = f"{root}/{file}"
    try:
        stamp = stamp_of(system.info(path))
        return _Shard(pq.ParquetFile(system.open(path, "rb"), pre_buffer=True), stamp)
    except (OSError, pa.ArrowException) as error:
        raise UnreadableImageError(f"{file}: can't be read ({type(error).__name__})") from error


def _picture(place: str, file: str, row: int, column: str) -> bytes:
    shard = _opened(place, file)
    group, number = shard.place_of(row)
    with _LOADING:  # a file has one place that is read at, and a group is wanted by all at once
        pictures = _group(place, file, group, shard.pictures(column))
    data = pictures[number]
    if isinstance(data, Mapping):
        data = data.get("bytes")
    if not isinstance(data, bytes):
        raise UnreadableImageError("its row holds no picture")
    return data


@lru_cache(maxsize=_HELD)
def _group(place: str, file: str, group: int, column: str) -> list[Any]:
    import pyarrow as pa

    try:
        table = _opened(place, file).file.read_row_group(group, columns=[column])
    except (OSError, pa.ArrowException) as error:
        raise UnreadableImageError(f"{file}: can't be read ({type(error).__name__})") from error
    pictures: list[Any] = table.column(0).to_pylist()
    return pictures
