"""Where audits lie, and which of them is of a place: each data set has its own.

The first audit lies in `audit/`, one of another place in `audit/NAME/` (of a second such name,
`audit/NAME-2/`); which place an audit is of stands in its audit.json.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, count
from pathlib import Path

from scenelet.dataset.address import address_of, has_own_address
from scenelet.dataset.manifest import read_manifest
from scenelet.dataset.row import Row
from scenelet.dataset.source import Source
from scenelet.dataset.table import json_object
from scenelet.errors import DataError
from scenelet.names import printable, raw
from scenelet.progress import Progress

HOME = Path("audit")
MANIFEST, SUMMARY = "manifest.csv", "audit.json"


def place_of(name: str) -> str:
    """A place by which it is known wherever a command runs: its whole path, or its address."""
    path = Path(raw(name))
    return printable(str(path.resolve())) if path.exists() else address_of(name) or name


def folder_for(name: str, home: Path = HOME) -> Path:
    """Where the audit of a place belongs: where its last one lies, else where no other one does.

    Args:
        name: Of the place.
        home: That holds audits.
    """
    found = audit_of(name, home)
    if found:
        return found.parent
    own = home / _short(name)
    more = (own.with_name(f"{own.name}-{number}") for number in count(2))
    return next(folder for folder in chain((home, own), more) if _is_free(folder, name))


def _is_free(folder: Path, name: str) -> bool:
    """Whether no other place's audit lies there."""
    return not (folder / MANIFEST).is_file() or _recorded(folder) in ("", place_of(name))


def audit_of(name: str, home: Path = HOME) -> Path | None:
    """The manifest of the audit of a place; None where there is none."""
    wanted = place_of(name)
    manifests = (folder / MANIFEST for folder in _audits(home) if _recorded(folder) == wanted)
    return next(manifests, None)


def manifest_for(source: Source, given: Path | None, progress: Progress) -> Path | None:
    """The manifest to go by: the one that was given, else that of the place's own audit.

    An audit from before pictures were added, removed or renamed is told and not used.
    """
    found = audit_of(source.name) if given is None else None
    if found is None:
        return given
    if not _is_of_today(found, source):
        progress.say(f"{found}: not used, other files are there since. Audit again.")
        return None
    progress.say(f"{found}: labels and exclusions of this audit are used")
    return found


def _is_of_today(manifest: Path, source: Source) -> bool:
    """Whether the same pictures are there; in a place that says no labels, at least those."""
    known = _below(read_manifest(manifest))
    try:
        return known == _below(source.list().rows)
    except DataError:
        return known <= {entry.path for entry in source.entries()}


def _below(rows: Iterable[Row]) -> set[str]:
    """Paths of the pictures that lie in the place itself."""
    return {row.path for row in rows if not has_own_address(row.path)}


def _audits(home: Path) -> Iterator[Path]:
    folders = sorted(home.iterdir()) if home.is_dir() else []
    yield from (folder for folder in (home, *folders) if (folder / MANIFEST).is_file())


def _recorded(folder: Path) -> str:
    """The place that an audit is of; "" where it does not say."""
    try:
        told = json_object((folder / SUMMARY).read_text(encoding="utf-8")) or {}
    except (OSError, ValueError):
        return ""
    place = told.get("place")
    return place if isinstance(place, str) else ""


def _short(name: str) -> str:
    """A folder's name for a place: its last word."""
    last = re.split(r"[/:\\]+", place_of(name).rstrip("/"))[-1]
    return re.sub(r"\.\w+$", "", last) or "data"
