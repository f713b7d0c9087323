"""The manifest: a table with a row an image: its label, its split, whether and why it is left out.

Written by us, edited by people in spreadsheets: every cell is understood or refused with its row.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

from scenelet.artefacts import write_text
from scenelet.dataset.layout import split_of
from scenelet.dataset.row import Row
from scenelet.dataset.several import labels_of
from scenelet.dataset.table import Table, read_table, refuse
from scenelet.errors import ConfigError, DataError
from scenelet.text import csv_of

Columns = tuple[tuple[str, str], ...]  # our name and the table's
Numbered = list[tuple[int, Row]]  # each with the number of its row
UNLABELLED = "?"
NAMED = ("path", "label", "split", "group", "label_quality")
COLUMNS = tuple(field.name for field in fields(Row))
_BETWEEN, _OURS = "; ", "perceptual_hash"  # which no table of others has
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
        "url",
        "image_url",
        "image_id",
        "uri",
        "s3_uri",
    ],
    "label": ["class", "class_name", "classname", "category", "target", "labels", "choice", "tags"],
    "split": ["subset", "part", "set", "partition", "phase", "usage", "data_split"],
    "group": ["group_id", "patient", "patient_id", "subject_id", "series_id"],
}
_NO, _YES = frozenset(("0", "false", "no", "n", "0.0")), frozenset(("1", "true", "yes", "y", "x"))
_AS_NUMBER = re.compile(r"[\d.,]+e[+-]?\d+", re.IGNORECASE)  # what spreadsheets make of a hash


def write_manifest(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as CSV, whole or not at all.

    Raises:
        ArtefactError: No space, no permission.
    """
    write_text(path, csv_of(COLUMNS, (as_record(row).values() for row in rows)))


def read_manifest(path: Path) -> list[Row]:
    """Read a manifest's rows; raises as `read_numbered`."""
    return [row for _, row in read_numbered(path)]


def read_numbered(path: Path, columns: Columns = ()) -> Numbered:
    """Read a manifest, as `write_manifest` wrote it or a person changed it, with row numbers.

    Needs a path and a label in each row; what else is missing stands as unknown; further columns
    are passed over.

    Args:
        path: Of the table.
        columns: What the table calls ours, where a person said so.

    Raises:
        DataError: It can't be read, or a row makes no sense.
    """
    return numbered(str(path), read_table(path), columns)


def numbered(
    path: str, table: Table, columns: Columns = (), *, is_labelled: bool = True
) -> Numbered:
    """The rows of a table; columns and errors as of `read_numbered`.

    Args:
        path: Of the table, for messages.
        table: Its cells.
        columns: As `read_numbered` takes them.
        is_labelled: Whether each row needs a label; without one it has that of nobody, `?`.
    """
    names = _names(path, table.columns, columns)
    wanted = ("path", "label") if is_labelled else ("path",)
    missing = [column for column in wanted if column not in names]
    if missing:
        raise DataError(
            f"{path}: column {' and '.join(missing)} missing from the table (found"
            f" {', '.join(table.columns) or 'nothing'}). Name {_these(wanted)}:"
            f" --column {missing[0]}=NAME."
        )
    meant = _labels(table, names) if is_labelled else {}
    rows, faults, seen = [], list[str](), defaultdict[str, list[tuple[int, str]]](list)
    for number, record in table.records:
        cells = {ours: record.get(theirs, "") for ours, theirs in names.items()}
        if number in meant:
            cells = _with_labels(cells, meant[number])
        if not is_labelled:
            cells["label"] = cells.get("label") or UNLABELLED
        try:
            row = from_record(cells)
        except ValueError as error:
            faults.append(f"row {number}: {error}")
        else:
            rows.append((number, row))
            seen[row.path].append((number, row.label))
    faults += [_twice(name, found) for name, found in seen.items() if len(found) > 1]
    refuse(path, faults)
    return rows


def _these(columns: Sequence[str]) -> str:
    *others, last = columns
    if others:
        return f"the columns {', '.join(others)} and {last}, or say which they are"
    return f"the column {last}, or say which it is"


