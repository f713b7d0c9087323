"""The ledger: which test split was looked at, when, with which bundle, and what was seen.

A line a look, never rewritten.
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
    """

    when: str
    bundle: str
    bundle_sha256: str
    data: str
    images: int
    top1_accuracy: float
    sketch: tuple[str, ...] = ()


def fingerprint(rows: Sequence[Row]) -> str:
    """Of pixels and labels, whatever the files are called and in whatever order."""
    lines = sorted(f"{row.pixel_hash} {row.label}" for row in rows)
    return hashlib.blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


def entry(bundle: str, bundle_sha256: str, rows: Sequence[Row], top1_accuracy: float) -> Entry:
    """An entry of this moment."""
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return Entry(
        when, bundle, bundle_sha256, fingerprint(rows), len(rows), top1_accuracy, sketch_of(rows)
    )


def sketch_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """The least of the pixel hashes (Broder 1997).

    Of these, two splits share what they share of all.
    """
    return tuple(sorted({row.pixel_hash for row in rows})[:SKETCH])


def is_known(ledger: Path, rows: Sequence[Row]) -> bool:
    """Whether most of the images belong to a test split that was looked at before.

    Raises:
        ArtefactError: The ledger can't be read.
    """
    if not ledger.is_file():
        return False
    sketch = sketch_of(rows)
    with explained(ledger):
        lines = ledger.read_bytes().splitlines()
    return any(_alike(entry.get("sketch", ()), sketch) for entry in map(_parsed, lines) if entry)


def record(ledger: Path, look: Entry) -> int:
    """Append an entry, on disk before this returns, and count the looks at the same test split.

    Args:
        ledger: JSON lines; made if it is not there. Several processes may append at once.
        look: To append.

    Returns:
        Looks at this test split so far, this one included. A line that can't be read (torn by a
        full disk) counts as a look.

    Raises:
        ArtefactError: It can't be written: a look that can't be recorded must not be had.
    """
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
        lines = [line for line in before.splitlines() if line.strip()]
        return 1 + sum(1 for line in lines if _concerns(_parsed(line), look))


def _parsed(line: bytes) -> dict[str, Any]:
    """An entry; empty if it can't be read."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) and "data" in entry else {}


def _concerns(entry: dict[str, Any], look: Entry) -> bool:
    if not entry:
        return True
    return bool(entry["data"] == look.data) or _alike(entry.get("sketch", ()), look.sketch)


def _alike(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether two splits share at least half of their images."""
    least = sorted({*first, *second})[:SKETCH]
    shared = {*first} & {*second}
    return bool(shared) and 2 * len(shared.intersection(least)) >= len(least)
