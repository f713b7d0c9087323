"""When to answer, and with how many classes: abstaining and conformal prediction sets.

Needs numpy, and scipy for intervals.
"""

import math
from collections.abc import Sequence

import numpy as np

from scenelet.assess.calibrate import fit_temperature
from scenelet.bundle.figures import PredictionSets, Promise, SetFigures, Wished
from scenelet.bundle.metrics import (
    error_by_chance,
    expected_calibration_error,
    family_of,
    wilson_interval,
)
from scenelet.bundle.numeric import softmax

FOLDS = 10
NEVER_SURE = 1.1  # over every probability: who abstains below this answers nothing
SURENESS = 0.9  # with which a threshold keeps its promise
LEVELS = (0.98, 0.95, 0.9, 0.8)  # of accuracy, tried in turn where nobody wished one


def risk_coverage(
    labels: np.ndarray, probabilities: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Accuracy on the most confident part, for every size of that part.

    Returns:
        Confidences from high to low, the coverage (part of the images answered) down to each, and
        the accuracy there.
    """
    confidence = probabilities.max(1)
    order = np.argsort(-confidence, kind="stable")
    right = (probabilities.argmax(1) == labels)[order]
    answered = np.arange(1, len(labels) + 1)
    return confidence[order], answered / len(labels), np.cumsum(right) / answered


def abstain_threshold(
    labels: np.ndarray, probabilities: np.ndarray, wished_accuracy: float
) -> float:
    """The lowest confidence from which on answers can be promised to be as accurate as wished.

    Promised: the lower end of a one-sided 90 % interval (Clopper and Pearson 1934) of the accuracy
    above it keeps the wish. Answers of equal confidence are taken or left together. `NEVER_SURE`
    if no confidence suffices: then nothing is to be answered.

    Args:
        labels: (n,) of images that were not trained on.
        probabilities: (n, classes).
        wished_accuracy: Of the answers given, 0-1.

    Source: after Angelopoulos et al. 2021 (learn then test), without their correction for the
    many thresholds looked at, which hang together closely.
    """
    confidence, _, accuracy = risk_coverage(labels, probabilities)
    answered = np.arange(1, len(labels) + 1)
    next_is_lower = np.append(confidence[1:] < confidence[:-1], True)[: len(labels)]
    shown = _lower_end(accuracy * answered, answered) >= wished_accuracy
    good = np.flatnonzero(shown & next_is_lower)
    return float(confidence[good[-1]]) if len(good) else NEVER_SURE


def _lower_end(right: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Of the one-sided interval of each proportion."""
    from scipy.stats import beta

    ends = beta.ppf(1 - SURENESS, np.round(right), total - np.round(right) + 1)
    return np.asarray(np.nan_to_num(ends))  # none right: no end


def promised_accuracy(
    labels: np.ndarray,
    probabilities: np.ndarray,
    wished: float | None,
    kin: Sequence[str] | None = None,
) -> float:
    """The accuracy to keep: as wished; else the most of `LEVELS` that these images can show.

    Shown by all of them and by nine tenths of them, whichever tenth is left out: the promise is
    measured so, and what a handful of images decides would be measured as hardly ever answering.
    Nobody wished, and none can be shown so: the least that all of them show, or the most, which is
    then never reached.
    """
    if wished is not None:
        return wished
    part = _parts(len(labels), kin, seed=0)
    for level in LEVELS:
        rests = (part != index for index in (-1, *np.unique(part)))
        if all(_shows(labels[rest], probabilities[rest], level) for rest in rests):
            return level
    shown = [level for level in LEVELS if _shows(labels, probabilities, level)]
    return shown[-1] if shown else LEVELS[0]


def _shows(labels: np.ndarray, probabilities: np.ndarray, level: float) -> bool:
    return abstain_threshold(labels, probabilities, level) <= 1


def least_images(coverage: float) -> int:
    """Images of a class (or group of classes) from which on its sets can promise a coverage."""
    return math.ceil(1 / (1 - coverage) - 1e-9) - 1


def conformal_thresholds(
    labels: np.ndarray, probabilities: np.ndarray, coverage: float
) -> tuple[np.ndarray, list[int]]:
    """Least probability with which each class belongs to the prediction set.

    Split conformal, class by class: of new images of a class, at least `coverage` have it in their
    set, on average over calibration sets, whatever the network. Classes with too few images to
    promise that share one threshold, the smallest first until there are enough; of these the
    promise holds together.

    Args:
        labels: (n,) of images that were not trained on.
        probabilities: (n, classes).
        coverage: Promised part, 0-1.

    Returns:
        (classes,) thresholds, 0 where even all classes together are too few, and the classes that
        share one.

    Source: Vovk 2012 (by label, or by groups of labels), Sadinle et al. 2019 (least ambiguous
    sets).
    """
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    pooled = _pooled(counts, least_images(coverage))
    thresholds = np.zeros(len(counts))
    groups = [np.array([each]) for each in range(len(counts)) if each not in set(pooled)]
    for group in [*groups, np.array(pooled, int)]:
        own = np.isin(labels, group)
        thresholds[group] = _threshold(probabilities[own, labels[own]], coverage)
    return thresholds, pooled


def _pooled(counts: np.ndarray, least: int) -> list[int]:
    """Classes that share a threshold: the smallest, until they have enough images together."""
    pooled: list[int] = []
    for index in np.argsort(counts, kind="stable"):
        enough_together = not pooled or counts[pooled].sum() >= least
        if counts[index] >= least and enough_together:
            break
        pooled.append(int(index))
    return sorted(pooled)


def _threshold(scores: np.ndarray, coverage: float) -> float:
    """The probability of the true class that at least `coverage` of new images exceed."""
    rank = int(np.floor((len(scores) + 1) * (1 - coverage) + 1e-9))
    return float(np.sort(scores)[rank - 1]) if rank >= 1 else 0.0


def fit_sets(
    labels: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str], coverage: float
) -> PredictionSets:
    """Prediction sets for a bundle, or the reason why there are none."""
    least = least_images(coverage)
    if len(labels) < least:
        why = (
            f"{len(labels):,} held-out images are too few to rule a class out with {coverage:.0%};"
            f" {least} are needed, and {least} a class to promise it of each class"
        )
        return PredictionSets({}, (), why)
    thresholds, pooled = conformal_thresholds(labels, probabilities, coverage)
    named = dict(zip(class_names, map(float, thresholds), strict=True))
    return PredictionSets(named, tuple(class_names[place] for place in pooled), "")


