"""Pairs of classes that are taken for one another."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from scenelet.bundle.figures import Figures


@dataclass(frozen=True)
class Pair:
    """Two classes and the errors between them.

    Attributes:
        classes: Their names.
        errors: How many, in both directions.
        share: Of all errors, 0-1.
    """

    classes: tuple[str, str]
    errors: int
    share: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "classes": list(self.classes),
            "errors": self.errors,
            "share_of_all_errors": self.share,
        }


def confusable_pairs(figures: Figures) -> list[Pair]:
    """Pairs of classes by how many of the errors lie between them, most first."""
    matrix, names = np.array(figures.confusion_matrix), figures.class_names
    errors = np.triu(matrix + matrix.T, 1)
    total = max(1, int(errors.sum()))
    found = [
        Pair((names[first], names[second]), int(count), float(count / total))
        for first, second in np.argwhere(errors)
        for count in (errors[first, second],)
    ]
    return sorted(found, key=lambda pair: -pair.errors)
