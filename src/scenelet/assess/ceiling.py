"""Doubtful labels.

How much of the error they may be, by confident learning on pictures that were not trained on.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

ABLE = 0.8  # accuracy from which on a model's doubts say more of the labels than of the model


@dataclass(frozen=True)
class Ceiling:
    """What the labels may be to blame for.

    Attributes:
        doubtful: Positions of the images whose label is probably wrong, most doubtful first.
        label_quality: (n,) probability that each label is right, to the model.
        errors: Of the model.
        errors_doubtful: Of these, how many have a doubtful label.
        accuracy: Of the model, by the labels as they are.
        accuracy_if_right: If the model were right wherever it errs and the label is doubtful: no
            more can be blamed on the labels. The model is judge in its own cause.
    """

    doubtful: list[int]
    label_quality: np.ndarray
    errors: int
    errors_doubtful: int
    accuracy: float
    accuracy_if_right: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the images' own figures."""
        return {
            "doubtful_labels": len(self.doubtful),
            "errors": self.errors,
            "errors_doubtful": self.errors_doubtful,
            "accuracy": self.accuracy,
            "accuracy_if_right": self.accuracy_if_right,
        }


def noise_ceiling(labels: np.ndarray, probabilities: np.ndarray) -> Ceiling | None:
    """Judge the labels.

    None where that says nothing: under two classes, under five images of one, or by a model that
    is right in less than `ABLE`.

    Args:
        labels: (n,) given class indices of images that were not trained on.
        probabilities: (n, classes), calibrated.

    Source: Northcutt et al. 2021, by cleanlab.
    """
    present, counts = np.unique(labels, return_counts=True)
    wrong = np.flatnonzero(probabilities.argmax(1) != labels)
    accuracy = 1 - len(wrong) / len(labels)
    if len(present) < 2 or counts.min() < 5 or accuracy < ABLE:
        return None
    doubtful = _doubtful(np.searchsorted(present, labels), probabilities[:, present])
    blamed = int(np.isin(wrong, doubtful).sum())
    return Ceiling(
        doubtful=doubtful,
        label_quality=probabilities[np.arange(len(labels)), labels],
        errors=len(wrong),
        errors_doubtful=blamed,
        accuracy=accuracy,
        accuracy_if_right=accuracy + blamed / len(labels),
    )


def _doubtful(labels: np.ndarray, probabilities: np.ndarray) -> list[int]:
    """Positions, most doubtful first; every class must occur, as cleanlab wants it."""
    from cleanlab.filter import find_label_issues

    shares = probabilities / np.maximum(probabilities.sum(1, keepdims=True), 1e-12)
    found = find_label_issues(
        labels, shares, filter_by="both", return_indices_ranked_by="self_confidence", n_jobs=1
    )
    return [int(position) for position in found]