def _labels(table: Table, names: Mapping[str, str]) -> dict[int, list[str]]:
    """Labels of each row whose cell is not itself the one, by its number."""
    if _OURS in table.columns:  # in a manifest a class may be called anything
        return {}
    label = names["label"]
    cells = {number: record.get(label, "") for number, record in table.records}
    known = set(cells.values())
    found = {number: labels_of(text, known) for number, text in cells.items()}
    none = {n: list[str]() for n, column in table.several if column == label and not cells[n]}
    return {n: labels for n, labels in found.items() if labels != [cells[n]]} | none


def _twice(path: str, found: Sequence[tuple[int, str]]) -> str:
    """What is wrong with a picture that several rows speak of."""
    numbers = " and ".join(str(number) for number, _ in found)
    labels = sorted({label for _, label in found})
    if len(labels) == 1:
        return f"rows {numbers}: {path} is there {len(found)} times"
    told = ", ".join(labels)
    return f"rows {numbers}: {path} has several labels ({told}); a picture has one here"


def column_names(given: Iterable[str]) -> Columns:
    """What a person calls our columns: of `path=file_name`, `label=breed`.

    Raises:
        ConfigError: No such column of ours, or no name.
    """
    pairs = [tuple(part.strip() for part in each.partition("=")[::2]) for each in given]
    for ours, theirs in pairs:
        if ours not in NAMED or not theirs:
            raise ConfigError(
                f"--column: found {ours}={theirs}, expected {', '.join(NAMED)}, then = and the"
                " table's name for it"
            )
    return tuple((ours, theirs.casefold()) for ours, theirs in pairs)


def has_labels(columns: Sequence[str]) -> bool:
    """Whether a table with such columns names pictures and their labels."""
    return {"path", "label"} <= set(_names("", columns, ()))


def _names(path: str, columns: Sequence[str], given: Columns) -> dict[str, str]:
    """Our name -> the table's, of each column of ours that the table has.

    Raises:
        DataError: A person named one that is not there.
    """
    found = {}
    for ours in COLUMNS:
        theirs = dict(given).get(ours) or _usual(ours, columns)
        if theirs and theirs not in columns:
            raise DataError(
                f"{path}: no column {theirs} (found {', '.join(columns) or 'nothing'}). Give one of"
                f" these as --column {ours}=NAME."
            )
        if theirs:
            found[ours] = theirs
    return found


def _usual(ours: str, columns: Sequence[str]) -> str:
    """The first usual name of a column of ours that a table has; "" if it has none."""
    there = {_letters(name): name for name in reversed(columns)}
    known = (ours, *_CALLED.get(ours, ()))
    return next((there[_letters(name)] for name in known if _letters(name) in there), "")


def _letters(name: str) -> str:
    """A column's name without what people put between its words."""
    return re.sub(r"[\s_.-]+", "", name)


def _with_labels(cells: Mapping[str, str], labels: Sequence[str]) -> dict[str, str]:
    """A row with its one label; else it is left out, for one picture has one label here."""
    if len(labels) == 1:
        return {**cells, "label": labels[0]}
    told = f"several labels: {', '.join(labels)}" if labels else "no label"
    return {**cells, "label": "", "excluded": cells.get("excluded") or told}


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


def _hash(column: str, text: str, digits: int = 16) -> str:
    text = text.strip().lower()
    if text and not re.fullmatch(f"[0-9a-f]{{{digits}}}", text):
        raise ValueError(
            f"{column} {text!r}, expected {digits} hexadecimal digits (a spreadsheet may have made"
            " a number of it: clear the cell)"
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
    "perceptual_hash": partial(_hash, digits=32),
    "group": _group,
    "excluded": _excluded,
    "issues": _issues,
    "label_quality": _quality,
}


def class_names_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Sorted names of the classes that have an image in use."""
    return tuple(sorted({row.label for row in rows if not row.excluded}))
