"""The figures that a bundle states, as plain values.

How good, what is promised, strangers, parity, cost of shrinking.

Knows neither numpy nor how they are computed: `assess` and `export` do.
"""

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from scenelet.bundle.plain import Range, as_plain

if TYPE_CHECKING:
    from dataclasses import dataclass
else:  # the same, made quickly
    from scenelet.records import dataclass

Share = Annotated[float, Range(0, 1)]
Count = Annotated[int, Range(0)]
Measure = Annotated[float, Range(0)]
Confusion = dict[str, dict[str, Count]]


@dataclass(frozen=True)
class Interval:
    """A figure with its 95 % interval.

    Attributes:
        value: Observed; None where nothing was observed.
        low: Lower end.
        high: Upper end.
    """

    value: float | None
    low: float
    high: float

    @property
    def percent(self) -> str:
        """For people: "93.2% (91.7% to 94.4%)", as fine as the interval earns."""
        digits = self._digits(100)
        return self._told(lambda value: f"{value:.{digits}%}")

    @property
    def number(self) -> str:
        """For people: "0.219 (0.187 to 0.256)", as fine as the interval earns."""
        digits = self._digits(1)
        return self._told(lambda value: f"{value:.{digits}f}")

    @property
    def value_percent(self) -> str:
        """The value of `percent` alone."""
        return self.percent.split(" ")[0]

    def _told(self, written: Callable[[float], str]) -> str:
        if self.value is None:
            return "none"
        return f"{written(self.value)} ({written(self.low)} to {written(self.high)})"

    def _digits(self, scale: float) -> int:
        """Decimals of half the interval's width, one or two significant ones.

        Source: the rounding rule of the Particle Data Group (355 and 949), its first step.
        """
        half = scale * (self.high - self.low) / 2
        return min(4, max(0, -math.floor(math.log10(half / 3.55)))) if half > 0 else 1


def _calibration(error: float, by_chance: float | None) -> str:
    chance = "" if by_chance is None else f" (by chance alone {by_chance:.1%})"
    return f"{error:.1%}{chance}"


@dataclass(frozen=True)
class ClassFigures:
    """Of one class; `f1` is 0 where the class was neither present nor predicted."""

    precision: Interval
    recall: Interval
    f1: Share
    images: Count


@dataclass(frozen=True)
class Figures:
    """Figures of one model on one set of labelled images.

    Attributes:
        images: How many.
        top1_accuracy: Part answered rightly.
        balanced_accuracy: Mean recall of the classes that are present.
        macro_f1: Mean F1 of the classes that are present or were answered.
        log_loss: In nats.
        expected_calibration_error: 15 bins.
        by_chance: The calibration error that a perfectly honest model would show on as many images;
            None where nobody measured it.
        per_class: By class name, in the order of the logits.
        confusion: True class -> answer -> images; what never happened is left out.
    """

    images: Annotated[int, Range(1)]
    top1_accuracy: Interval
    balanced_accuracy: Interval
    macro_f1: Interval
    log_loss: Interval
    expected_calibration_error: Share
    per_class: dict[str, ClassFigures]
    confusion: Confusion
    by_chance: Share | None = None

    @property
    def calibration(self) -> str:
        """The calibration error, for people."""
        return _calibration(self.expected_calibration_error, self.by_chance)

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the logits."""
        return tuple(self.per_class)

    @property
    def confusion_matrix(self) -> list[list[int]]:
        """(classes, classes) counts; row = true class, column = answer."""
        names = self.class_names
        rows = (self.confusion.get(name, {}) for name in names)
        return [[row.get(name, 0) for name in names] for row in rows]

    @property
    def errors(self) -> list[tuple[str, str, int]]:
        """True class, wrong answer, and how often; the most frequent first."""
        found = [
            (true, answer, count)
            for true, answers in self.confusion.items()
            for answer, count in answers.items()
            if answer != true
        ]
        return sorted(found, key=lambda each: -each[2])

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the whole matrix."""
        values: dict[str, Any] = as_plain(self)
        del values["confusion"]
        return values | {
            "class_names": list(self.class_names),
            "confusion_matrix": self.confusion_matrix,
        }


@dataclass(frozen=True)
class Wished:
    """What a bundle is told to keep.

    Attributes:
        accuracy: Of the answers that it does not abstain from.
        coverage: Part of the pictures whose prediction set is to hold the true class.
    """

    accuracy: Share
    coverage: Share


@dataclass(frozen=True)
class PredictionSets:
    """Which classes are still possible.

    Attributes:
        thresholds: By class name: a class at least this probable belongs to the set. Empty: there
            are no sets.
        pooled: Classes that share one threshold, having too few held-out images for their own.
        why_none: Why there are no sets; "" where there are.
    """

    thresholds: dict[str, Share]
    pooled: tuple[str, ...]
    why_none: str


