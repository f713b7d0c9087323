"""The manifest: a CSV with one row an image, saying its label, its split, and whether and why it is left out."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from scenelet.artefacts import write_text
from scenelet.dataset.row import Row
from scenelet.errors import DataError

COLUMNS = tuple(field.name for field in fields(Row))
_BETWEEN = "; "
NEEDED_COLUMNS = COLUMNS[: COLUMNS.index("excluded") + 1]


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


def as_record(row: Row) -> dict[str, str]:
    """A row as text by column."""
    return {column: _cell(getattr(row, column)) for column in COLUMNS}


def from_record(record: Mapping[str, Any]) -> Row:
    """The row of `as_record`; further columns are passed over.

    Raises:
        ValueError: A number is none.
    """
    return Row(**{column: _value(column, str(record.get(column) or "")) for column in COLUMNS})


def _cell(value: Any) -> str:
    if isinstance(value, tuple):
        return _BETWEEN.join(value)
    if isinstance(value, float):
        return f"{value:.4f}"
    return "" if value is None else str(value)


def _value(column: str, text: str) -> Any:
    if column in ("width", "height"):
        return int(text or 0)
    if column == "issues":
        return tuple(issue for issue in text.split(_BETWEEN) if issue)
    if column == "label_quality":
        return float(text) if text else None
    return text


def read_manifest(path: Path) -> list[Row]:
    """Read what `write_manifest` wrote; further columns are passed over.

    Raises:
        DataError: No such file, or a needed column is missing.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = [
                column for column in NEEDED_COLUMNS if column not in (reader.fieldnames or ())
            ]
            if missing:
                raise DataError(
                    f"{path}: column {', '.join(missing)} missing from the manifest; write it"
                    " again."
                )
            return [from_record(record) for record in reader]
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable manifest: {error}") from error


def rows_of(path: Path, folder: Path) -> list[Row]:
    """Read the manifest of a data folder.

    Raises:
        DataError: It can't be read, holds nothing, or names files that are not in the folder.
    """
    rows = read_manifest(path)
    if not rows:
        raise DataError(f"{path}: no image in the manifest; write it again.")
    missing = [row.path for row in rows if not row.excluded and not (folder / row.path).is_file()]
    if missing:
        raise DataError(
            f"{path}: {len(missing):,} of its images are not in {folder} (the first: {missing[0]})."
            " Give the folder it was made for, or audit again."
        )
    return rows


def class_names_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Sorted names of the classes that have an image in use."""
    return tuple(sorted({row.label for row in rows if not row.excluded}))
