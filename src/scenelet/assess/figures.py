"""Charts of an evaluation, drawn with matplotlib. Each returns a figure; knows nothing of HTML."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from scenelet.assess.robustness import CORRUPTIONS, STRENGTHS, Robustness
from scenelet.bundle.figures import ClassFigures, Interval
from scenelet.bundle.metrics import CALIBRATION_BINS, calibration_bins
from scenelet.report.charts import (
    COLOURS,
    GREY,
    blank,
    boxes,
    colour_of,
    legend_above,
    name_rows,
    styled,
)

LEAST_IMAGES = 10  # fewer in a bin say nothing


@styled
def by_class(per_class: Mapping[str, ClassFigures]) -> Figure:
    """Recall and precision of each class with 95 % intervals."""
    height = 0.5 * len(per_class) + 1.2
    figure, axes = blank(height)
    recall = [each.recall for each in per_class.values()]
    precision = [each.precision for each in per_class.values()]
    _with_bars(axes, recall, -0.13, "recall", COLOURS[0])
    _with_bars(axes, precision, 0.13, "precision", COLOURS[4])
    name_rows(axes, list(per_class))
    axes.set_xlabel("95 % intervals")
    legend_above(axes, 1 + 0.7 / height, 2)
    return figure


@styled
def reliability(labels: np.ndarray, before: np.ndarray, after: np.ndarray) -> Figure:
    """Accuracy in each bin of confidence that holds ten images or more, and below all images.

    Args:
        labels: (n,) true class indices.
        before: (n, classes) probabilities as trained.
        after: The same with the temperature.
    """
    figure = Figure(figsize=(6.0, 5.0), dpi=110)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
    drawn = ((before, "as trained", GREY), (after, "with temperature", COLOURS[0]))
    for probabilities, name, colour in drawn:
        at = _full_bins(labels, probabilities)
        upper.plot(*at, "o-", color=colour, label=name, markersize=5)
        lower.hist(probabilities.max(1), edges, color=colour, alpha=0.6)
    upper.set_ylabel("part answered rightly")
    upper.legend(frameon=False)
    lower.set(xlabel="confidence", ylabel="images")
    return figure


def _full_bins(labels: np.ndarray, probabilities: np.ndarray) -> tuple[list[float], list[float]]:
    """Confidence and accuracy of the bins that say something."""
    bins = calibration_bins(labels, probabilities)
    full = [each for each in bins if each.images >= LEAST_IMAGES]
    return [each.confidence for each in full], [each.accuracy for each in full]


@styled
def risk_coverage(
    coverage: np.ndarray, accuracy: np.ndarray, marks: Sequence[tuple[float, float, str]]
) -> Figure:
    """Accuracy of the answers against the part of the images answered, with some points named."""
    figure, axes = blank(4.0)
    axes.plot(coverage, accuracy, color=COLOURS[0])
    for x, y, text in marks:
        axes.plot([x], [y], "o", color=COLOURS[4])
        axes.annotate(text, (x, y), (-6, -14), textcoords="offset points", ha="right", fontsize=9)
    what = "part of the images answered, the most confident first"
    axes.set(xlabel=what, ylabel="part of those right", xlim=(0, 1.02))
    lowest = min(0.99, float(accuracy[len(accuracy) // 20 :].min()))
    axes.set_ylim(lowest - 0.01, 1.003)
    return figure


@styled
def stranger_scores(
    known: np.ndarray, strange: Mapping[str, np.ndarray], threshold: float, name: str
) -> Figure:
    """How the score is spread over pictures of the classes and each kind of stranger."""
    figure, axes = blank(0.5 * (len(strange) + 1) + 1.4)
    groups = {"these images": known, **strange}
    fills = [colour_of(0), *(GREY for _ in strange)]
    boxes(axes, list(groups.values()), list(groups), fills)
    axes.axvline(threshold, color=COLOURS[7], linewidth=1.2, linestyle="--")
    told, place = "stranger from here on", (threshold, 0.52)
    axes.annotate(told, place, (4, 0), "data", "offset points", color=COLOURS[7], fontsize=9)
    axes.set_xlabel(name)
    return figure


@styled
def robustness(measured: Robustness) -> Figure:
    """A small chart of each corruption: accuracy at its strengths, beside that of clean images."""
    columns = 3
    rows = -(-len(measured.by_corruption) // columns)
    figure = Figure(figsize=(11, 2.5 * rows), dpi=110)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for axes, (name, intervals) in zip(grid, measured.by_corruption.items(), strict=False):
        _one_corruption(axes, name, intervals)
        axes.axhline(measured.clean.value or 0.0, color=GREY, linewidth=1, linestyle=":")
    for axes in grid[len(measured.by_corruption) :]:
        axes.set_visible(False)
    figure.subplots_adjust(hspace=0.5, wspace=0.1)
    return figure


def _one_corruption(axes: mpl.axes.Axes, name: str, intervals: Sequence[Interval]) -> None:
    spoil, places = CORRUPTIONS[name], range(1, STRENGTHS + 1)
    low, high = [each.low for each in intervals], [each.high for each in intervals]
    axes.fill_between(places, low, high, color=COLOURS[0], alpha=0.18)
    values = [each.value or 0.0 for each in intervals]
    axes.plot(places, values, "o-", color=COLOURS[0], markersize=4)
    axes.set_title(f"{name} ({spoil.unit})", fontsize=10)
    axes.set_xticks(places, [f"{strength:g}" for strength in spoil.strengths], fontsize=9)
    axes.set_ylim(0, 1.02)


def _with_bars(
    axes: mpl.axes.Axes, intervals: Sequence[Interval], offset: float, name: str, colour: str
) -> None:
    """A point with its interval a row, beside the row's middle; nothing where there is no value."""
    shown = [
        (place + offset, each) for place, each in enumerate(intervals) if each.value is not None
    ]
    values = [each.value or 0.0 for _, each in shown]
    low = [value - each.low for value, (_, each) in zip(values, shown, strict=True)]
    high = [each.high - value for value, (_, each) in zip(values, shown, strict=True)]
    places = [place for place, _ in shown]
    axes.errorbar(
        values, places, xerr=(low, high), fmt="o", color=colour, capsize=3, label=name, markersize=5
    )
