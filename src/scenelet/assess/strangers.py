"""Pictures of none of the classes: how well a score tells them, and from where on it should say so.

Pure numpy.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scenelet.bundle.figures import Scale, StrangerFigures
from scenelet.bundle.numeric import FeatureSpace, energies, fit_feature_space
from scenelet.bundle.scores import BOTH, DISTANCE, ENERGY

FALSE_ALARMS = 0.05
MOST_LEFT_OUT = 10  # classes tried as strangers
FEW = 3  # images of a class under which it is not tried


@dataclass(frozen=True)
class Space:
    """What scores are computed with.

    Attributes:
        features: Where the training pictures lie.
        temperature: Of the bundle.
        scales: Of distance and energy on pictures of the classes.
    """

    features: FeatureSpace
    temperature: float
    scales: Mapping[str, Scale]

    def scores(self, score: str, logits: np.ndarray, features: np.ndarray) -> np.ndarray:
        """(n,) of a score by its name; higher is stranger.

        Args:
            score: One of `STRANGER_SCORES`.
            logits: (n, classes).
            features: (n, features).
        """
        parts = {
            DISTANCE: self.features.distances(features),
            ENERGY: energies(logits, self.temperature),
        }
        return combined(score, parts, self.scales)


def combined(
    score: str, parts: Mapping[str, np.ndarray], scales: Mapping[str, Scale]
) -> np.ndarray:
    """(n,) of a score by its name, from (n,) distances and energies."""
    if score != BOTH:
        return parts[score]
    alike = [(parts[name] - scale.mean) / scale.deviation for name, scale in scales.items()]
    return np.asarray(np.mean(alike, axis=0))


def scales_of(parts: Mapping[str, np.ndarray]) -> dict[str, Scale]:
    """Of distances and energies of pictures of the classes."""
    return {name: _scale_of(values) for name, values in parts.items()}


def _scale_of(values: np.ndarray) -> Scale:
    return Scale(round(float(values.mean()), 6), round(max(float(values.std()), 1e-6), 6))


def fit_space(
    training: np.ndarray, logits: np.ndarray, features: np.ndarray, temperature: float
) -> Space:
    """Fit what scores are computed with.

    Args:
        training: (m, features) of training images.
        logits: (n, classes) of images that were not trained on.
        features: (n, features) of these.
        temperature: Of the bundle.
    """
    space = fit_feature_space(training)
    parts = {DISTANCE: space.distances(features), ENERGY: energies(logits, temperature)}
    return Space(space, temperature, scales_of(parts))


def auroc(known: np.ndarray, strange: np.ndarray) -> float:
    """Probability that a stranger's score is over a known picture's, ties half.

    Source: Mann and Whitney 1947.
    """
    ordered = np.sort(known)
    below = np.searchsorted(ordered, strange, "left")
    not_above = np.searchsorted(ordered, strange, "right")
    return float((below + not_above).mean() / (2 * len(known)))


@dataclass(frozen=True)
class Labelled:
    """What a model says of labelled pictures.

    Attributes:
        labels: (n,) class indices.
        logits: (n, classes).
        features: (n, features).
    """

    labels: np.ndarray
    logits: np.ndarray
    features: np.ndarray

    def where(self, chosen: np.ndarray, classes: np.ndarray) -> "Labelled":
        """Some of the pictures, and of their logits some classes."""
        logits = self.logits[chosen][:, classes]
        return Labelled(self.labels[chosen], logits, self.features[chosen])


def left_out_auroc(
    scores: Sequence[str], known: Labelled, training: Labelled, temperature: float
) -> dict[str, float | None]:
    """How well scores tell real strangers: each class in turn, as if nobody had known it.

    The feature space is fitted without the class, and its logit is left away. The network learned
    the class, though, so these are kind figures. None where there are no three classes with enough
    pictures.

    Args:
        scores: Their names.
        known: Pictures that were not trained on.
        training: Pictures that were.
        temperature: Of the bundle.

    Returns:
        Mean AUROC by name of the score.
    """
    counts = np.bincount(known.labels, minlength=known.logits.shape[1])
    tried = np.flatnonzero(counts >= FEW)
    tried = tried[:: max(1, math.ceil(len(tried) / MOST_LEFT_OUT))]
    if len(counts) < 3 or not len(tried):
        return dict.fromkeys(scores)
    found = [_left_out(int(place), scores, known, training, temperature) for place in tried]
    return {name: float(np.mean([each[name] for each in found])) for name in scores}


def _left_out(
    place: int, scores: Sequence[str], known: Labelled, training: Labelled, temperature: float
) -> dict[str, float]:
    others = np.arange(known.logits.shape[1]) != place
    mine, theirs = (
        known.where(known.labels == place, others),
        known.where(known.labels != place, others),
    )
    seen = training.features[training.labels != place]
    space = fit_space(seen, theirs.logits, theirs.features, temperature)
    return {
        name: auroc(
            space.scores(name, theirs.logits, theirs.features),
            space.scores(name, mine.logits, mine.features),
        )
        for name in scores
    }


def stranger_figures(
    score: str,
    known: np.ndarray,
    strange: Mapping[str, np.ndarray],
    threshold: float | None = None,
    left_out: float | None = None,
) -> StrangerFigures:
    """Measure a score.

    Args:
        score: Its name.
        known: (n,) scores of pictures of the classes that were not trained on.
        strange: Kind -> scores.
        threshold: To measure; None fits one that `FALSE_ALARMS` of new known pictures exceed.
        left_out: See `left_out_auroc`.
    """
    threshold = alarm_threshold(known) if threshold is None else threshold
    return StrangerFigures(
        score=score,
        threshold=threshold,
        false_alarms=float((known > threshold).mean()),
        auroc={kind: auroc(known, values) for kind, values in strange.items()},
        told={kind: float((values > threshold).mean()) for kind, values in strange.items()},
        left_out=left_out,
    )


def alarm_threshold(known: np.ndarray) -> float:
    """The score that a new picture of the classes exceeds in at most `FALSE_ALARMS` of the cases.

    Of few pictures that is more than any of them shows: then the highest.
    """
    rank = math.ceil((len(known) + 1) * (1 - FALSE_ALARMS))
    highest = float(np.sort(known)[min(rank, len(known)) - 1])
    return math.ceil(highest * 1e5) / 1e5


def false_alarms_by_class(
    scores: np.ndarray, labels: np.ndarray, class_names: Sequence[str], threshold: float
) -> dict[str, float]:
    """Part of the pictures of each class that is over the threshold.

    Classes without one are left out.
    """
    return {
        name: float((scores[labels == place] > threshold).mean())
        for place, name in enumerate(class_names)
        if (labels == place).any()
    }
