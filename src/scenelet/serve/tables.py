"""Answers as a table: Parquet, CSV or JSON lines. Knows no pictures, and holds few rows at once."""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

from scenelet.errors import ConfigError
from scenelet.text import as_cells, cell

Row = dict[str, Any]
Write = Callable[[Path, Iterator[Row], tuple[str, ...]], None]
ROWS_AT_ONCE = 10_000
_COLUMNS = {
    "path": "string",
    "error": "string",
    "label": "string",
    "probability": "double",
    "abstains": "bool",
    "is_stranger": "bool",
    "stranger_score": "double",
    "prediction_set": "string",
}


def writer_of(out: Path) -> Write:
    """How a table is written, by the end of its name.

    Raises:
        ConfigError: No known kind of table.
    """
    if write := _WRITERS.get(out.suffix.lower()):
        return write
    known = ", ".join(_WRITERS)
    raise ConfigError(f"--out: found {out.name}, expected a name that ends in {known}")


def line(value: Row) -> bytes:
    """JSON on one line, in UTF-8."""
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _flat(row: Row, names: Iterable[str]) -> Row:
    """One value a column."""
    shares, sets = row.get("probabilities", {}), row.get("prediction_set")
    joined = None if sets is None else "|".join(sets)
    return {
        **{name: row.get(name) for name in _COLUMNS},
        "prediction_set": joined,
        **{f"p_{name}": shares.get(name) for name in names},
    }


def _write_jsonl(path: Path, rows: Iterator[Row], names: tuple[str, ...]) -> None:  # noqa: ARG001
    with open(path, "wb") as file:
        file.writelines(map(line, rows))
        _sync(file)


def _write_csv(path: Path, rows: Iterator[Row], names: tuple[str, ...]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(as_cells(_flat({}, names)))
        writer.writerows(map(_cells, (_flat(row, names) for row in rows)))
        _sync(file)


def _cells(row: Row) -> list[object]:
    """Nothing in them is a formula to a spreadsheet; a path is still that path."""
    path = row["path"]
    row = row | {"path": path if cell(path) == path else f"./{path}"}
    return as_cells(row.values())


def _write_parquet(path: Path, rows: Iterator[Row], names: tuple[str, ...]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = _COLUMNS | {f"p_{name}": "double" for name in names}
    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in kinds.items()])
    with pq.ParquetWriter(path, schema) as writer:
        while block := [_flat(row, names) for row in islice(rows, ROWS_AT_ONCE)]:
            writer.write_table(pa.Table.from_pylist(block, schema))
    with open(path, "rb") as file:
        _sync(file)


def _sync(file: IO[Any]) -> None:
    file.flush()
    os.fsync(file.fileno())


_WRITERS: dict[str, Write] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".jsonl": _write_jsonl,
}
