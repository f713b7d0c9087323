"""Pack a data set: its pictures and what is known of them into a few large Parquet files.

Each picture is decoded once on the way, for its pixel hash. Killed and started again, shards that
are there are kept.
"""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import mean
from typing import TYPE_CHECKING, Any

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.manifest import COLUMNS, as_record, from_record
from scenelet.dataset.packed import FORMAT, INDEX, ROWS
from scenelet.dataset.row import Row
from scenelet.dataset.source import Source
from scenelet.engine import Engine, Part, Processes, in_parts
from scenelet.errors import ConfigError, UnreadableImageError
from scenelet.lease import Lease, leased
from scenelet.parallel import in_parallel
from scenelet.progress import SILENT, Progress
from scenelet.shelf import Shelf

if TYPE_CHECKING:
    import pyarrow as pa

SHARD_BYTES, GROUP_BYTES = 96_000_000, 8_000_000
_SAMPLE = 64  # pictures whose size says how many go into a shard
_MANY, _SMALL_BYTES = 50_000, 500_000
_REQUESTS_USD = 0.40 / 1_000_000  # a GET on S3; see docs/clusters.md
_PICTURE = ("path", "label", "split", "hash")


@dataclass(frozen=True)
class Pack:
    """What was packed.

    Attributes:
        images: Rows, those that can't be used included.
        shards: Files.
        size_bytes: Of the pictures.
    """

    images: int
    shards: int
    size_bytes: int


def pack(
    dataset: Dataset,
    out: Shelf,
    engine: Engine | None = None,
    progress: Progress = SILENT,
    shard_bytes: int = SHARD_BYTES,
) -> Pack:
    """Write the shards of a data set, then what is in them.

    Args:
        dataset: Of any source.
        out: Where to.
        engine: That reads, decodes and writes; None for this machine.
        progress: Is told how it goes on.
        shard_bytes: About so large shall a shard be.

    Raises:
        ConfigError: There is a pack already, or another process is at it.
        DataError: The data set's manifest speaks of other pictures.
        ArtefactError: It can't be written.
    """
    with leased(out, "packing into it") as lease:
        return _packed(dataset, out, engine or Processes(), progress, shard_bytes, lease)


def _packed(
    dataset: Dataset,
    out: Shelf,
    engine: Engine,
    progress: Progress,
    shard_bytes: int,
    lease: Lease,
) -> Pack:
    there = set(out.names())
    if INDEX in there:
        raise ConfigError(f"{out.name}: holds a pack already. Give another place.")
    rows = sorted(dataset.rows, key=lambda row: row.path)
    size = _mean_bytes(dataset.source, rows)
    progress.say(when_it_pays(len(rows), size, dataset.is_far))
    group = max(1, round(min(GROUP_BYTES, shard_bytes) / size))
    parts = [_named(each) for each in in_parts(rows, max(1, round(shard_bytes / size)))]
    done = {part.number: kept for part in parts if (kept := _kept(out, part, there))}
    work = Packing(dataset.source, out, group)
    with progress.counting("packing", len(rows)) as advance:
        _tell(advance, sum(len(each.rows) for each in done.values()))
        left = (part for part in parts if part.number not in done)
        for part, shard in engine.map(work, left):
            lease.check()
            done[part.number] = shard
            _tell(advance, len(part.items))
    return _finished(dataset.of(rows), out, [done[part.number] for part in parts])


def when_it_pays(images: int, mean_bytes: float, is_far: bool) -> str:
    """One line: whether packing is worth it, and why."""
    told = f"{images:,} pictures of {mean_bytes / 1000:,.0f} KB on average"
    if is_far and mean_bytes < _SMALL_BYTES:
        usd = images * _REQUESTS_USD
        shards = max(1, round(images * mean_bytes / SHARD_BYTES))
        return (
            f"packing pays: {told} at an address are a request each (about ${usd:,.2f} a pass on"
            f" S3); {shards:,} shards are read many times faster"
        )
    if images >= _MANY and mean_bytes < _SMALL_BYTES:
        return f"packing pays where the disk is shared or turns: {told}, a file each"
    return f"packing pays little: {told}" + ("" if is_far else " on this machine")


@dataclass(frozen=True)
class _Shard:
    """A shard that is written: its rows, examined, and the first path of each group."""

    rows: list[Row]
    firsts: list[str]
    size_bytes: int


