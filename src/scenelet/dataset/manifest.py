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
        group: Shared by pictures that an audit found equal or alike; a split keeps them together.
            "" stands for the pixel hash.
        issues: What an audit found odd about it, separated by "; ".
        suggested_label: Of an audit that doubts the label, "" if it does not.
        label_quality: How likely the label is right to the audit, 0-1, or "" where it was not
            asked.
    """

    path: str
    label: str
    split: str = ""
    width: int = 0
    height: int = 0
    pixel_hash: str = ""
    excluded: str = ""
    group: str = ""
    issues: str = ""
    suggested_label: str = ""
    label_quality: str = ""

    @property
    def kin(self) -> str:
        """What must stay on one side of a split: the audit's group, else the picture itself."""
        return self.group or self.pixel_hash

    def with_split(self, split: str) -> "Row":
        """The same image in another split."""
        return replace(self, split=split)


COLUMNS = tuple(field.name for field in fields(Row))
NEEDED_COLUMNS = COLUMNS[: COLUMNS.index("excluded") + 1]


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
            missing = [
                column for column in NEEDED_COLUMNS if column not in (reader.fieldnames or ())
            ]
            if missing:
                raise DataError(
                    f"{path}: column {', '.join(missing)} missing from the manifest; write it"
                    " again."
                )
            return [
                Row(
                    **{
                        column: record.get(column) or ""
                        for column in COLUMNS
                        if column not in ("width", "height")
                    },
                    width=int(record["width"]),
                    height=int(record["height"]),
                )
                for record in reader
            ]
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
