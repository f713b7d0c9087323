"""Match the rows of a manifest with the files of a place, by name as it is written or meant.

A name is meant when it differs in separators, composition, outer spaces, says the place's own
folder too, or lacks folders or the suffix, and just one file is called so. A row whose path is an
address of its own (https://..., s3://...) needs no file.
"""

import posixpath
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from scenelet.dataset.address import has_own_address
from scenelet.dataset.label_studio import path_of, uploaded_name
from scenelet.dataset.row import Row
from scenelet.errors import DataError
from scenelet.files import Entry
from scenelet.grouped import grouped

NOT_NAMED = "not in the manifest"


def matched(
    rows: Sequence[tuple[int, Row]], entries: Iterable[Entry], manifest: Path | str, place: str
) -> tuple[tuple[Row, ...], tuple[Entry, ...]]:
    """Find the file of each row.

    Args:
        rows: Of the manifest, each with its number.
        entries: All that lies at the place.
        manifest: For messages.
        place: As a person wrote it.

    Returns:
        The rows with the paths of their files, and what no row speaks of.

    Raises:
        DataError: The manifest holds nothing, files of rows in use are not there, or two rows
            speak of one file.
    """
    if not rows:
        raise DataError(f"{manifest}: no image in the manifest; write it again.")
    there = {entry.path: entry for entry in entries}
    names = _Names(there.values())
    paths = [_found(row.path, there, names, place) for _, row in rows]
    _refuse_missing(rows, paths, manifest, place)
    placed = tuple(
        replace(row, path=path or row.path) for (_, row), path in zip(rows, paths, strict=True)
    )
    _refuse_twice(rows, placed, manifest)
    named = {row.path for row in placed}
    return placed, tuple(_passed_over(there[path] for path in there if path not in named))


def _passed_over(entries: Iterable[Entry]) -> Iterator[Entry]:
    for entry in entries:
        yield entry if entry.reason else replace(entry, reason=NOT_NAMED)


class _Names:
    """Every file by what it may be called, of the names that one file alone has."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        known = [(_plain(entry.path), entry) for entry in entries]
        pictures = [(PurePosixPath(name), entry) for name, entry in known if not entry.reason]
        self._whole = _alone(known)
        self._stems = _alone((str(name.parent / name.stem), entry) for name, entry in pictures)
        self._last = _alone((name.name, entry) for name, entry in pictures)
        self._last_stems = _alone((name.stem, entry) for name, entry in pictures)

    def found(self, name: str) -> str:
        """The path of a plain name; "" of none."""
        short = "" if "/" in name else name
        return (
            self._whole.get(name)
            or self._stems.get(name)
            or self._last.get(short)
            or self._last_stems.get(short, "")
        )

    def below(self, tails: Iterable[str]) -> str:
        """The first of these that is a whole path here; "" of none."""
        return next(filter(None, map(self._whole.get, tails)), "")


def _alone(named: Iterable[tuple[str, Entry]]) -> dict[str, str]:
    alike = grouped((name, entry.path) for name, entry in named)
    return {name: found[0] for name, found in alike.items() if len(found) == 1}


def _plain(path: str) -> str:
    """A path without what does not change its meaning."""
    return unicodedata.normalize("NFC", posixpath.normpath(path.strip().replace("\\", "/")))


def _found(path: str, there: dict[str, Entry], names: _Names, place: str) -> str:
    if path in there or has_own_address(path):
        return path
    plain = _plain(path_of(path))
    shorter = [plain.removeprefix(f"{above}/") for above in _names_of(place)]
    shorter.append(plain.rpartition(f"/{Path(place).absolute().name}/")[2])  # of another machine
    meant = (names.found(name) for name in (plain, *shorter, uploaded_name(plain)))
    return next(filter(None, meant), "") or names.below(_tails(plain))


def _tails(path: str) -> list[str]:
    """An absolute path of another machine without its first folders, the longest first."""
    is_absolute = path.startswith("/") or path[1:3] == ":/"
    parts = path.split("/")
    return ["/".join(parts[start:]) for start in range(1, len(parts))] if is_absolute else []


def _names_of(place: str) -> list[str]:
    """What a path may say before the name below a place: the place, whole or its last folders."""
    whole = _plain(str(Path(place).absolute()))
    parts = whole.split("/")
    return [whole, *("/".join(parts[start:]) for start in range(1, len(parts)))]


def _refuse_missing(
    rows: Sequence[tuple[int, Row]], paths: Sequence[str], manifest: Path | str, place: str
) -> None:
    missing = [
        (number, row.path)
        for (number, row), path in zip(rows, paths, strict=True)
        if not path and not row.excluded
    ]
    if missing:
        number, path = missing[0]
        raise DataError(
            f"{manifest}: {len(missing):,} of its {len(rows):,} images are not in {place} (the"
            f" first: row {number}, {path}). Give the folder that the paths start from, or audit"
            " again."
        )


def _refuse_twice(
    rows: Sequence[tuple[int, Row]], placed: Sequence[Row], manifest: Path | str
) -> None:
    pairs = zip(rows, placed, strict=True)
    numbers = grouped((row.path, number) for (number, _), row in pairs)
    twice = next(((path, found) for path, found in numbers.items() if len(found) > 1), None)
    if twice:
        told = " and ".join(map(str, twice[1]))
        raise DataError(f"{manifest}: rows {told} speak of the same file, {twice[0]}. Keep one.")