@dataclass(frozen=True)
class Packing:
    """Makes a worker that writes shards; plain values, so that it may travel.

    Attributes:
        source: Of the pictures.
        out: Where to.
        group: Rows of a group.
    """

    source: Source
    out: Shelf
    group: int

    def __call__(self) -> Callable[[Part[Row]], _Shard]:
        """The worker."""
        return self._write

    def _write(self, part: Part[Row]) -> _Shard:
        dataset = Dataset(self.source, tuple(part.items))
        work = partial(_examined, dataset)
        found = list(in_parallel(work, part.items, waits=dataset.is_far))
        rows, contents = [row for row, _ in found], [data for _, data in found]
        dataset.refuse_changed(rows)
        firsts = [rows[start].path for start in range(0, len(rows), self.group)]
        size_bytes = sum(map(len, filter(None, contents)))
        self.out.write(_name(part.number), _parquet(_pictures(rows, contents), self.group))
        told = {b"firsts": json.dumps(firsts).encode(), b"bytes": str(size_bytes).encode()}
        table = _manifest(rows).replace_schema_metadata(told)
        self.out.write(_rows_name(part.number), _parquet(table, len(rows)))
        return _Shard(rows, firsts, size_bytes)


def _examined(dataset: Dataset, row: Row) -> tuple[Row, bytes | None]:
    try:
        data = dataset.read(row)
    except UnreadableImageError as error:
        return replace(row, excluded=row.excluded or str(error)), None
    return dataset.looked(row, data), data


def _said(row: Row) -> tuple[str, str, str]:
    return row.path, row.label, row.split


def _kept(out: Shelf, part: Part[Row], there: set[str]) -> _Shard | None:
    """What a killed process has written of a part, if it is the same pictures."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if _rows_name(part.number) not in there:
        return None
    table = pq.read_table(pa.BufferReader(out.read(_rows_name(part.number))))
    rows, told = [from_record(each) for each in table.to_pylist()], table.schema.metadata
    if list(map(_said, rows)) != list(map(_said, part.items)):
        return None
    return _Shard(rows, json.loads(told[b"firsts"]), int(told[b"bytes"]))


def _finished(dataset: Dataset, out: Shelf, shards: Sequence[_Shard]) -> Pack:
    """Write what is in all shards, and last the index."""
    rows = [row for shard in shards for row in shard.rows]
    out.write(ROWS, _parquet(_manifest(rows), 65_536))
    made = Pack(len(rows), len(shards), sum(shard.size_bytes for shard in shards))
    index = {
        "format": FORMAT,
        "source": dataset.source.name,
        **vars(made),
        "shards": [
            {"name": _name(number), "firsts": shard.firsts} for number, shard in enumerate(shards)
        ],
    }
    out.write(INDEX, json.dumps(index, ensure_ascii=False).encode())
    for number in range(len(shards)):
        out.remove(_rows_name(number))
    return made


def _mean_bytes(source: Source, rows: Sequence[Row]) -> float:
    step = max(1, len(rows) // _SAMPLE)
    sizes = in_parallel(partial(_size, source), rows[::step], waits=source.is_far)
    return max(1.0, mean([size for size in sizes if size] or [1]))


def _size(source: Source, row: Row) -> int:
    try:
        return len(source.read(row.path))
    except UnreadableImageError:
        return 0


def _named(part: Part[Row]) -> Part[Row]:
    told = f"{_name(part.number)} ({part.items[0].path} to {part.items[-1].path})"
    return replace(part, name=told)


def _name(number: int) -> str:
    return f"shard-{number:06}.parquet"


def _rows_name(number: int) -> str:
    return f"rows-{number:06}.parquet"


def _pictures(rows: Sequence[Row], contents: Sequence[bytes | None]) -> "pa.Table":
    import pyarrow as pa

    texts = [(row.path, row.label, row.split, row.pixel_hash) for row in rows]
    columns = [pa.array(column, pa.string()) for column in zip(*texts, strict=True)]
    return pa.table([*columns, pa.array(contents, pa.large_binary())], [*_PICTURE, "bytes"])


def _manifest(rows: Sequence[Row]) -> "pa.Table":
    import pyarrow as pa

    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    return pa.Table.from_pylist([as_record(row) for row in rows], schema)


def _parquet(table: "pa.Table", group: int) -> bytes:
    """Pictures are compressed already: their bytes stay as they are."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    names = [name for name in table.column_names if name != "bytes"]
    options: dict[str, Any] = {"use_dictionary": names, "write_statistics": names}
    options["compression"] = dict.fromkeys(names, "zstd") | {"bytes": "none"}
    if "bytes" not in table.column_names:
        options["compression"] = "zstd"
    pq.write_table(table, buffer, row_group_size=group, **options)
    return buffer.getvalue()


def _tell(advance: Callable[[], None], pictures: int) -> None:
    for _ in range(pictures):
        advance()