def prediction_sets(probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """(n, classes) bool: which classes belong to each image's set.

    It may be empty, and may hold several.
    """
    return probabilities >= thresholds


def measure_promise(
    labels: np.ndarray,
    probabilities: np.ndarray,
    thresholds: np.ndarray | None,
    abstain_below: np.ndarray | float,
    wished: Wished,
) -> Promise:
    """Measure thresholds.

    Args:
        labels: (n,) class indices.
        probabilities: (n, classes).
        thresholds: (classes,) or (n, classes), of the prediction sets; None where there are none.
        abstain_below: Least confidence of an answer; one, or one an image.
        wished: Accuracy of the answers, and coverage of the sets, as promised.
    """
    answered = probabilities.max(1) >= abstain_below
    right = probabilities.argmax(1) == labels
    return Promise(
        images=len(labels),
        expected_calibration_error=expected_calibration_error(labels, probabilities),
        by_chance=error_by_chance(probabilities),
        wished=wished,
        answered=float(answered.mean()),
        accuracy_answered=wilson_interval(int((right & answered).sum()), int(answered.sum())),
        sets=None if thresholds is None else _measure_sets(labels, probabilities, thresholds),
    )


def _measure_sets(
    labels: np.ndarray, probabilities: np.ndarray, thresholds: np.ndarray
) -> SetFigures:
    sets = prediction_sets(probabilities, thresholds)
    held = sets[np.arange(len(labels)), labels]
    return SetFigures(
        coverage=wilson_interval(int(held.sum()), len(labels)),
        mean_set_size=float(sets.sum(1).mean()),
        single=float((sets.sum(1) == 1).mean()),
    )


def cross_fitted(
    labels: np.ndarray,
    logits: np.ndarray,
    wished: Wished,
    kin: Sequence[str] | None = None,
    seed: int = 0,
) -> Promise:
    """Measure temperature and thresholds on images that they were not fitted on, in turn.

    Each of ten parts is judged by what the other nine give.

    Args:
        labels: (n,) class indices.
        logits: (n, classes).
        wished: Accuracy of the answers, and coverage of the sets.
        kin: (n,) what must stay in one part, such as the pictures of a series; None: each image is
            its own.
        seed: Of the parts.
    """
    part = _parts(len(labels), kin, seed)
    probabilities, thresholds = np.zeros(logits.shape), np.zeros(logits.shape)
    floors = np.zeros(len(labels))
    for index in np.unique(part):
        inside, outside = part == index, part != index
        temperature = fit_temperature(logits[outside], labels[outside]) if outside.any() else 1.0
        probabilities[inside] = softmax(logits[inside], temperature)
        fitted = softmax(logits[outside], temperature)
        thresholds[inside], _ = conformal_thresholds(labels[outside], fitted, wished.coverage)
        floors[inside] = abstain_threshold(labels[outside], fitted, wished.accuracy)
    can_rule_out = len(labels) >= least_images(wished.coverage)
    return measure_promise(
        labels, probabilities, thresholds if can_rule_out else None, floors, wished
    )


def _parts(count: int, kin: Sequence[str] | None, seed: int) -> np.ndarray:
    """(n,) which of ten parts each image is in."""
    owner = family_of(count, kin)
    families = int(owner.max()) + 1
    part = np.random.default_rng(seed).permutation(families) % min(FOLDS, families)
    return np.asarray(part[owner])
