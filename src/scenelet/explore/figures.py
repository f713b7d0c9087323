"""Charts of a data set, drawn with matplotlib. Each returns a figure; knows nothing of HTML."""

from collections import Counter
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scenelet.report.charts import (
    CHART_STYLE,
    COLOURS,
    GREY,
    INK,
    MOST_CLASSES,
    blank,
    colour_of,
    named,
)

IN_LEGEND = len(COLOURS)


def class_balance(labels: Sequence[str], splits: Sequence[str], names: Sequence[str]) -> Figure:
    """Horizontal bars of images a class, stacked by split, with their numbers."""
    with mpl.rc_context(CHART_STYLE):
        figure, axes = blank(0.42 * len(names) + 1.2)
        left = np.zeros(len(names))
        shades = dict(
            zip(sorted(set(splits)), ("#0969da", "#8250df", "#bf8700", "#57606a"), strict=False)
        )
        counts = Counter(zip(labels, splits, strict=True))
        for split, shade in shades.items():
            widths = np.array([counts[name, split] for name in names])
            axes.barh(
                range(len(names)), widths, left=left, color=shade, label=split or "all", height=0.7
            )
            left += widths
        for position, total in enumerate(left):
            axes.text(total, position, f" {int(total):,}", va="center")
        axes.set_yticks(range(len(names)), named(names))
        axes.invert_yaxis()
        axes.set_xlabel("images")
        axes.margins(x=0.12)
        if len(shades) > 1:
            axes.legend(
                frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=len(shades)
            )
        return figure


def spread_by_class(
    values: Sequence[float], labels: Sequence[str], names: Sequence[str], what: str
) -> Figure:
    """Box plots of a measure, one a class."""
    with mpl.rc_context(CHART_STYLE):
        figure, axes = blank(0.42 * len(names) + 1.2)
        by_class = [
            [value for value, label in zip(values, labels, strict=True) if label == name]
            for name in names
        ]
        boxes = axes.boxplot(
            by_class,
            orientation="horizontal",
            tick_labels=named(names),
            patch_artist=True,
            widths=0.6,
            sym=".",
        )
        for index, box in enumerate(boxes["boxes"]):
            box.set(facecolor=colour_of(index), alpha=0.75, edgecolor=INK)
        for line in boxes["medians"]:
            line.set(color="white", linewidth=2)
        for points in boxes["fliers"]:
            points.set(markersize=3, markerfacecolor=GREY, markeredgecolor="none", alpha=0.4)
        axes.invert_yaxis()
        axes.set_xlabel(what)
        return figure


def sizes(widths: Sequence[int], heights: Sequence[int]) -> Figure:
    """Each size that occurs as a disc; its area grows with the number of images."""
    with mpl.rc_context(CHART_STYLE):
        figure, axes = blank(4.2)
        counts = Counter(zip(widths, heights, strict=True))
        most = max(counts.values())
        x, y = zip(*counts, strict=True)
        axes.scatter(
            x,
            y,
            s=[18 + 700 * count / most for count in counts.values()],
            color="#0969da",
            alpha=0.45,
            linewidth=0,
        )
        (width, height), count = counts.most_common(1)[0]
        axes.annotate(
            f"{width} x {height}: {count:,}",
            (width, height),
            (22, 0),
            textcoords="offset points",
            va="center",
        )
        axes.set(xlabel="width, pixels", ylabel="height, pixels")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.margins(0.25)
        return figure


def colour_strips(colours: np.ndarray, labels: Sequence[str], names: Sequence[str]) -> Figure:
    """Each class a strip of its images' mean colours, from dark to light."""
    with mpl.rc_context(CHART_STYLE):
        figure, axes = blank(0.42 * len(names) + 0.9)
        for index, name in enumerate(names):
            of_class = colours[[label == name for label in labels]] / 255
            of_class = of_class[np.argsort(of_class @ np.array([0.299, 0.587, 0.114]))]
            shown = of_class[np.linspace(0, len(of_class) - 1, 400).astype(int)]
            axes.imshow(
                shown[None],
                aspect="auto",
                extent=(0, 1, index + 0.36, index - 0.36),
                interpolation="nearest",
            )
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_yticks(range(len(names)), named(names))
        axes.set_xticks([0, 1], ["darkest image", "lightest image"])
        left, right = axes.get_xticklabels()
        left.set_horizontalalignment("left")
        right.set_horizontalalignment("right")
        axes.spines[["left", "bottom"]].set_visible(False)
        return figure


def embedding_map(points: np.ndarray, labels: Sequence[str], names: Sequence[str]) -> Figure:
    """Points coloured by class, each class named where most of it lies."""
    with mpl.rc_context(CHART_STYLE):
        figure, axes = blank(6.4, width=9.6)
        of_label = np.array(labels)
        drawn = []
        for index, name in enumerate(names):
            chosen = points[of_label == name]
            points_drawn = axes.scatter(chosen[:, 0], chosen[:, 1], s=9, color=colour_of(index))
            points_drawn.set(alpha=0.65, linewidth=0, rasterized=True)
            drawn.append(points_drawn)
        if len(names) <= IN_LEGEND:
            legend = axes.legend(drawn, named(names), frameon=False, markerscale=3)
            legend.set_loc("center left")
            legend.set_bbox_to_anchor((1.0, 0.5))
        else:
            _name_on_map(axes, points, of_label)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[["left", "bottom"]].set_visible(False)
        return figure


def _name_on_map(axes: mpl.axes.Axes, points: np.ndarray, labels: np.ndarray) -> None:
    """The largest classes by name, each in the middle of its points: colours come round again."""
    largest = [name for name, _ in Counter(labels.tolist()).most_common(MOST_CLASSES)]
    for name, shown in zip(largest, named(largest), strict=True):
        x, y = np.median(points[labels == name], axis=0)
        axes.text(x, y, shown, ha="center", va="center", fontsize=8, alpha=0.9)
