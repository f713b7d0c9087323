"""The noise ceiling: how much of the error is doubtful labels, by confident learning on pictures that were not trained on."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from scenelet.bundle.figures import Interval
from scenelet.bundle.metrics import wilson_interval


@dataclass(frozen=True)
class Ceiling:
    """What the labels allow.

    Attributes:
        doubtful: Positions of the images whose label is probably wrong, most doubtful first.
        label_quality: (n,) probability that each label is right, to the model.
        accuracy: Best that one can expect under these labels: the part that is not doubtful. An
            estimate by the model itself, which takes its own confident errors for wrong labels:
            rather a lower end.
        errors_doubtful: Part of the model's errors whose label is doubtful; None where it makes
            none.
    """

    doubtful: list[int]
    label_quality: np.ndarray
    accuracy: Interval
    errors_doubtful: float | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the images' own figures."""
        values = asdict(self)
        return {
            "doubtful_labels": len(values.pop("doubtful")),
            **{k: v for k, v in values.items() if k != "label_quality"},
        }


def noise_ceiling(labels: np.ndarray, probabilities: np.ndarray) -> Ceiling | None:
    """Estimate the ceiling.

    None where there is too little to judge: under two classes, or under five images of one.

    Args:
        labels: (n,) given class indices of images that were not trained on.
        probabilities: (n, classes), calibrated.

    Source: Northcutt et al. 2021, by cleanlab.
    """
    from cleanlab.filter import find_label_issues

    present, counts = np.unique(labels, return_counts=True)
    quality = probabilities[np.arange(len(labels)), labels]
    if len(present) < 2 or counts.min() < 5:
        return None
    own = np.searchsorted(present, labels)  # cleanlab wants every class to occur
    shares = probabilities[:, present] / np.maximum(
        probabilities[:, present].sum(1, keepdims=True), 1e-12
    )
    found = find_label_issues(
        own, shares, filter_by="both", return_indices_ranked_by="self_confidence", n_jobs=1
    )
    doubtful = [int(position) for position in found]
    wrong = probabilities.argmax(1) != labels
    both = np.isin(np.flatnonzero(wrong), doubtful)
    return Ceiling(
        doubtful=doubtful,
        label_quality=quality,
        accuracy=wilson_interval(len(labels) - len(doubtful), len(labels)),
        errors_doubtful=float(both.mean()) if wrong.any() else None,
    )
