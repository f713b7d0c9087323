"""The manifest: a table with a row an image: its label, its split, whether and why it is left out.

Written by us, edited by people in spreadsheets: every cell is understood or refused with its row.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from scenelet.artefacts import write_text
from scenelet.dataset.layout import split_of
from scenelet.dataset.row import Row
from scenelet.dataset.table import read_table, refuse
from scenelet.errors import DataError

COLUMNS = tuple(field.name for field in fields(Row))
_BETWEEN = "; "
_CALLED = {  # what other people call our columns
    "path": [
        "file",
        "filename",
        "file_name",
        "filepath",
        "file_path",
        "image",
        "image_path",
        "img",
        "img_path",
        "key",
    ],
    "label": ["class", "class_name", "classname", "category", "target", "labels"],
    "split": ["subset", "part", "set", "partition", "phase", "usage"],
}
_NO, _YES = frozenset(("0", "false", "no", "n", "0.0")), frozenset(("1", "true", "yes", "y", "x"))
_HASH = re.compile(r"[0-9a-f]{16}")
_AS_NUMBER = re.compile(r"[\d.,]+e[+-]?\d+", re.IGNORECASE)  # what spreadsheets make of a hash


def write_manifest(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as CSV, whole or not at all.

    Raises:
        ArtefactError: No space, no permission.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(as_record(row).values() for row in rows)
    write_text(path, text.getvalue())


def read_manifest(path: Path) -> list[Row]:
    """Read a manifest's rows; raises as `read_numbered`."""
    return [row for _, row in read_numbered(path)]


def read_numbered(path: Path) -> list[tuple[int, Row]]:
    """Read a manifest, as `write_manifest` wrote it or a person changed it, with row numbers.

    Needs a path and a label in each row; what else is missing stands as unknown; further columns
    are passed over.

    Raises:
        DataError: It can't be read, or a row makes no sense.
    """
    table = read_table(path)
    names = _names(table.columns)
    missing = [column for column in ("path", "label") if column not in names]
    if missing:
        raise DataError(
            f"{path}: column {' and '.join(missing)} missing from the manifest (found"
            f" {', '.join(table.columns) or 'nothing'}). Name the columns path and label, or write"
            " the manifest again."
        )
    rows, faults, seen = [], list[str](), defaultdict[str, list[int]](list)
    for number, record in table.records:
        if (number, names["label"]) in table.several:
            faults.append(f"row {number}: several labels; a picture has one label here")
            continue
        try:
            row = from_record({ours: record.get(theirs, "") for ours, theirs in names.items()})
        except ValueError as error:
            faults.append(f"row {number}: {error}")
        else:
            rows.append((number, row))
            seen[row.path].append(number)
    faults += [
        f"rows {' and '.join(map(str, numbers))}: {name} is there {len(numbers)} times"
        for name, numbers in seen.items()
        if len(numbers) > 1
    ]
    refuse(path, faults)
    return rows


def _names(columns: Sequence[str]) -> dict[str, str]:
    """Our name -> the table's, of each column of ours that the table has."""
    found = {}
    for ours in COLUMNS:
        theirs = next((name for name in (ours, *_CALLED.get(ours, ())) if name in columns), "")
        if theirs:
            found[ours] = theirs
    return found


def as_record(row: Row) -> dict[str, str]:
    """A row as text by column."""
    return {column: _cell(getattr(row, column)) for column in COLUMNS}


def from_record(record: Mapping[str, Any]) -> Row:
    """The row of `as_record`; further columns are passed over.

    Raises:
        ValueError: A cell makes no sense; says which and why.
    """
    cells = {column: str(record.get(column) or "") for column in COLUMNS}
    row = Row(**{column: _READ.get(column, _same)(column, text) for column, text in cells.items()})
    if not row.path:
        raise ValueError("no path")
    if not row.label and not row.excluded:
        raise ValueError("no label")
    return row


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return _BETWEEN.join(value)
    if isinstance(value, float):
        return f"{value:.4f}"
    return "" if value is None else str(value)


def _same(_: str, text: str) -> str:
    return text


def _split(column: str, text: str) -> str:
    split = split_of(text)
    if text.strip() and not split:
        raise ValueError(f"{column} {text!r}, expected train, val, test or nothing")
    return split


def _size(column: str, text: str) -> int:
    """Whole pixels, also where a spreadsheet wrote 150.0 or 150,0."""
    if not text.strip():
        return 0
    whole = re.fullmatch(r"(\d+)(?:[.,]0*)?", text.strip())
    if not whole:
        raise ValueError(f"{column} {text!r}, expected a whole number of pixels")
    return int(whole[1])


def _hash(column: str, text: str) -> str:
    text = text.strip().lower()
    if text and not _HASH.fullmatch(text):
        raise ValueError(
            f"{column} {text!r}, expected 16 hexadecimal digits (a spreadsheet may have made a"
            " number of it: clear the cell)"
        )
    return text


def _group(column: str, text: str) -> str:
    if _AS_NUMBER.fullmatch(text.strip()):
        raise ValueError(f"{column} {text!r}: a spreadsheet made a number of it; clear the cell")
    return text


def _excluded(_: str, text: str) -> str:
    """A reason; yes and no are taken as what they mean."""
    word = text.strip().casefold()
    if word in _NO:
        return ""
    return "left out in the manifest" if word in _YES else text


def _issues(_: str, text: str) -> tuple[str, ...]:
    return tuple(issue for issue in text.split(_BETWEEN) if issue)


def _quality(column: str, text: str) -> float | None:
    if not text.strip():
        return None
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ValueError(f"{column} {text!r}, expected a number from 0 to 1")
    return value


_READ: dict[str, Callable[[str, str], Any]] = {
    "split": _split,
    "width": _size,
    "height": _size,
    "pixel_hash": _hash,
    "group": _group,
    "excluded": _excluded,
    "issues": _issues,
    "label_quality": _quality,
}


def class_names_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Sorted names of the classes that have an image in use."""
    return tuple(sorted({row.label for row in rows if not row.excluded}))
