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
CHANCE_DRAWS = 100


def wilson_interval(successes: float, images: float, family: float = 1.0) -> Interval:
    """95 % score interval of a proportion.

    Right for small counts and at 0 and 1, where +- one standard error is not.

    Args:
        successes: Of the images.
        images: How many.
        family: Images that say the same, on average; so many fewer say something.

    Source: Wilson 1927; Kish 1965 for the effect of families.
    """
    if images == 0:
        return Interval(None, 0.0, 1.0)
    share, z2, total = successes / images, Z_95**2, images / family
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = (
        Z_95 / (1 + z2 / total) * float(np.sqrt(share * (1 - share) / total + z2 / (4 * total**2)))
    )
    return Interval(share, max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share)))


def paired_difference(first_right: np.ndarray, second_right: np.ndarray) -> Interval:
    """Accuracy of the second less that of the first on the same images, -1 to 1.

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


def error_by_chance(probabilities: np.ndarray, seed: int = 0) -> float:
    """The calibration error that a perfectly honest model shows on as many images: it is never 0.

    Args:
        probabilities: (n, classes); an answer is right as often as its confidence says.
        seed: Of the draws.
    """
    rng, answers = np.random.default_rng(seed), probabilities.argmax(1)
    errors = []
    for _ in range(CHANCE_DRAWS):
        right = rng.random(len(answers)) < probabilities.max(1)
        labels = np.where(right, answers, -1)
        errors.append(expected_calibration_error(labels, probabilities))
    return float(np.mean(errors))


def class_mean_interval(values: np.ndarray, images: np.ndarray, family: float = 1.0) -> Interval:
    """The mean over classes of a part of each, such as recall, with its 95 % interval.

    Wilson's, of as many images as would give all classes together the same variance: a class
    without an error is not taken for one that has none. Rather wide where classes differ much.

    Args:
        values: (classes,) 0-1.
        images: (classes,) that each is a part of; at least 1.
        family: As for `wilson_interval`.
    """
    if not len(values):
        return Interval(None, 0.0, 1.0)
    mean, worth = float(values.mean()), len(images) ** 2 / float((1 / images).sum())
    return wilson_interval(mean * worth, worth, family)


def balanced_accuracy(matrix: np.ndarray, family: float = 1.0) -> Interval:
    """Mean recall of the classes that are present, from the (classes, classes) matrix."""
    images, hits = matrix.sum(1), matrix.diagonal()
    present = images > 0
    return class_mean_interval(hits[present] / images[present], images[present], family)


def macro_f1(matrix: np.ndarray, family: float = 1.0) -> Interval:
    """Mean F1 of the classes that are present or were answered, from the matrix."""
    halves = (matrix.sum(0) + matrix.sum(1)) / 2
    some = halves > 0
    return class_mean_interval(matrix.diagonal()[some] / halves[some], halves[some], family)


def log_loss_interval(
    labels: np.ndarray,
    probabilities: np.ndarray,
    kin: Sequence[str] | None = None,
    seed: int = 0,
) -> Interval:
    """Log loss with its 95 % percentile interval over 1,000 resamples of the images.

    Args:
        labels: (n,) class indices.
        probabilities: (n, classes).
        kin: (n,) what is weighed alike, as copies of a picture are; None: each image is its own.
        seed: Of the resamples.

    Source: Rubin 1981 (Bayesian bootstrap).
    """
    losses = -np.log(np.clip(probabilities[np.arange(len(labels)), labels], 1e-15, 1))
    owner = family_of(len(labels), kin)
    families, rng = np.bincount(owner), np.random.default_rng(seed)
    sums = np.bincount(owner, losses)  # of each family
    draws = []
    for _ in range(BOOTSTRAP_RESAMPLES):
        weights = rng.exponential(size=len(sums))
        draws.append(float(weights @ sums / (weights @ families)))
    low, high = np.percentile(draws, [2.5, 97.5])
    value = float(losses.mean())
    return Interval(value, min(float(low), value), max(float(high), value))


def family_of(count: int, kin: Sequence[str] | None) -> np.ndarray:
    """(n,) number of each image's family; each is its own where nothing is known."""
    return np.arange(count) if kin is None else np.unique(kin, return_inverse=True)[1]


def mean_family(kin: Sequence[str] | None) -> float:
    """Size of the family that an image is in, on average over the images."""
    if kin is None:
        return 1.0
    sizes = np.unique(kin, return_counts=True)[1]
    return float((sizes**2).sum() / sizes.sum())


def evaluate(
    labels: np.ndarray,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    kin: Sequence[str] | None = None,
) -> Figures:
    """Compute all figures.

    Args:
        labels: (n,) class indices, n at least 1.
        probabilities: (n, classes).
        class_names: In the order of the probabilities.
        kin: (n,) what belongs together, as copies of a picture do, and counts once in intervals;
            None: each image is its own.

    Raises:
        ValueError: No images, or probabilities that are not finite.
    """
    if len(labels) == 0 or not np.isfinite(probabilities).all():
        raise ValueError("no images, or probabilities that are not finite")
    matrix = confusion_matrix(labels, probabilities.argmax(1), len(class_names))
    family = mean_family(kin)
    per_class = {
        name: _class_figures(matrix, index, family) for index, name in enumerate(class_names)
    }
    return Figures(
        images=len(labels),
        top1_accuracy=wilson_interval(int(matrix.trace()), len(labels), family),
        balanced_accuracy=balanced_accuracy(matrix, family),
        macro_f1=macro_f1(matrix, family),
        log_loss=log_loss_interval(labels, probabilities, kin),
        expected_calibration_error=expected_calibration_error(labels, probabilities),
        by_chance=error_by_chance(probabilities),
        per_class=per_class,
        confusion=_confusion(matrix, class_names),
    )


def _confusion(matrix: np.ndarray, names: Sequence[str]) -> Confusion:
    """What happened, by name."""
    found: Confusion = {}
    for true, answer in zip(*matrix.nonzero(), strict=True):
        found.setdefault(names[true], {})[names[answer]] = int(matrix[true, answer])
    return found


def _class_figures(matrix: np.ndarray, index: int, family: float) -> ClassFigures:
    hits, predicted, present = (
        int(matrix[index, index]),
        int(matrix[:, index].sum()),
        int(matrix[index].sum()),
    )
    f1 = 2 * hits / (predicted + present) if predicted + present else 0.0
    return ClassFigures(
        precision=wilson_interval(hits, predicted, family),
        recall=wilson_interval(hits, present, family),
        f1=f1,
        images=present,
    )
