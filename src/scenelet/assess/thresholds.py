"""When to answer, and with how many classes: abstaining and conformal prediction sets.

Pure numpy.
"""

import numpy as np

from scenelet.assess.calibrate import fit_temperature
from scenelet.bundle.figures import Promise, Wished
from scenelet.bundle.metrics import expected_calibration_error, wilson_interval
from scenelet.bundle.numeric import softmax

FOLDS = 10
NEVER_SURE = 1.1  # over every probability: who abstains below this answers nothing


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
    """The lowest confidence from which on answers are as accurate as wished.

    `NEVER_SURE` if no confidence suffices: then nothing is to be answered.
    """
    confidence, _, accuracy = risk_coverage(labels, probabilities)
    good = np.flatnonzero(accuracy >= wished_accuracy)
    return float(confidence[good[-1]]) if len(good) else NEVER_SURE


def conformal_thresholds(
    labels: np.ndarray, probabilities: np.ndarray, coverage: float
) -> np.ndarray:
    """(classes,) least probability with which a class belongs to the prediction set.

    Split conformal, class by class: of new images of a class, at least `coverage` have it in their
    set, on average over calibration sets, whatever the network. A class with too few images to
    promise that is in every set.

    Args:
        labels: (n,) of images that were not trained on.
        probabilities: (n, classes).
        coverage: Promised part, 0-1.

    Source: Vovk 2012 (by label), Sadinle et al. 2019 (least ambiguous sets).
    """
    thresholds = np.zeros(probabilities.shape[1])
    for index in range(len(thresholds)):
        own = np.sort(probabilities[labels == index, index])
        rank = int(np.floor((len(own) + 1) * (1 - coverage) + 1e-9))
        thresholds[index] = own[rank - 1] if rank >= 1 else 0.0
    return thresholds


def prediction_sets(probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """(n, classes) bool: which classes belong to each image's set.

    It may be empty, and may hold several.
    """
    return probabilities >= thresholds


def measure_promise(
    labels: np.ndarray,
    probabilities: np.ndarray,
    thresholds: np.ndarray,
    abstain_below: np.ndarray | float,
    wished: Wished,
) -> Promise:
    """Measure thresholds.

    Args:
        labels: (n,) class indices.
        probabilities: (n, classes).
        thresholds: (classes,) or (n, classes), of the prediction sets.
        abstain_below: Least confidence of an answer; one, or one an image.
        wished: Accuracy of the answers, and coverage of the sets, as promised.
    """
    sets = prediction_sets(probabilities, thresholds)
    answered = probabilities.max(1) >= abstain_below
    right = probabilities.argmax(1) == labels
    return Promise(
        images=len(labels),
        expected_calibration_error=expected_calibration_error(labels, probabilities),
        wished=wished,
        answered=float(answered.mean()),
        accuracy_answered=wilson_interval(int((right & answered).sum()), int(answered.sum())),
        coverage=wilson_interval(int(sets[np.arange(len(labels)), labels].sum()), len(labels)),
        mean_set_size=float(sets.sum(1).mean()),
        single=float((sets.sum(1) == 1).mean()),
    )


def cross_fitted(labels: np.ndarray, logits: np.ndarray, wished: Wished, seed: int = 0) -> Promise:
    """Measure temperature and thresholds on images that they were not fitted on, though all images serve both ends in turn.

    Each of ten parts is judged by what the other nine give.

    Args:
        labels: (n,) class indices.
        logits: (n, classes).
        wished: Accuracy of the answers, and coverage of the sets.
        seed: Of the parts.
    """
    count, classes = logits.shape
    part = np.random.default_rng(seed).permutation(count) % min(FOLDS, count)
    probabilities, thresholds = np.zeros((count, classes)), np.zeros((count, classes))
    floors = np.zeros(count)
    for index in np.unique(part):
        inside, outside = part == index, part != index
        temperature = fit_temperature(logits[outside], labels[outside]) if outside.any() else 1.0
        probabilities[inside] = softmax(logits[inside], temperature)
        fitted = softmax(logits[outside], temperature)
        thresholds[inside] = conformal_thresholds(labels[outside], fitted, wished.coverage)
        floors[inside] = abstain_threshold(labels[outside], fitted, wished.accuracy)
    return measure_promise(labels, probabilities, thresholds, floors, wished)
