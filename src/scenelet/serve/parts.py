"""Batch prediction in numbered parts, by any engine; each part is one object of a shelf.

OUT/
├── listing.parquet       frozen at the start: the pictures, a row group a part
├── part-000123.parquet   the answers to a part's pictures, in their order
└── summary.json          written last: then all of it is there

A part that is there is not answered again. One that was answered twice, because a process was
killed, is written over itself with the same rows.
"""

import io
import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenelet.bundle.contract import LITERT, read_contract
from scenelet.bundle.travelling import files_of, unpacked
from scenelet.engine import Engine, Part, in_parts
from scenelet.errors import ConfigError, DataError
from scenelet.files import NO_PICTURES, Entry, account, paths_of
from scenelet.lease import Lease, leased
from scenelet.parallel import in_parallel
from scenelet.progress import SILENT, Progress, waited
from scenelet.quiet import quiet
from scenelet.serve.batch import Pictures, answered
from scenelet.serve.predictor import Predictor
from scenelet.serve.tables import Row, writer_of
from scenelet.shelf import Shelf

if TYPE_CHECKING:
    import pyarrow.parquet as pq

LISTING, SUMMARY = "listing.parquet", "summary.json"
LEAST, MOST = 50, 1_000  # pictures of a part: what a kill costs, and what a PUT is worth
_A_WORKER = 8  # parts that each should get, so that none waits long for the last
_HEAD, _PASSED_OVER = b"scenelet", b"passed over"


def predict_parts(
    bundle: Path,
    place: Pictures,
    out: Shelf,
    engine: Engine,
    copies: int = 1,
    progress: Progress = SILENT,
) -> "Answers":
    """Answer every picture of a place, or go on where a killed process stopped.

    Args:
        bundle: Its files go to every worker.
        place: That has the pictures.
        out: Where the parts come to lie.
        engine: That answers them.
        copies: Of the model in each worker: how many pictures it answers at once.
        progress: Is told how it goes on.

    Returns:
        What there is in all parts, of earlier processes too.

    Raises:
        DataError: There is no picture.
        ConfigError: All is there already, what is begun there is of another place or bundle, or
            another process is at it.
        ArtefactError: It can't be written.
        ClusterError: Parts could not be answered: which.
    """
    with leased(out, "answering into it") as lease:
        return _predicted(bundle, place, out, engine, copies, progress, lease)


def _predicted(
    bundle: Path,
    place: Pictures,
    out: Shelf,
    engine: Engine,
    copies: int,
    progress: Progress,
    lease: Lease,
) -> "Answers":
    head = {"place": place.name, "model": read_contract(bundle).sha256[LITERT]}
    listing = _listing(place, out, head, engine.workers, progress)
    there = set(out.names())
    left = [number for number in range(listing.parts) if name_of(number) not in there]
    done = [number for number in range(listing.parts) if name_of(number) in there]
    errors = sum(in_parallel(partial(_errors_in, out), done, waits=True), Counter[str]())
    with progress.counting("predicting", listing.rows) as advance:
        _told(advance, listing.rows - sum(map(listing.size, left)))
        for part, failed in engine.map(
            Answering(files_of(bundle), place, out, copies), listing.of(left)
        ):
            lease.check()
            errors += failed
            _told(advance, len(part.items))
    told = {"rows": listing.rows, "errors": errors.total(), "parts": listing.parts}
    summary = head | told
    out.write(SUMMARY, json.dumps(summary, indent=2, ensure_ascii=False).encode() + b"\n")
    return Answers(listing.rows, errors, listing.passed_over)


@dataclass(frozen=True)
class Answers:
    """What lies in the parts of a job.

    Attributes:
        rows: How many, those with an error among them.
        errors: How often each of them was told, without its details.
        passed_over: What is no picture.
    """

    rows: int
    errors: Counter[str]
    passed_over: tuple[Entry, ...]

    def account(self) -> str:
        """One line about every file of the place."""
        return account(self.rows - self.errors.total(), self.errors.elements(), self.passed_over)


def name_of(number: int) -> str:
    """Of the object that holds a part's answers."""
    return f"part-{number:06}.parquet"


