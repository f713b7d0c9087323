"""Tables as people and their spreadsheets write them, as text by column and row number.

CSV with any usual separator, byte order mark and UTF-16; JSON lines; JSON, Label Studio's too;
Parquet. Knows nothing of what the columns mean.
"""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from scenelet.dataset import label_studio
from scenelet.errors import DataError, MissingExtraError

SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json", ".parquet"})
_SEPARATORS = ",;\t|"
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_ZIP = b"PK\x03\x04"
_FOR_EXCEL = re.compile(r"sep=.?", re.IGNORECASE)  # a first line that says the separator
_ENOUGH_FAULTS = 5


@dataclass(frozen=True)
class Table:
    """Cells as text.

    Attributes:
        columns: Names, in lower case.
        records: (number of the row as a spreadsheet counts, cells by column).
        several: (number, column) of the cells that are lists of several values, or hold none.
    """

    columns: tuple[str, ...]
    records: tuple[tuple[int, dict[str, str]], ...]
    several: frozenset[tuple[int, str]] = frozenset()


def read_table(path: Path) -> Table:
    """Read a table of this machine; raises as `parse`.

    Args:
        path: Of the file.
    """
    try:
        return parse(str(path), path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: can't be read: {error.strerror or 'no file'}") from error


def parse(name: str, data: bytes) -> Table:
    """Read a table.

    Args:
        name: Ends in .csv, .tsv, .jsonl, .json or .parquet; anything else is taken for CSV. For
            messages, too.
        data: Of the whole file.

    Raises:
        DataError: It can't be read, or a row has other cells than the columns are.
    """
    return _READ.get(PurePosixPath(name).suffix.lower(), _csv)(name, data)


def refuse(path: Path | str, faults: list[str]) -> None:
    """Refuse a table for the faults of its rows, the first few by number.

    Raises:
        DataError: There are faults.
    """
    if faults:
        more = len(faults) - _ENOUGH_FAULTS
        told = "; ".join(faults[:_ENOUGH_FAULTS]) + (f"; and {more:,} more" if more > 0 else "")
        raise DataError(f"{path}: {told}. Mend the table and run the command again.")


def _csv(path: str, data: bytes) -> Table:
    text = _text(path, data)
    rows = enumerate(_csv_rows(path, text, _separator(text)), 1)
    header = _unique(path, next((cells for _, cells in rows if _is_header(cells)), []))
    filled = [(number, cells) for number, cells in rows if any(cells)]
    _refuse_wide(path, filled, len(header))
    missing = [""] * len(header)
    records = (
        (number, dict(zip(header, [*cells, *missing], strict=False))) for number, cells in filled
    )
    return Table(header, tuple(records))


def _separator(text: str) -> str:
    """The one that cuts the first line into most cells."""
    lines = (line for line in text.splitlines()[:2] if not _FOR_EXCEL.fullmatch(line.strip()))
    first = next(lines, "")
    return max(_SEPARATORS, key=lambda mark: len(_header(first, mark)))


def _refuse_wide(path: str, rows: list[tuple[int, list[str]]], columns: int) -> None:
    refuse(
        path,
        [
            f"row {number}: {len(cells)} cells for {columns} columns"
            for number, cells in rows
            if any(cells[columns:])
        ],
    )


def _text(path: str, data: bytes) -> str:
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    if data.startswith(_ZIP):
        raise DataError(f"{path}: a spreadsheet or an archive. Save the table as CSV in UTF-8.")
    try:
        text = data.decode(encoding)
        if "\0" not in text:
            return text
        raise DataError(
            f"{path}: holds zero bytes: UTF-16 without a mark, or no text. Save the table as CSV in"
            " UTF-8."
        )
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            f"{path}: line {line:,} is not UTF-8. Save the table as CSV in UTF-8."
        ) from error


def _is_header(cells: list[str]) -> bool:
    return any(cells) and not _FOR_EXCEL.fullmatch("".join(cells[:1]).strip())


def _header(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator), [])


