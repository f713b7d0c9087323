"""Batch prediction: a folder in, a table out; killed and started again it goes on.

One bad image is a row with its error.

Answers are appended to `OUT.partial`, a line each, in the order of the files; after the last one
the table is written whole. Memory does not grow with the number of files.
"""

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from scenelet.artefacts import explained
from scenelet.bundle.contract import LITERT
from scenelet.errors import ConfigError, SceneletError
from scenelet.files import pictures, read
from scenelet.names import printable
from scenelet.parallel import Advance, in_parallel, silent
from scenelet.serve.predictor import Predictor
from scenelet.text import as_cells

FORMATS = (".parquet", ".csv", ".jsonl")
ROWS_AT_ONCE = 10_000
UNWRITTEN_BYTES = 65_536  # about a hundred answers: what a kill costs
Row = dict[str, Any]


def predict_folder(
    predictor: Predictor, folder: Path, out: Path, advance: Advance = silent
) -> tuple[int, int]:
    """Answer every picture below a folder, or go on where a killed process stopped.

    Args:
        predictor: With as many copies as cores.
        folder: Of pictures.
        out: .parquet, .csv or .jsonl file to write; whole or not at all.
        advance: Called after each picture.

    Returns:
        Rows in the table, and those of them with an error.

    Raises:
        ConfigError: Another kind of table, or what is begun there is of another folder or bundle.
        ArtefactError: It can't be written.
    """
    write = _WRITERS.get(out.suffix.lower())
    if write is None:
        raise ConfigError(
            f"--out: found {out.name}, expected a name that ends in {', '.join(FORMATS)}"
        )
    partial = out.with_name(out.name + ".partial")
    head = {
        "folder": printable(str(folder.resolve())),
        "model": predictor.model.contract.sha256[LITERT],
    }
    with explained(out):
        names = pictures(folder)
        for _ in range(_begun(partial, head, folder, names)):
            advance()
        with open(partial, "ab", buffering=UNWRITTEN_BYTES) as file:
            if not file.tell():
                file.write(_line(head))
            for row in in_parallel(lambda name: _row(predictor, folder, name), names, advance):
                file.write(_line(row))
        rows = errors = 0

        def counted() -> Iterator[Row]:
            nonlocal rows, errors
            for row in _rows(partial):
                rows, errors = rows + 1, errors + ("error" in row)
                yield row

        whole = out.with_name(out.name + ".part")
        write(whole, counted, predictor.class_names)
        whole.replace(out)
        partial.unlink()
    return rows, errors


def _row(predictor: Predictor, folder: Path, name: str) -> Row:
    try:
        data = read(folder, name)
    except SceneletError as error:
        return {"path": name, "digest": "", "error": str(error)}
    row = {"path": name, "digest": _digest(data)}
    try:
        return {**row, **predictor.predict(data).as_dict()}
    except SceneletError as error:
        return {**row, "error": str(error)}


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


def _line(value: Row) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _begun(partial: Path, head: Row, folder: Path, names: Iterator[str]) -> int:
    """How many pictures are done; a last line torn by a kill is cut off.

    Each must still be the one that was answered: of this name, with these bytes.

    Args:
        partial: What a killed process left, if anything.
        head: Its first line must be this.
        folder: Of pictures.
        names: Of its pictures; those that are done are taken off.

    Raises:
        ConfigError: Another folder, bundle or file.
    """
    if not partial.is_file():
        return 0
    size, count = 0, -1
    with open(partial, "r+b") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            value = json.loads(line)
            if count < 0 and value != head:
                raise ConfigError(
                    f"{partial}: begun with another folder or bundle. Finish that, or remove the"
                    " file."
                )
            if count >= 0 and not _is_still(value, folder, next(names, "")):
                raise ConfigError(
                    f"{partial}: {value['path']} is no longer there, or another file, since it was"
                    f" begun. Remove {partial.name} to answer {folder} anew."
                )
            size, count = size + len(line), count + 1
        file.truncate(size)
    return max(0, count)


def _is_still(answered: Row, folder: Path, name: str) -> bool:
    if answered["path"] != name:
        return False
    try:
        return bool(answered.get("digest") == _digest(read(folder, name)))
    except SceneletError:
        return not answered.get("digest")


def _rows(partial: Path) -> Iterator[Row]:
    with open(partial, encoding="utf-8") as file:
        next(file)
        for line in file:
            row = json.loads(line)
            del row["digest"]
            yield row


def _flat(row: Row, names: Iterable[str]) -> Row:
    """One value a column."""
    shares = row.get("probabilities", {})
    kept = ("path", "error", "label", "probability", "abstains", "is_stranger", "stranger_score")
    flat = {key: row.get(key) for key in kept}
    sets = row.get("prediction_set")
    return {
        **flat,
        "prediction_set": None if sets is None else "|".join(sets),
        **{f"p_{name}": shares.get(name) for name in names},
    }


def _write_jsonl(path: Path, rows: Callable[[], Iterator[Row]], names: tuple[str, ...]) -> None:  # noqa: ARG001
    with open(path, "wb") as file:
        for row in rows():
            file.write(_line(row))
        _sync(file)


def _write_csv(path: Path, rows: Callable[[], Iterator[Row]], names: tuple[str, ...]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(as_cells(_flat({}, names)))
        writer.writerows(as_cells(_flat(row, names).values()) for row in rows())
        _sync(file)


def _write_parquet(path: Path, rows: Callable[[], Iterator[Row]], names: tuple[str, ...]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {
        "abstains": pa.bool_(),
        "is_stranger": pa.bool_(),
        "probability": pa.float64(),
        "stranger_score": pa.float64(),
    }
    columns = list(_flat({}, names))
    schema = pa.schema(
        [
            (name, pa.float64() if name.startswith("p_") else kinds.get(name, pa.string()))
            for name in columns
        ]
    )
    with pq.ParquetWriter(path, schema) as writer:
        source = rows()
        while block := [_flat(row, names) for row in islice(source, ROWS_AT_ONCE)]:
            writer.write_table(pa.Table.from_pylist(block, schema))
    with open(path, "rb") as file:
        _sync(file)


def _sync(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


_WRITERS: dict[str, Callable[[Path, Callable[[], Iterator[Row]], tuple[str, ...]], None]] = {
    ".jsonl": _write_jsonl,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
}
