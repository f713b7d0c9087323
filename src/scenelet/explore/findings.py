"""Investigate a folder: the audit, embeddings of its images, and doubts about their labels.

What both reports are made of.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from scenelet.answers import ask, open_bundle
from scenelet.dataset.audit import Audit, audit
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.row import Row
from scenelet.dataset.source import Source
from scenelet.explore.labels import FOLDS, doubt_labels, out_of_fold_probabilities
from scenelet.progress import SILENT, Progress

Look = Callable[[Dataset, Progress], np.ndarray]  # examined pictures to (n, features)


@dataclass(frozen=True)
class Findings:
    """An audit with embeddings and doubts.

    Attributes:
        audit: Its rows carry the doubts.
        embedded: Positions of the rows that have an embedding.
        embeddings: (n, features) of those; of no rows where labels were not checked.
    """

    audit: Audit
    embedded: list[int]
    embeddings: np.ndarray

    @property
    def rows(self) -> tuple[Row, ...]:
        """One an image."""
        return self.audit.rows

    def summary(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "images": len(self.rows),
            "classes": dict(sorted(Counter(row.label for row in self.rows).items())),
            "splits": dict(sorted(Counter(row.split or "unassigned" for row in self.rows).items())),
            "excluded": sum(1 for row in self.rows if row.excluded),
            "findings": self.audit.counts(),
            "issues": self.audit.issue_counts(),
            "folder": self.audit.folder_faults,
            "account": self.audit.dataset.account(),
            "passed_over": [
                {"path": entry.path, "reason": entry.reason}
                for entry in self.audit.dataset.passed_over
            ],
        }


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
) -> Findings:
    """Audit a folder, embed its usable images and judge their labels.

    Args:
        root: Data folder, or another source.
        against: Another folder whose pictures must not be in `root`.
        look: That embeds; None leaves the labels unchecked.
        progress: Is told how it goes on.
        manifest: Look only at its rows in use, under their labels; None looks at the whole folder.

    Raises:
        DataError: No images there, or the manifest is of another folder.
    """
    dataset = Dataset.open(root, manifest, progress)
    other = Dataset.open(against) if against else None
    audited = audit(dataset.used if manifest else dataset, other, progress)
    usable = [position for position, row in enumerate(audited.rows) if row.pixel_hash]
    rows = [audited.rows[position] for position in usable]
    if look is None or not _labels_can_be_judged(rows):
        return Findings(audited, [], np.zeros((0, 0), np.float32))
    embeddings = look(audited.dataset.of(rows), progress)
    progress.say("judging labels")
    judged = doubt_labels(rows, *out_of_fold_probabilities(embeddings, rows))
    by_path = {row.path: row for row in judged}
    told = audited.dataset.of(by_path.get(row.path, row) for row in audited.rows)
    return Findings(replace(audited, dataset=told), usable, embeddings)


def _labels_can_be_judged(rows: list[Row]) -> bool:
    """Two classes at least, and enough different pictures of each for every fold to see some."""
    pictures = Counter(label for label, _ in {(row.label, row.pixel_hash) for row in rows})
    return len(pictures) > 1 and min(pictures.values()) >= 2 * FOLDS