def _csv_rows(path: str, text: str, separator: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(
            f"{path}: line {reader.line_num:,} is no CSV ({error}). Save the table again."
        ) from error


def _unique(path: str, header: list[str]) -> tuple[str, ...]:
    names = tuple(name.strip().casefold() for name in header)
    double = [name for name, count in Counter(names).items() if count > 1 and name]
    if double:
        raise DataError(f"{path}: column {', '.join(double)} is there twice. Keep one of each.")
    return names


def _json_lines(path: str, data: bytes) -> Table:
    objects, faults = [], list[str]()
    for number, line in enumerate(_text(path, data).split("\n"), 1):  # others may be in a text
        if line.strip():
            value = json_object(line)
            if value is None:
                faults.append(f"row {number}: no JSON object")
            else:
                objects.append((number, value))
    refuse(path, faults)
    return of_objects(objects)


def _json(path: str, data: bytes) -> Table:
    """A list of objects: tasks of Label Studio, or records as they are."""
    try:
        found = json.loads(_text(path, data))
    except ValueError as error:
        raise DataError(f"{path}: no JSON that can be read. Write it again.") from error
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise DataError(
            f"{path}: expected a list of objects, each with a path and a label, or Label Studio's"
            " export (JSON)."
        )
    records = map(label_studio.record_of, found) if label_studio.are_tasks(found) else found
    return of_objects(list(enumerate(records, 1)))


def json_object(text: str) -> dict[str, Any] | None:
    """What JSON says of one thing; None where it is no JSON, or no object."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def of_objects(objects: list[tuple[int, dict[str, Any]]]) -> Table:
    """A table of numbered rows, each with values of any kind by column."""
    objects = [(number, {k: _plain(v) for k, v in each.items()}) for number, each in objects]
    records = [(number, _cells(each)) for number, each in objects]
    columns = dict.fromkeys(name for _, record in records for name in record)
    several = {
        (number, key.strip().casefold())
        for number, each in objects
        for key, value in each.items()
        if value is None or (isinstance(value, list) and len(value) != 1)
    }
    return Table(tuple(columns), tuple(records), frozenset(several))


def _plain(value: Any) -> Any:
    """What was chosen, where Label Studio's short form names several choices."""
    is_choices = isinstance(value, dict) and list(value) == ["choices"]
    return value["choices"] if is_choices else value


def _cells(record: dict[str, Any]) -> dict[str, str]:
    return {str(key).strip().casefold(): _cell(value) for key, value in record.items()}


def _cell(value: Any) -> str:
    """As text; a list of one is what is in it."""
    if value is None:
        return ""
    if isinstance(value, list) and len(value) == 1:
        return _cell(value[0])
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _parquet(path: str, data: bytes) -> Table:
    pa, pq = pyarrow_for(path)
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        _refuse_pictures_inside(path, file.schema_arrow)
        rows = file.read().to_pylist()
    except (pa.ArrowException, ValueError) as error:
        raise DataError(f"{path}: no Parquet file that can be read. Write it again.") from error
    return of_objects(list(enumerate(rows, 1)))


def pyarrow_for(file: Path | str) -> tuple[Any, Any]:
    """Arrow's library, and its reader and writer of Parquet.

    Args:
        file: That is to be read or written, for the message.

    Raises:
        MissingExtraError: It is not here.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError(
            f"{file}: Parquet needs pyarrow. Install it with: pip install 'scenelet[serve]'"
        ) from error
    return pa, pq


def _refuse_pictures_inside(path: str, schema: Any) -> None:
    """The hub's own tables hold the pictures, not their names."""
    inside = [each.name for each in schema if str(each.type).startswith(("struct<bytes", "binary"))]
    if inside:
        raise DataError(
            f"{path}: column {inside[0]} holds the pictures themselves, expected their paths. Give"
            " the file alone, without --images: they are read from there."
        )


_READ: dict[str, Callable[[str, bytes], Table]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json,
    ".parquet": _parquet,
}
