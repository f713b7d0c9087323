"""Charts of an evaluation, drawn with matplotlib. Each returns a figure; knows nothing of HTML."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from scenelet.assess.robustness import CORRUPTIONS, STRENGTHS, Robustness
from scenelet.bundle.figures import ClassFigures, Interval
from scenelet.bundle.metrics import CALIBRATION_BINS, calibration_bins
from scenelet.report.charts import CHART_STYLE, COLOURS, GREY, INK, blank, colour_of, named

LEAST_IMAGES = 10  # fewer in a bin say nothing


def by_class(per_class: Mapping[str, ClassFigures]) -> Figure:
    """Recall and precision of each class with 95 % intervals."""
    with mpl.rc_context(CHART_STYLE):
        names = list(per_class)
        height = 0.5 * len(names) + 1.2
        figure, axes = blank(height)
        for offset, what, colour in (
            (-0.13, "recall", COLOURS[0]),
            (0.13, "precision", COLOURS[4]),
        ):
            intervals: list[Interval] = [getattr(each, what) for each in per_class.values()]
            places = [
                place + offset
                for place, interval in enumerate(intervals)
                if interval.value is not None
            ]
            shown = [interval for interval in intervals if interval.value is not None]
            _with_bars(axes, shown, places, what, colour)
        axes.set_yticks(range(len(names)), named(names))
        axes.invert_yaxis()
        axes.set_xlabel("95 % intervals")
        above = 1 + 0.7 / height
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, above), ncols=2)
        return figure


def reliability(labels: np.ndarray, before: np.ndarray, after: np.ndarray) -> Figure:
    """Accuracy in each bin of confidence that holds ten images or more, before and after the temperature; below, all images."""
    with mpl.rc_context(CHART_STYLE):
        figure = Figure(figsize=(6.0, 5.0), dpi=110)
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
        edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
        for probabilities, name, colour in (
            (before, "as trained", GREY),
            (after, "with temperature", COLOURS[0]),
        ):
            bins = calibration_bins(labels, probabilities)
            full = [each for each in bins if each.images >= LEAST_IMAGES]
            at = [each.confidence for each in full], [each.accuracy for each in full]
            upper.plot(*at, "o-", color=colour, label=name, markersize=5)
            lower.hist(probabilities.max(1), edges, color=colour, alpha=0.6)
        upper.set_ylabel("part answered rightly")
        upper.legend(frameon=False)
        lower.set(xlabel="confidence", ylabel="images")
        return figure


def risk_coverage(
    coverage: np.ndarray, accuracy: np.ndarray, marks: Sequence[tuple[float, float, str]]
) -> Figure:
    """Accuracy of the answers against the part of the images answered, with some points named."""
    with mpl.rc_context(CHART_STYLE):
        figure, axes = blank(4.0)
        axes.plot(coverage, accuracy, color=COLOURS[0])
        for x, y, text in marks:
            axes.plot([x], [y], "o", color=COLOURS[4])
            axes.annotate(
                text, (x, y), (-6, -14), textcoords="offset points", ha="right", fontsize=9
            )
        axes.set(
            xlabel="part of the images answered, the most confident first",
            ylabel="part of those right",
            xlim=(0, 1.02),
        )
        axes.set_ylim(min(0.99, float(accuracy[len(accuracy) // 20 :].min())) - 0.01, 1.003)
        return figure


def stranger_scores(
    known: np.ndarray, strange: Mapping[str, np.ndarray], threshold: float, name: str
) -> Figure:
    """How the score is spread over pictures of the classes and over each kind of stranger, with the threshold."""
    with mpl.rc_context(CHART_STYLE):
        figure, axes = blank(0.5 * (len(strange) + 1) + 1.4)
        groups = {"these images": known, **strange}
        boxes = axes.boxplot(
            list(groups.values()),
            orientation="horizontal",
            tick_labels=list(groups),
            patch_artist=True,
            sym=".",
        )
        for index, box in enumerate(boxes["boxes"]):
            box.set(facecolor=colour_of(0) if index == 0 else GREY, alpha=0.75, edgecolor=INK)
        for line in boxes["medians"]:
            line.set(color="white", linewidth=2)
        axes.axvline(threshold, color=COLOURS[7], linewidth=1.2, linestyle="--")
        axes.annotate(
            "stranger from here on",
            (threshold, 0.52),
            (4, 0),
            textcoords="offset points",
            color=COLOURS[7],
            fontsize=9,
        )
        axes.invert_yaxis()
        axes.set_xlabel(name)
        return figure


def robustness(measured: Robustness) -> Figure:
    """A small chart of each corruption: accuracy at its five strengths, beside that of the clean images."""
    with mpl.rc_context(CHART_STYLE):
        columns = 3
        rows = -(-len(measured.by_corruption) // columns)
        figure = Figure(figsize=(11, 2.5 * rows), dpi=110)
        grid = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
        for axes, (name, intervals) in zip(grid, measured.by_corruption.items(), strict=False):
            values = [interval.value or 0.0 for interval in intervals]
            places = range(1, STRENGTHS + 1)
            axes.fill_between(
                places,
                [i.low for i in intervals],
                [i.high for i in intervals],
                color=COLOURS[0],
                alpha=0.18,
            )
            axes.plot(places, values, "o-", color=COLOURS[0], markersize=4)
            axes.axhline(measured.clean.value or 0.0, color=GREY, linewidth=1, linestyle=":")
            axes.set_title(f"{name} ({CORRUPTIONS[name].unit})", fontsize=10)
            axes.set_xticks(
                places, [f"{strength:g}" for strength in CORRUPTIONS[name].strengths], fontsize=9
            )
            axes.set_ylim(0, 1.02)
        for axes in grid[len(measured.by_corruption) :]:
            axes.set_visible(False)
        figure.subplots_adjust(hspace=0.5, wspace=0.1)
        return figure


def _with_bars(
    axes: mpl.axes.Axes,
    intervals: Sequence[Interval],
    places: Sequence[float],
    name: str,
    colour: str,
) -> None:
    values = [interval.value or 0.0 for interval in intervals]
    low = [value - interval.low for value, interval in zip(values, intervals, strict=True)]
    high = [interval.high - value for value, interval in zip(values, intervals, strict=True)]
    axes.errorbar(
        values, places, xerr=(low, high), fmt="o", color=colour, capsize=3, label=name, markersize=5
    )