@dataclass(frozen=True)
class SetFigures:
    """What prediction sets keep.

    Attributes:
        coverage: Part of the images whose set holds the true class.
        mean_set_size: Classes a set.
        single: Part of the sets with exactly one class.
    """

    coverage: Interval
    mean_set_size: Measure
    single: Share


@dataclass(frozen=True)
class Promise:
    """What thresholds keep on images that they were not fitted on.

    Attributes:
        images: Measured on.
        expected_calibration_error: Of the probabilities.
        by_chance: The calibration error that a perfectly honest model would show on as many images;
            None where nobody measured it.
        wished: Accuracy of the answers, and coverage of the sets.
        answered: Part of the images answered.
        accuracy_answered: Of those; the interval says how sure.
        sets: What the prediction sets keep; None where there are none.
    """

    images: Count
    expected_calibration_error: Share
    wished: Wished
    answered: Share
    accuracy_answered: Interval
    sets: SetFigures | None
    by_chance: Share | None = None

    @property
    def calibration(self) -> str:
        """The calibration error, for people."""
        return _calibration(self.expected_calibration_error, self.by_chance)


@dataclass(frozen=True)
class Scale:
    """Of a score on pictures of the classes: what makes scores of different kinds comparable."""

    mean: float
    deviation: Annotated[float, Range(above=0)]


@dataclass(frozen=True)
class StrangerFigures:
    """How a score tells strangers from pictures of the classes.

    Attributes:
        score: Its name.
        threshold: Scores over this are called strangers.
        false_alarms: Part of the pictures of the classes that are over it.
        auroc: By kind of stranger: probability that a stranger scores over a picture of the
            classes.
        told: By kind of stranger: part of them that is over the threshold.
        left_out: Mean AUROC of real strangers: each class in turn, as if nobody had known it; None
            where that can't be tried.
    """

    score: str
    threshold: float
    false_alarms: Share
    auroc: dict[str, Share]
    told: dict[str, Share]
    left_out: Share | None = None

    @property
    def mean_auroc(self) -> float:
        """Over the kinds."""
        return sum(self.auroc.values()) / len(self.auroc)

    @property
    def merit(self) -> float:
        """What scores are compared by: painted strangers and left-out classes alike."""
        return self.mean_auroc if self.left_out is None else (self.mean_auroc + self.left_out) / 2

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with the mean."""
        values: dict[str, Any] = as_plain(self)
        return {**values, "mean_auroc": self.mean_auroc}


@dataclass(frozen=True)
class Parity:
    """How far the probabilities of checkpoint and exported models lie apart.

    Attributes:
        images: How many were compared, from their bytes.
        differences: By pair ("checkpoint - LiteRT"): largest difference of any class's probability.
    """

    images: Count
    differences: dict[str, Measure]

    @property
    def worst(self) -> float:
        """Of all pairs."""
        return max(self.differences.values())


@dataclass(frozen=True)
class Quantisation:
    """The quantised LiteRT model beside the float one, on the same validation images, in one run.

    Attributes:
        mode: "none", "fp16" or "int8".
        float_accuracy: Top-1 of the float model.
        accuracy: Top-1 of the model in the bundle.
        agreement: Part of the images on which both answer alike.
        size_ratio: Bytes of the bundle's model / of the float model.
        latency_ratio: Median milliseconds of the bundle's model / of the float model, one image,
            one thread.
        float_latency_ms: Median of the float model.
        latency_ms: Median of the bundle's model.
    """

    mode: str
    float_accuracy: Share
    accuracy: Share
    agreement: Share
    size_ratio: Measure
    latency_ratio: Measure
    float_latency_ms: Measure
    latency_ms: Measure


@dataclass(frozen=True)
class Seen:
    """What model inputs of pictures look like at least and at most.

    Beyond that there is nothing to see.

    Attributes:
        least_sharpness: Under it, a picture is of one colour.
        most_roughness: Over it, noise.
    """

    least_sharpness: Share
    most_roughness: Measure

    def shows_nothing(self, measures: Mapping[str, float]) -> bool:
        """Whether a picture of these measures is blank or noise."""
        blank = measures["sharpness"] < self.least_sharpness
        return blank or measures["roughness"] > self.most_roughness


@dataclass(frozen=True)
class Histogram:
    """How a measure is spread.

    Attributes:
        edges: That cut it into bins, ascending.
        shares: Of each bin, one more than edges.
    """

    edges: tuple[float, ...]
    shares: tuple[Share, ...]
