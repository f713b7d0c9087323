"""Figures from labels and probabilities, in numpy.

The tests check them against statsmodels, scikit-learn and torchmetrics.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scenelet.bundle.figures import ClassFigures, Confusion, Figures, Interval

Z_95 = 1.959963984540054
CALIBRATION_BINS = 15
BOOTSTRAP_RESAMPLES = 1000


def wilson_interval(successes: int, total: int) -> Interval:
    """95 % score interval of a proportion.

    Right for small counts and at 0 and 1, where +- one standard error is not.

    Source: Wilson 1927.
    """
    if total == 0:
        return Interval(None, 0.0, 1.0)
    share, z2 = successes / total, Z_95**2
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = (
        Z_95 / (1 + z2 / total) * float(np.sqrt(share * (1 - share) / total + z2 / (4 * total**2)))
    )
    return Interval(share, max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share)))


def paired_difference(first_right: np.ndarray, second_right: np.ndarray) -> Interval:
    """Accuracy of the second less that of the first on the same images, -1 to 1, with its 95 % interval.

    Args:
        first_right: (n,) bool, which images the first answered rightly.
        second_right: (n,) bool, the same of the second.

    Source: adjusted Wald interval for paired proportions, Bonett and Price 2012.
    """
    gained = int((second_right & ~first_right).sum())
    lost = int((first_right & ~second_right).sum())
    count = len(first_right)
    up, down = (gained + 1) / (count + 2), (lost + 1) / (count + 2)
    half = Z_95 * float(np.sqrt((up + down - (up - down) ** 2) / (count + 2)))
    return Interval(
        (gained - lost) / count, max(-1.0, up - down - half), min(1.0, up - down + half)
    )


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, class_count: int) -> np.ndarray:
    """(classes, classes) counts; row = true class, column = predicted class."""
    matrix = np.zeros((class_count, class_count), np.int64)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean negative log probability of the true class, in nats.

    Probabilities are kept above 1e-15.
    """
    return float(-np.log(np.clip(probabilities[np.arange(len(labels)), labels], 1e-15, 1)).mean())


@dataclass(frozen=True)
class CalibrationBin:
    """Answers of about the same confidence.

    Attributes:
        confidence: Mean.
        accuracy: Part of them that is right.
        images: How many.
    """

    confidence: float
    accuracy: float
    images: int


def calibration_bins(labels: np.ndarray, probabilities: np.ndarray) -> list[CalibrationBin]:
    """The bins of equal width that hold an answer; one on an edge belongs to the bin below it."""
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    place = np.clip(np.ceil(confidence * CALIBRATION_BINS) - 1, 0, CALIBRATION_BINS - 1)
    return [
        CalibrationBin(float(confidence[own].mean()), float(right[own].mean()), int(own.sum()))
        for own in (place == each for each in np.unique(place))
    ]


def expected_calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Mean distance between confidence and accuracy over the bins, weighted by images.

    Source: Guo et al. 2017.
    """
    bins = calibration_bins(labels, probabilities)
    gaps = sum(each.images * abs(each.accuracy - each.confidence) for each in bins)
    return gaps / len(labels)


def balanced_accuracy(matrix: np.ndarray) -> float:
    """Mean recall of the classes that are present, from the (classes, classes) matrix."""
    present = matrix.sum(1) > 0
    return float((matrix.diagonal()[present] / matrix.sum(1)[present]).mean())


def macro_f1(matrix: np.ndarray) -> float:
    """Mean F1 of the classes that are present or were answered, from the (classes, classes) matrix."""
    total = matrix.sum(0) + matrix.sum(1)
    return float((2 * matrix.diagonal()[total > 0] / total[total > 0]).mean())


def bootstrapped(
    labels: np.ndarray, probabilities: np.ndarray, seed: int = 0
) -> dict[str, Interval]:
    """Balanced accuracy, macro F1 and log loss with 95 % percentile intervals over 1,000 resamples of the images.

    Source: Efron 1979.
    """
    count, classes = probabilities.shape
    predicted = probabilities.argmax(1)
    losses = -np.log(np.clip(probabilities[np.arange(count), labels], 1e-15, 1))
    rng = np.random.default_rng(seed)
    draws = []
    for _ in range(BOOTSTRAP_RESAMPLES):
        chosen = rng.integers(0, count, count)
        matrix = np.bincount(
            labels[chosen] * classes + predicted[chosen], minlength=classes**2
        ).reshape(classes, classes)
        draws.append((balanced_accuracy(matrix), macro_f1(matrix), float(losses[chosen].mean())))
    matrix = confusion_matrix(labels, predicted, classes)
    observed = (balanced_accuracy(matrix), macro_f1(matrix), float(losses.mean()))
    low, high = np.percentile(draws, [2.5, 97.5], axis=0)
    names = ("balanced_accuracy", "macro_f1", "log_loss")
    return {
        name: Interval(value, min(float(a), value), max(float(b), value))
        for name, value, a, b in zip(names, observed, low, high, strict=True)
    }


def evaluate(labels: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str]) -> Figures:
    """Compute all figures.

    Args:
        labels: (n,) class indices, n at least 1.
        probabilities: (n, classes).
        class_names: In the order of the probabilities.

    Raises:
        ValueError: No images, or probabilities that are not finite.
    """
    if len(labels) == 0 or not np.isfinite(probabilities).all():
        raise ValueError("no images, or probabilities that are not finite")
    matrix = confusion_matrix(labels, probabilities.argmax(1), len(class_names))
    per_class = {name: _class_figures(matrix, index) for index, name in enumerate(class_names)}
    return Figures(
        images=len(labels),
        top1_accuracy=wilson_interval(int(matrix.trace()), len(labels)),
        **bootstrapped(labels, probabilities),
        expected_calibration_error=expected_calibration_error(labels, probabilities),
        per_class=per_class,
        confusion=_confusion(matrix, class_names),
    )


def _confusion(matrix: np.ndarray, names: Sequence[str]) -> Confusion:
    """What happened, by name."""
    found: Confusion = {}
    for true, answer in zip(*matrix.nonzero(), strict=True):
        found.setdefault(names[true], {})[names[answer]] = int(matrix[true, answer])
    return found


def _class_figures(matrix: np.ndarray, index: int) -> ClassFigures:
    hits, predicted, present = (
        int(matrix[index, index]),
        int(matrix[:, index].sum()),
        int(matrix[index].sum()),
    )
    f1 = 2 * hits / (predicted + present) if predicted + present else 0.0
    return ClassFigures(
        wilson_interval(hits, predicted), wilson_interval(hits, present), f1, present
    )
