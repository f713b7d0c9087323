"""The ledger: which test split was looked at, when, with which bundle, and what was seen.

A line a look, never rewritten. The same bundle on the same pictures tells nothing new: it counts
once.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scenelet.artefacts import explained, make_folder
from scenelet.dataset.row import Row
from scenelet.image_likeness import same_looking
from scenelet.locks import held

SKETCH = 64


@dataclass(frozen=True)
class Entry:
    """One look at a test split.

    Attributes:
        when: ISO date and time, UTC.
        bundle: Name.
        bundle_sha256: Of its model.
        data: Fingerprint of the test images' pixels and labels.
        images: How many.
        top1_accuracy: What was seen.
        sketch: The least pixel hashes: by them a split is known again though a picture was added or
            taken away.
        shown: Perceptual hashes of the same images, of those that have one: by them it is known
            though all were saved again.
    """

    when: str
    bundle: str
    bundle_sha256: str
    data: str
    images: int
    top1_accuracy: float
    sketch: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


def fingerprint(rows: Sequence[Row]) -> str:
    """Of pixels and labels, whatever the files are called and in whatever order."""
    lines = sorted(f"{row.pixel_hash} {row.label}" for row in rows)
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


def told(looks: int) -> str:
    """A sentence for people: how often a test split was looked at."""
    times = "once" if looks == 1 else f"{looks:,} times"
    return (
        f"This test split has been looked at {times} for this project; the same bundle on the same"
        " pictures counts once."
    )


def is_known(ledger: Path, rows: Sequence[Row]) -> bool:
    """Whether the images belong to a test split that was looked at before.

    Raises:
        ArtefactError: The ledger can't be read.
    """
    if not ledger.is_file():
        return False
    with explained(ledger):
        entries = [_parsed(line) for line in ledger.read_bytes().splitlines()]
    return any(_of_same_split([entry for entry in entries if entry], rows))


def record(
    ledger: Path, rows: Sequence[Row], bundle: str, bundle_sha256: str, top1_accuracy: float
) -> int:
    """Append an entry, on disk before this returns, and count the looks at the same test split.

    Args:
        ledger: JSON lines; made if it is not there. Several processes may append at once.
        rows: Images that are looked at.
        bundle: Name.
        bundle_sha256: Of its model.
        top1_accuracy: That is about to be seen.

    Returns:
        Looks at this test split so far, this one included: bundles, each with the pictures that it
        was asked about. A line that can't be read (torn by a full disk) counts as a look.

    Raises:
        ArtefactError: It can't be written: a look that can't be recorded must not be had.
    """
    look = _entry(rows, bundle, bundle_sha256, top1_accuracy)
    make_folder(ledger.parent)
    with (
        held(ledger.with_name(f".{ledger.name}.lock")),
        explained(ledger),
        open(ledger, "a+b") as file,
    ):
        file.seek(0)
        before = file.read()
        torn = b"" if not before or before.endswith(b"\n") else b"\n"
        file.write(torn + json.dumps(asdict(look), ensure_ascii=False).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    entries = [_parsed(line) for line in before.splitlines() if line.strip()]
    readable = [entry for entry in entries if entry]
    same = zip(readable, _of_same_split(readable, rows), strict=True)
    seen = {_essence(entry) for entry, is_same in same if is_same} | {_essence(asdict(look))}
    return len(entries) - len(readable) + len(seen)


def _entry(rows: Sequence[Row], bundle: str, bundle_sha256: str, top1_accuracy: float) -> Entry:
    """Of this moment."""
    sketch = _sketch(rows)
    return Entry(
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        bundle=bundle,
        bundle_sha256=bundle_sha256,
        data=fingerprint(rows),
        images=len(rows),
        top1_accuracy=top1_accuracy,
        sketch=tuple(sketch),
        shown=tuple(shown for shown in sketch.values() if shown),
    )


def _parsed(line: bytes) -> dict[str, Any]:
    """An entry; empty if it can't be read."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) and "data" in entry else {}


def _essence(entry: dict[str, Any]) -> tuple[str, str]:
    return str(entry.get("bundle_sha256")), str(entry["data"])


def _sketch(rows: Sequence[Row]) -> dict[str, str]:
    """The least of the pixel hashes, each with what its image shows.

    Of these, two splits share what they share of all (Broder 1997).
    """
    return dict(sorted({(row.pixel_hash, row.perceptual_hash) for row in rows})[:SKETCH])


def _of_same_split(entries: Sequence[dict[str, Any]], rows: Sequence[Row]) -> list[bool]:
    """Of each entry, whether its images and these share at least half of all, copies included."""
    data, sketch = fingerprint(rows), {*_sketch(rows)}
    looks = [row.perceptual_hash for row in rows if row.perceptual_hash]
    return [
        entry["data"] == data
        or _share_pixels({*entry.get("sketch", ())}, sketch)
        or _share_looks(entry, looks, len(rows))
        for entry in entries
    ]


def _share_pixels(first: set[str], second: set[str]) -> bool:
    least = sorted(first | second)[:SKETCH]
    shared = first & second
    return bool(shared) and 2 * len(shared.intersection(least)) >= len(least)


def _share_looks(entry: dict[str, Any], looks: Sequence[str], images: int) -> bool:
    """By the part of an entry's sample that is found again, saved in whatever way."""
    sample = entry.get("shown", ())
    found = sum(1 for place in same_looking(sample, looks) if place is not None)
    shared = entry["images"] * found / max(1, len(sample))
    return found > 0 and 3 * shared >= entry["images"] + images
