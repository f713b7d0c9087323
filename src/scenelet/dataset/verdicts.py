"""A person's verdicts about doubtful pictures, written into the manifest, each to be undone.

Knows nothing of pages.

Beside the manifest lies `verdicts.jsonl`: one line a verdict with the row before and after, so that
undoing survives a restart, and what a person decided survives another audit.
"""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scenelet.artefacts import write_text
from scenelet.dataset.manifest import as_record, from_record, read_manifest, write_manifest
from scenelet.dataset.row import Row
from scenelet.errors import DataError

VERDICTS = ("keep", "exclude", "relabel")
DOUBTFUL, BY_HAND = "doubtful label", "judged by hand"
_LOCK = threading.Lock()  # pages of one app; a manifest belongs to one app at a time


@dataclass(frozen=True)
class Verdict:
    """What was decided.

    Attributes:
        verdict: One of `VERDICTS`.
        before: The row as it was.
        after: The row as it is.
    """

    verdict: str
    before: Row
    after: Row


def judged(row: Row, verdict: str) -> Row:
    """The row after a verdict.

    Raises:
        DataError: No such verdict, or no other label to give.
    """
    issues = (*(issue for issue in row.issues if issue != DOUBTFUL), BY_HAND)
    if verdict == "keep":
        return replace(row, issues=issues, suggested_label="")
    if verdict == "exclude":
        return replace(row, issues=issues, suggested_label="", excluded="left out by hand")
    if verdict == "relabel" and row.suggested_label:
        return replace(row, issues=issues, label=row.suggested_label, suggested_label="")
    raise DataError(
        f"{row.path}: found verdict {verdict!r}, expected one of {', '.join(VERDICTS)} (relabel:"
        " with a suggestion)"
    )


def give(manifest: Path, path: str, verdict: str) -> Verdict:
    """Write a verdict about one picture into the manifest; every other row stays as it is.

    Raises:
        DataError: The manifest can't be read, or has no such picture.
        ArtefactError: It can't be written.
    """
    with _LOCK:
        rows = read_manifest(manifest)
        place = _place(rows, path, manifest)
        done = Verdict(verdict, rows[place], judged(rows[place], verdict))
        rows[place] = done.after
        # the log first: what was changed can always be undone
        _write_log(manifest, [*_log(manifest), done])
        write_manifest(manifest, rows)
    return done


def undo(manifest: Path) -> Verdict | None:
    """Take the last verdict back; None if there is none.

    Raises:
        DataError: The manifest can't be read, or has no such picture any more.
        ArtefactError: It can't be written.
    """
    with _LOCK:
        log = _log(manifest)
        if not log:
            return None
        rows = read_manifest(manifest)
        rows[_place(rows, log[-1].before.path, manifest)] = log[-1].before
        write_manifest(manifest, rows)
        _write_log(manifest, log[:-1])
    return log[-1]


def given(manifest: Path) -> list[Verdict]:
    """Verdicts so far, oldest first."""
    return _log(manifest)


def again(manifest: Path, rows: Sequence[Row]) -> tuple[list[Row], int]:
    """Rows of a new audit with the verdicts given before, so that no work of a person is lost.

    A verdict holds for a picture by its pixels, wherever the file now lies. The log then tells of
    the new rows, so that each can still be undone.

    Args:
        manifest: That is to be written again; its log lies beside it.
        rows: Of the new audit.

    Returns:
        The rows, and how many verdicts were kept.

    Raises:
        ArtefactError: The log can't be written.
    """
    with _LOCK:
        known, kept = list(rows), list[Verdict]()
        places = {row.pixel_hash: place for place, row in reversed(list(enumerate(known)))}
        for old in _log(manifest):
            place = places.get(old.after.pixel_hash) if old.after.pixel_hash else None
            if place is not None:
                kept.append(Verdict(old.verdict, known[place], _as_judged(known[place], old)))
                known[place] = kept[-1].after
        if kept:
            _write_log(manifest, kept)
    return known, len(kept)


def _as_judged(row: Row, old: Verdict) -> Row:
    label = old.after.label if old.verdict == "relabel" else row.label
    return judged(replace(row, suggested_label=label or row.label), old.verdict)


def _place(rows: list[Row], path: str, manifest: Path) -> int:
    for place, row in enumerate(rows):
        if row.path == path:
            return place
    raise DataError(f"{manifest}: {path} is not in it. Load the page again.")


def _log_path(manifest: Path) -> Path:
    return manifest.with_name("verdicts.jsonl")


def _log(manifest: Path) -> list[Verdict]:
    try:
        lines = _log_path(manifest).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return list(map(_verdict, lines))


def _verdict(line: str) -> Verdict:
    told = json.loads(line)
    return Verdict(told["verdict"], from_record(told["before"]), from_record(told["after"]))


def _write_log(manifest: Path, verdicts: list[Verdict]) -> None:
    write_text(
        _log_path(manifest),
        "".join(json.dumps(_plain(verdict), ensure_ascii=False) + "\n" for verdict in verdicts),
    )


def _plain(verdict: Verdict) -> dict[str, Any]:
    rows = {"before": as_record(verdict.before), "after": as_record(verdict.after)}
    return {"verdict": verdict.verdict, **rows}
