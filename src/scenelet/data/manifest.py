"""The manifest: a CSV with one row an image, saying its label, its split, and whether and why it is left out."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from scenelet.artefacts import write_text
from scenelet.errors import DataError


@dataclass(frozen=True)
class Row:
    """One image.

    Attributes:
        path: Of the file; relative to the data folder.
        label: Class name.
        split: "train", "val", "test", or "" if not assigned yet.
        width: In pixels, upright; 0 if unreadable.
        height: In pixels, upright; 0 if unreadable.
        pixel_hash: Of the decoded pixels (`images.pixel_hash`); "" if unreadable.
        excluded: Why the image is left out, "" if it is used.
    """

    path: str
    label: str
    split: str = ""
    width: int = 0
    height: int = 0
    pixel_hash: str = ""
    excluded: str = ""

    def with_split(self, split: str) -> "Row":
        """The same image in another split."""
        return replace(self, split=split)


COLUMNS = tuple(field.name for field in fields(Row))


def write_manifest(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as CSV, whole or not at all.

    Raises:
        ArtefactError: No space, no permission.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(row, column) for column in COLUMNS] for row in rows)
    write_text(path, text.getvalue())


def read_manifest(path: Path) -> list[Row]:
    """Read what `write_manifest` wrote; further columns are passed over.

    Raises:
        DataError: No such file, or a needed column is missing.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise DataError(f"{path}: column {', '.join(missing)} missing from the manifest; write it again.")
            return [
                Row(
                    **{column: record[column] for column in COLUMNS if column not in ("width", "height")},
                    width=int(record["width"]),
                    height=int(record["height"]),
                )
                for record in reader
            ]
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: not a readable manifest: {error}") from error


def class_names_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Sorted names of the classes that have an image in use."""
    return tuple(sorted({row.label for row in rows if not row.excluded}))
