"""Likely wrong labels, ranked: confident learning on out-of-fold predictions of a linear head."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from scenelet.dataset.row import Row
from scenelet.dataset.split import assign_folds
from scenelet.dataset.verdicts import DOUBTFUL

FOLDS = 5
ENOUGH = 2 * FOLDS  # different pictures of a class
_TOLERANCE = 1e-4  # of the gradient where the classes are at most _FEW; more share it
_FEW = 40


def too_few(rows: Sequence[Row]) -> dict[str, str]:
    """Classes whose labels can't be judged, each with the reason.

    Args:
        rows: Images that can be used.
    """
    pictures, groups = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for row in rows:
        pictures[row.label].add(row.pixel_hash)
        groups[row.label].add(row.kin)
    reasons = {}
    for name in sorted(pictures):
        if len(pictures[name]) < ENOUGH:
            reasons[name] = f"{len(pictures[name])} different pictures, {ENOUGH} needed"
        elif len(groups[name]) < FOLDS:
            reasons[name] = f"{len(groups[name])} series of like pictures, {FOLDS} needed"
    if len(pictures) - len(reasons) == 1:
        alone = "no other class has enough pictures" if reasons else "there is no other class"
        reasons = {name: reasons.get(name, alone) for name in sorted(pictures)}
    return reasons


def out_of_fold_probabilities(
    embeddings: np.ndarray, rows: Sequence[Row], seed: int = 0
) -> tuple[np.ndarray, list[str]]:
    """Each image's class probabilities by a linear head that saw neither it nor its equals.

    Args:
        embeddings: (n, features).
        rows: Their rows, of classes that are not `too_few`; what belongs together shares a fold.
        seed: Of the folds.

    Returns:
        (n, classes) probabilities, and the class names in their order.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    names = sorted({row.label for row in rows})
    labels = _places(rows, names)
    folds = np.array(assign_folds(rows, FOLDS, seed))
    probabilities = np.zeros((len(rows), len(names)))
    tolerance = _TOLERANCE * max(1, len(names) / _FEW)
    for fold in range(FOLDS):
        inside, outside = folds == fold, folds != fold
        regression = LogisticRegression(C=0.01, max_iter=300, tol=tolerance)
        head = make_pipeline(StandardScaler(), regression)
        head.fit(embeddings[outside], labels[outside])
        probabilities[np.ix_(inside, head.classes_)] = head.predict_proba(embeddings[inside])
    return probabilities, names


def _places(rows: Sequence[Row], names: Sequence[str]) -> np.ndarray:
    """(n,) place of each row's label among the names."""
    place_of = {name: place for place, name in enumerate(names)}
    return np.array([place_of[row.label] for row in rows])


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

    labels = _places(rows, names)
    quality = get_label_quality_scores(labels, probabilities, method="self_confidence")
    doubtful = find_label_issues(labels, probabilities, filter_by="both", n_jobs=1)
    return [
        doubted(row, round(float(score), 4), names[int(answer.argmax())] if is_doubtful else "")
        for row, score, answer, is_doubtful in zip(
            rows, quality, probabilities, doubtful, strict=True
        )
    ]


def doubted(row: Row, quality: float | None, suggested: str) -> Row:
    """The row with how likely its label is right, and the label suggested in its place, or ""."""
    judged = replace(row, label_quality=quality, suggested_label=suggested)
    return judged.with_issue(DOUBTFUL) if suggested else judged


def ranked(rows: Sequence[Row]) -> list[int]:
    """Positions from the least to the most believable label."""
    judged = [position for position, row in enumerate(rows) if row.label_quality is not None]
    return sorted(judged, key=lambda position: (rows[position].label_quality, rows[position].path))