@dataclass(frozen=True)
class Answering:
    """Makes a worker that answers parts; plain values, so that it may travel.

    Attributes:
        bundle: Its files by name.
        place: That has the pictures.
        out: Where the answers come to lie.
        copies: Of the model.
    """

    bundle: Mapping[str, bytes]
    place: Pictures
    out: Shelf
    copies: int

    def __call__(self) -> "_Worker":
        """Load the bundle."""
        with unpacked(self.bundle) as folder, quiet():
            return _Worker(Predictor(folder, self.copies), self.place, self.out)


@dataclass(frozen=True)
class _Worker:
    """Answers parts: called with one, it writes the answers and returns the errors among them."""

    predictor: Predictor
    place: Pictures
    out: Shelf

    def __call__(self, part: Part[str]) -> Counter[str]:
        work = partial(answered, self.predictor, self.place)
        rows = list(in_parallel(work, part.items, waits=self.place.is_far))
        self.out.write(name_of(part.number), _table(rows, self.predictor.class_names))
        return _kinds(row["error"] for row in rows if "error" in row)


@dataclass(frozen=True)
class _Listing:
    """Pictures of a job by parts; only the footer is held in memory beside the file."""

    file: "pq.ParquetFile"

    @property
    def rows(self) -> int:
        return int(self.file.metadata.num_rows)

    @property
    def parts(self) -> int:
        return int(self.file.metadata.num_row_groups)

    @property
    def head(self) -> Any:
        return json.loads((self.file.schema_arrow.metadata or {}).get(_HEAD, b"null"))

    @property
    def passed_over(self) -> tuple[Entry, ...]:
        kept = (self.file.schema_arrow.metadata or {}).get(_PASSED_OVER, b"[]")
        return tuple(Entry("", reason, files) for reason, files in json.loads(kept))

    def size(self, number: int) -> int:
        return int(self.file.metadata.row_group(number).num_rows)

    def of(self, numbers: Iterable[int]) -> Iterator[Part[str]]:
        for number in numbers:
            names = tuple(self.file.read_row_group(number).column("path").to_pylist())
            yield Part(number, names, f"{name_of(number)} ({names[0]} to {names[-1]})")


def _listing(place: Pictures, out: Shelf, head: Row, workers: int, progress: Progress) -> _Listing:
    """The listing that is there, or one made now.

    Raises:
        ConfigError: It is of another place or bundle, or complete.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        listing = _Listing(pq.ParquetFile(pa.BufferReader(out.read(LISTING))))
    except KeyError:
        progress.say(f"listing {place.name}")
        with waited(progress, f"looking for pictures in {place.name}"):
            frozen = _frozen(place.entries(), head, workers)
        out.claim(LISTING, frozen)
        return _listing(place, out, head, workers, progress)
    if listing.head != head:
        raise ConfigError(f"{out.name}: begun with another place or bundle. Give another --out.")
    if SUMMARY in out.names():
        raise ConfigError(f"{out.name}: is complete already. Give another --out.")
    return listing


def _frozen(entries: Iterable[Entry], head: Row, workers: int) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    others = list[Entry]()
    names = list(paths_of(entries, others))
    if not names:
        raise DataError(f"{head['place']}: {NO_PICTURES} ({account(0, (), others)})")
    size = min(MOST, max(LEAST, -(-len(names) // (_A_WORKER * workers))))
    why = json.dumps([(entry.reason, entry.files) for entry in others])
    told = {_HEAD: json.dumps(head).encode(), _PASSED_OVER: why.encode()}
    schema = pa.schema([("path", pa.string())], told)
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, schema) as writer:
        for part in in_parts(names, size):
            writer.write_table(pa.table([pa.array(part.items, pa.string())], schema))
    return buffer.getvalue()


def _table(rows: Sequence[Row], names: tuple[str, ...]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.parquet"
        writer_of(path)(path, iter(rows), names)
        return path.read_bytes()


def _errors_in(out: Shelf, number: int) -> Counter[str]:
    """Of a part that is there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    column = pq.read_table(pa.BufferReader(out.read(name_of(number))), columns=["error"])[0]
    return _kinds(column.drop_null().to_pylist())


def _kinds(errors: Iterable[str]) -> Counter[str]:
    return Counter(error.partition(":")[0] for error in errors)


def _told(advance: Any, pictures: int) -> None:
    for _ in range(pictures):
        advance()
