"""Likely wrong labels, ranked: confident learning on out-of-fold predictions of a linear head."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scenelet.dataset.row import Row
from scenelet.dataset.split import assign_folds

FOLDS = 5


def out_of_fold_probabilities(
    embeddings: np.ndarray, rows: Sequence[Row], seed: int = 0
) -> tuple[np.ndarray, list[str]]:
    """Each image's class probabilities by a linear head that saw neither it nor its equals.

    Args:
        embeddings: (n, features).
        rows: Their rows; equal pixel hashes share a fold.
        seed: Of the folds.

    Returns:
        (n, classes) probabilities, and the class names in their order.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    names = sorted({row.label for row in rows})
    labels = np.array([names.index(row.label) for row in rows])
    folds = np.array(assign_folds(rows, FOLDS, seed))
    probabilities = np.zeros((len(rows), len(names)))
    for fold in range(FOLDS):
        inside, outside = folds == fold, folds != fold
        head = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
        head.fit(embeddings[outside], labels[outside])
        probabilities[np.ix_(inside, head.classes_)] = head.predict_proba(embeddings[inside])
    return probabilities, names


def doubt_labels(rows: Sequence[Row], probabilities: np.ndarray, names: Sequence[str]) -> list[Row]:
    """Write into each row how likely its label is right.

    Where confident learning doubts it, also the label it suggests.

    Args:
        rows: Images, one a row of `probabilities`.
        probabilities: (n, classes) out of fold.
        names: Class names in their order.

    Source: Northcutt et al. 2021, by cleanlab.
    """
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    labels = np.array([list(names).index(row.label) for row in rows])
    quality = get_label_quality_scores(labels, probabilities, method="self_confidence")
    doubtful = find_label_issues(labels, probabilities, filter_by="both", n_jobs=1)
    return [
        replace(
            row,
            label_quality=round(float(score), 4),
            suggested_label=names[int(answer.argmax())] if doubted else "",
            issues=(*row.issues, "doubtful label") if doubted else row.issues,
        )
        for row, score, answer, doubted in zip(rows, quality, probabilities, doubtful, strict=True)
    ]


def ranked(rows: Sequence[Row]) -> list[int]:
    """Positions from the least to the most believable label."""
    judged = [position for position, row in enumerate(rows) if row.label_quality is not None]
    return sorted(judged, key=lambda position: (rows[position].label_quality, rows[position].path))
