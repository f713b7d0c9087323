"""Batch prediction: a folder in, a table out; killed and started again it goes on.

One bad image is a row with its error. Answers are appended to `OUT.partial`, in the order of the
files; after the last one the table is written whole. Only names and hashes are held in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from scenelet.artefacts import explained, make_folder
from scenelet.bundle.contract import LITERT
from scenelet.errors import SceneletError
from scenelet.files import Entry, read, walk
from scenelet.names import printable
from scenelet.parallel import Advance, in_parallel, silent
from scenelet.serve.partial import HASH, Partial, file_hash
from scenelet.serve.predictor import Predictor
from scenelet.serve.tables import Row, Write, writer_of


class Pictures(Protocol):
    """Where pictures are: what a batch needs of a data set's source."""

    @property
    def name(self) -> str:
        """The same for the same place, in another process too."""

    @property
    def is_far(self) -> bool:
        """Whether reading waits for a network."""

    def entries(self) -> Iterator[Entry]:
        """Every file, with a reason where it is no picture."""

    def read(self, path: str) -> bytes:
        """Bytes of a picture."""


@dataclass(frozen=True)
class _Folder:
    root: Path
    is_far = False

    @property
    def name(self) -> str:
        return printable(str(self.root.resolve()))

    def entries(self) -> Iterator[Entry]:
        return walk(self.root)

    def read(self, path: str) -> bytes:
        return read(self.root, path)


def predict_folder(
    predictor: Predictor, folder: Path | Pictures, out: Path, advance: Advance = silent
) -> tuple[int, list[str]]:
    """Answer every picture below a folder, or go on where a killed process stopped.

    Args:
        predictor: With as many copies as cores.
        folder: Of pictures, or another place that has some.
        out: .parquet, .csv or .jsonl file to write; whole or not at all.
        advance: Called after each picture.

    Returns:
        Rows in the table, and what the errors of those with one say.

    Raises:
        ConfigError: Another kind of table, or what is begun there is of another folder or bundle,
            or of other files.
        ArtefactError: It can't be written.
    """
    write = writer_of(out)
    model = predictor.model.contract.sha256[LITERT]
    place = _Folder(folder) if isinstance(folder, Path) else folder
    make_folder(out.parent)
    begun = Partial(out.with_name(out.name + ".partial"), {"folder": place.name, "model": model})
    with explained(out):
        there = (entry.path for entry in place.entries() if not entry.reason)
        names = begun.left(there, partial(_hash_now, place), advance)
        work = partial(_hashed, predictor, place)
        begun.append(in_parallel(work, names, advance, place.is_far))
        return _write_whole(write, begun, out, predictor.class_names)


def answered(predictor: Predictor, place: Pictures, name: str) -> Row:
    """The answer to a picture, or why there is none."""
    row = _hashed(predictor, place, name)
    del row[HASH]
    return row


def _hashed(predictor: Predictor, place: Pictures, name: str) -> Row:
    data = b""
    try:
        data = place.read(name)
        answer = predictor.predict(data).as_dict()
    except SceneletError as error:
        answer = {"error": str(error)}
    return {"path": name, **answer, HASH: file_hash(data)}


def _hash_now(place: Pictures, name: str) -> str:
    try:
        return file_hash(place.read(name))
    except SceneletError:
        return file_hash(b"")  # as it was answered


def _write_whole(
    write: Write, begun: Partial, out: Path, names: tuple[str, ...]
) -> tuple[int, list[str]]:
    rows, errors = 0, list[str]()

    def counted(row: Row) -> Row:
        nonlocal rows
        rows += 1
        if "error" in row:
            errors.append(str(row["error"]))
        return row

    whole = out.with_name(out.name + ".part")
    write(whole, map(counted, begun.rows()), names)
    whole.replace(out)
    begun.path.unlink()
    return rows, errors
