"""Corrections: pictures whose answer a person has judged, each kept once, by its pixels.

`corrections/` is a data set like any other: pictures named by pixel hash, and `metadata.csv`. Knows
nothing of pages or models.
"""

import csv
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from scenelet.artefacts import make_folder, write_bytes, write_text
from scenelet.dataset.row import Row
from scenelet.dataset.table import json_object
from scenelet.errors import DataError, ImageError
from scenelet.image_formats import suffix_of
from scenelet.images import decode, pixel_hash
from scenelet.locks import held
from scenelet.text import csv_of

TABLE = "metadata.csv"  # which makes the folder a data set for every command


@dataclass(frozen=True)
class Correction:
    """What a person said of a picture.

    Attributes:
        path: Of the picture in the folder: its pixel hash and the suffix of its format.
        label: What it is.
        answered: What the model took it for.
        bundle: Name of the bundle that answered.
    """

    path: str
    label: str
    answered: str = ""
    bundle: str = ""

    @property
    def pixels(self) -> str:
        """Hash of the pixels."""
        return Path(self.path).stem

    @property
    def is_right(self) -> bool:
        """Whether the model was."""
        return self.label == self.answered


def corrections(folder: Path) -> list[Correction]:
    """All of a folder, in the order in which they were given; none where there is no folder.

    Raises:
        DataError: The table can't be read.
    """
    table = folder / TABLE
    names = [each.name for each in fields(Correction)]
    try:
        with open(table, newline="", encoding="utf-8") as file:
            return [Correction(*(row[name] for name in names)) for row in csv.DictReader(file)]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{table}: damaged. Mend or remove it.") from error


def correct(folder: Path, content: bytes, label: str, answered: str, bundle: str) -> Correction:
    """Keep a picture with what it is; what was said of the same pixels before is replaced.

    Args:
        folder: Of the corrections; made if it is not there.
        content: Bytes of the picture.
        label: What it is.
        answered: What the model took it for.
        bundle: Name of the bundle that answered.

    Raises:
        ImageError: It is no picture that can be decoded.
        DataError: No label, or the table can't be read.
        ArtefactError: The folder can't be written.
    """
    if not label.strip():
        raise DataError("a correction needs a label.")
    name = pixel_hash(decode(content))
    said = Correction(f"{name}{suffix_of(content)}", label.strip(), answered, bundle)
    make_folder(folder)
    with held(folder / ".lock"):
        others = [each for each in corrections(folder) if each.pixels != name]
        write_bytes(folder / said.path, content)
        _write(folder, [*others, said])
    return said


def take_back(folder: Path, pixels: str) -> None:
    """Forget what was said of a picture; the picture goes, too.

    Raises:
        DataError: The table can't be read.
        ArtefactError: The folder can't be written.
    """
    with held(folder / ".lock"):
        known = corrections(folder)
        _write(folder, [each for each in known if each.pixels != pixels])
        for each in known:
            if each.pixels == pixels:
                (folder / each.path).unlink(missing_ok=True)


def bring(folder: Path, file: Path) -> int:
    """Keep the corrections that the page of a service has saved in a file.

    Args:
        folder: Of the corrections.
        file: JSON lines with `label`, `answered`, `bundle` and `picture` (base64).

    Returns:
        How many pictures there were.

    Raises:
        DataError: A line is none.
        ArtefactError: The folder can't be written.
    """
    brought = set[str]()
    for number, told in _lines(file):
        try:
            content = b64decode(str(told["picture"]), validate=True)
            said = [str(told.get(name, "")) for name in ("label", "answered", "bundle")]
            brought.add(correct(folder, content, *said).pixels)
        except (KeyError, ValueError, ImageError, DataError) as error:
            reason = error if isinstance(error, ImageError | DataError) else "no correction"
            raise DataError(f"{file}: line {number}: {reason}") from error
    return len(brought)


def checked(
    found: Sequence[Correction], class_names: Sequence[str], rows: Sequence[Row]
) -> tuple[list[Correction], list[str]]:
    """Those that can be learned from, and one line about each that can't.

    Args:
        found: In the folder.
        class_names: That the model is to know.
        rows: Of the data set that it learned from: what is in it already, under the same label or
            another one, is not added.
    """
    known = {row.pixel_hash: row for row in rows if row.pixel_hash}
    kept, told = [], []
    for each in found:
        row = known.get(each.pixels)
        if each.label not in class_names:
            told.append(f"{each.path}: {each.label} is none of its classes")
        elif row and row.label != each.label:
            told.append(f"{each.path}: is {row.path} of the data set, labelled {row.label} there")
        elif row:
            told.append(f"{each.path}: is in the data set already")
        else:
            kept.append(each)
    return kept, told


def _lines(file: Path) -> Iterator[tuple[int, dict[str, object]]]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise DataError(f"{file}: can't be read.") from error
    for number, line in enumerate(text.splitlines(), 1):
        told = json_object(line)
        if told is None:
            raise DataError(f"{file}: line {number}: no correction")
        yield number, told


def _write(folder: Path, found: Sequence[Correction]) -> None:
    names = [each.name for each in fields(Correction)]
    write_text(folder / TABLE, csv_of(names, map(astuple, found)))
