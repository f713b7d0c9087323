"""Investigate a folder: the audit, embeddings of its images, and doubts about their labels.

What both reports are made of.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from scenelet.answers import ask, open_bundle
from scenelet.dataset.audit import Audit, audit
from scenelet.dataset.audits import place_of
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.kept_looks import KeptLooks
from scenelet.dataset.row import Row
from scenelet.dataset.source import Source
from scenelet.dataset.verdicts import BY_HAND
from scenelet.engine import Engine
from scenelet.explore.labels import doubt_labels, doubted, out_of_fold_probabilities, too_few
from scenelet.progress import SILENT, Progress

Look = Callable[[Dataset, Progress], np.ndarray]  # examined pictures to (n, features)


@dataclass(frozen=True)
class Findings:
    """An audit with embeddings and doubts.

    Attributes:
        audit: Its rows carry the doubts.
        embedded: Positions of the rows that have an embedding.
        embeddings: (n, features) of those; of no rows where nobody looked.
        unjudged: Why the labels of a class were not judged, by its name.
    """

    audit: Audit
    embedded: list[int]
    embeddings: np.ndarray
    unjudged: Mapping[str, str]

    @property
    def rows(self) -> tuple[Row, ...]:
        """One an image."""
        return self.audit.rows

    def summary(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "place": place_of(self.audit.dataset.source.name),
            "images": len(self.rows),
            "classes": _counts(row.label for row in self.rows),
            "splits": _counts(row.split or "unassigned" for row in self.rows),
            "excluded": sum(1 for row in self.rows if row.excluded),
            "findings": self.audit.counts(),
            "issues": self.audit.issue_counts(),
            "labels_not_judged": dict(self.unjudged),
            "folder": self.audit.folder_faults,
            "account": self.audit.dataset.account(),
            "passed_over": [
                {"path": entry.path, "reason": entry.reason}
                for entry in self.audit.dataset.passed_over
            ],
        }


def _counts(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def by_bundle(folder: Path) -> Look:
    """Embeddings by a bundle's model.

    Raises:
        BundleError: The bundle can't be trusted or read.
    """
    model = open_bundle(folder)

    def look(dataset: Dataset, progress: Progress) -> np.ndarray:
        return ask(model, dataset, model.contract.preprocess, progress).features

    return look


def investigate(
    root: Path | Source,
    against: Path | None,
    look: Look | None,
    progress: Progress = SILENT,
    manifest: Path | None = None,
    engine: Engine | None = None,
    kept: KeptLooks | None = None,
) -> Findings:
    """Audit a folder, embed its usable images and judge their labels.

    Args:
        root: Data folder, or another source.
        against: Another folder whose pictures must not be in `root`.
        look: That embeds; None leaves the labels unchecked.
        progress: Is told how it goes on.
        manifest: Look only at its rows in use, under their labels; None looks at the whole folder.
        engine: That decodes and measures; None for this machine.
        kept: Where a killed audit goes on; None keeps nothing.

    Raises:
        DataError: No images there, or the manifest is of another folder.
    """
    dataset = Dataset.open(root, manifest, progress)
    other = Dataset.open(against) if against else None
    audited = audit(dataset.used_alone if manifest else dataset, other, progress, engine, kept)
    usable = [position for position, row in enumerate(audited.rows) if _is_usable(row)]
    rows = [audited.rows[position] for position in usable]
    if look is None or not rows:
        return _unasked(audited, rows)
    embeddings = look(audited.dataset.of(rows), progress)
    unjudged = too_few(rows)
    fit = [place for place, row in enumerate(rows) if row.label not in unjudged]
    known = _known(dataset.rows) if manifest else {}
    if fit and all(rows[place].path in known for place in fit):
        audited = _with(audited, known)
    elif fit:
        progress.say("judging labels")
        audited = _judged(audited, [rows[place] for place in fit], embeddings[fit])
    return Findings(audited, usable, embeddings, unjudged)


def _unasked(audited: Audit, rows: Sequence[Row]) -> Findings:
    """Nobody looked: no label is judged."""
    not_judged = dict.fromkeys(sorted({row.label for row in rows}), "nobody asked")
    return Findings(audited, [], np.zeros((0, 0), np.float32), not_judged)


def _known(rows: Sequence[Row]) -> dict[str, Row]:
    """Rows of a manifest whose labels an audit has judged and nobody has changed since, by path."""
    return {
        row.path: row for row in rows if row.label_quality is not None and BY_HAND not in row.issues
    }


def _with(audited: Audit, known: Mapping[str, Row]) -> Audit:
    """The audit with the doubts that an earlier one has written into its manifest."""
    return _updated(audited, {row.path: _as_doubted(row, known) for row in audited.rows})


def _as_doubted(row: Row, known: Mapping[str, Row]) -> Row:
    old = known.get(row.path)
    return row if old is None else doubted(row, old.label_quality, old.suggested_label)


def _judged(audited: Audit, rows: Sequence[Row], embeddings: np.ndarray) -> Audit:
    """The audit with what a head that did not see them says of the labels of some rows."""
    judged = doubt_labels(rows, *out_of_fold_probabilities(embeddings, rows))
    return _updated(audited, {row.path: row for row in judged})


def _updated(audited: Audit, rows: Mapping[str, Row]) -> Audit:
    """The audit with some rows in the place of those of the same path."""
    told = audited.dataset.of(rows.get(row.path, row) for row in audited.rows)
    return replace(audited, dataset=told)


def _is_usable(row: Row) -> bool:
    """Whether it can be embedded, and has a label to doubt."""
    return bool(row.pixel_hash and row.label)
