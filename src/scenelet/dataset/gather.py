"""Pictures that somebody dropped on a page become a folder of class folders.

Names come from strangers' files: none leads out of the folder, and no picture takes
another's place.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scenelet.artefacts import make_folder, write_bytes
from scenelet.dataset.sources import source_of
from scenelet.errors import DataError
from scenelet.names import printable

_MOST_LETTERS = 60
_SEPARATES = re.compile(r"[\\/]")


@dataclass(frozen=True)
class Given:
    """A picture that somebody gave.

    Attributes:
        label: Name of its class.
        name: Of the file, for people.
        content: Its bytes, whatever they are: the audit tells what is no picture.
    """

    label: str
    name: str
    content: bytes


def class_name(text: str) -> str:
    """A name of a class that can be a folder's.

    Raises:
        DataError: It can't.
    """
    name = printable(text.strip())
    if not name or name.startswith(".") or _SEPARATES.search(name) or len(name.encode()) > 200:
        raise DataError(
            f"class {text!r}: can't be a folder's name. Expected a word or two without slashes."
        )
    return name


def gather(folder: Path, pictures: Iterable[Given]) -> int:
    """Write pictures into `folder/CLASS/`; one that lies there already is written no second time.

    Args:
        folder: Made if it is not there.
        pictures: Of any classes.

    Returns:
        How many different files were given.

    Raises:
        DataError: A class can't be a folder's name.
        ArtefactError: The folder can't be written.
    """
    written = set[Path]()
    for each in pictures:
        path = folder / class_name(each.label) / _file_name(each)
        if path not in written and not path.is_file():
            make_folder(path.parent)
            write_bytes(path, each.content)
        written.add(path)
    return len(written)


def of_paths(files: Iterable[tuple[str, bytes]]) -> Iterator[Given]:
    """Of a dropped folder: the class of each file is the folder that it lies in.

    Raises:
        DataError: A file lies in none.
    """
    for path, content in files:
        parts = PurePosixPath(path.replace("\\", "/")).parts
        if any(part.startswith(".") for part in parts):
            continue  # what systems leave in folders
        if len(parts) < 2:
            raise DataError(f"{path}: lies in no folder, so its class is not known.")
        yield Given(parts[-2], parts[-1], content)


def of_zip(label: str, archive: Path) -> Iterator[Given]:
    """The files of an archive, all of one class.

    Raises:
        DataError: It can't be read.
    """
    source = source_of(archive)
    for entry in source.entries():
        if not entry.reason:
            yield Given(label, PurePosixPath(entry.path).name, source.read(entry.path))


def _file_name(given: Given) -> str:
    """A name that people know again, and no other picture's."""
    name = PurePosixPath(_SEPARATES.sub("/", printable(given.name))).name
    stem, dot, suffix = name.rpartition(".")
    digest = hashlib.blake2b(given.content, digest_size=4).hexdigest()
    whole, ending = (stem, suffix) if dot else (suffix, "")
    kept = whole.lstrip(".")[:_MOST_LETTERS] or "picture"
    return f"{kept}-{digest}" + (f".{ending[:8]}" if ending else "")
