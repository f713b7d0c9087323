"""Pictures of none of the classes: how well a score tells them, and from where on it should say so.

Pure numpy.
"""

from collections.abc import Mapping

import numpy as np

from scenelet.bundle.figures import StrangerFigures
from scenelet.bundle.numeric import FeatureSpace, energies

FALSE_ALARMS = 0.05


def stranger_scores(
    score: str, logits: np.ndarray, features: np.ndarray, space: FeatureSpace, temperature: float
) -> np.ndarray:
    """(n,) of a score by its name; higher is stranger."""
    return energies(logits, temperature) if score == "energy" else space.distances(features)


def auroc(known: np.ndarray, strange: np.ndarray) -> float:
    """Probability that a stranger's score is over a known picture's, ties half (Mann and Whitney 1947)."""
    ordered = np.sort(known)
    below, not_above = (
        np.searchsorted(ordered, strange, "left"),
        np.searchsorted(ordered, strange, "right"),
    )
    return float((below + not_above).mean() / (2 * len(known)))


def stranger_figures(
    score: str, known: np.ndarray, strange: Mapping[str, np.ndarray], threshold: float | None = None
) -> StrangerFigures:
    """Measure a score.

    Args:
        score: Its name.
        known: (n,) scores of pictures of the classes that were not trained on.
        strange: Kind -> scores.
        threshold: To measure; None fits one that `FALSE_ALARMS` of the known pictures exceed.
    """
    threshold = float(np.quantile(known, 1 - FALSE_ALARMS)) if threshold is None else threshold
    return StrangerFigures(
        score=score,
        threshold=round(threshold, 5),
        false_alarms=float((known > threshold).mean()),
        auroc={kind: auroc(known, values) for kind, values in strange.items()},
        told={kind: float((values > threshold).mean()) for kind, values in strange.items()},
    )
