"""Charts of a data set, drawn with matplotlib. Each returns a figure; knows nothing of HTML."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scenelet.report.charts import (
    COLOURS,
    GREY,
    MOST_CLASSES,
    blank,
    boxes,
    colour_of,
    legend_above,
    name_rows,
    named,
    styled,
)

IN_LEGEND = len(COLOURS)
SHADES = ("#0969da", "#8250df", "#bf8700", "#57606a")  # of the splits


@styled
def class_balance(labels: Sequence[str], splits: Sequence[str], names: Sequence[str]) -> Figure:
    """Horizontal bars of images a class, stacked by split, with their numbers."""
    figure, axes = blank(0.42 * len(names) + 1.2)
    present = sorted(set(splits))
    counts = Counter(zip(labels, splits, strict=True))
    table = np.array([[counts[name, split] for name in names] for split in present], float)
    _stacked(axes, table, [split or "all" for split in present])
    for position, total in enumerate(table.sum(0)):
        axes.text(total, position, f" {int(total):,}", va="center")
    name_rows(axes, names)
    axes.set_xlabel("images")
    axes.margins(x=0.12)
    if len(present) > 1:
        legend_above(axes, 1.16, len(present))
    return figure


def _stacked(axes: mpl.axes.Axes, table: np.ndarray, labels: Sequence[str]) -> None:
    """Bars beside one another: (stacks, rows) widths, a label a stack."""
    left = np.zeros(table.shape[1])
    for widths, label, shade in zip(table, labels, SHADES, strict=False):
        places = range(table.shape[1])
        axes.barh(places, widths, left=left, color=shade, label=label, height=0.7)
        left += widths


@styled
def spread_by_class(
    values: Sequence[float], labels: Sequence[str], names: Sequence[str], what: str
) -> Figure:
    """Box plots of a measure, one a class."""
    figure, axes = blank(0.42 * len(names) + 1.2)
    groups: dict[str, list[float]] = {name: [] for name in names}
    for value, label in zip(values, labels, strict=True):
        groups.get(label, []).append(value)
    fills = [colour_of(index) for index in range(len(names))]
    drawn = boxes(axes, list(groups.values()), named(names), fills, 0.6)
    for points in drawn["fliers"]:
        points.set(markersize=3, markerfacecolor=GREY, markeredgecolor="none", alpha=0.4)
    axes.set_xlabel(what)
    return figure


@styled
def sizes(widths: Sequence[int], heights: Sequence[int]) -> Figure:
    """Each size that occurs as a disc; its area grows with the number of images."""
    figure, axes = blank(4.2)
    counts = Counter(zip(widths, heights, strict=True))
    (commonest, most), *_ = counts.most_common(1)
    x, y = zip(*counts, strict=True)
    areas = [18 + 700 * count / most for count in counts.values()]
    axes.scatter(x, y, s=areas, color="#0969da", alpha=0.45, linewidth=0)
    told = f"{commonest[0]} x {commonest[1]}: {most:,}"
    axes.annotate(told, commonest, (22, 0), textcoords="offset points", va="center")
    axes.set(xlabel="width, pixels", ylabel="height, pixels")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, integer=True))
    axes.margins(0.25)
    return figure


@styled
def colour_strips(colours: np.ndarray, labels: Sequence[str], names: Sequence[str]) -> Figure:
    """Each class a strip of its images' mean colours, from dark to light."""
    figure, axes = blank(0.42 * len(names) + 0.9)
    for index, name in enumerate(names):
        strip = _strip(colours[[label == name for label in labels]] / 255)
        place = (0, 1, index + 0.36, index - 0.36)
        axes.imshow(strip, aspect="auto", extent=place, interpolation="nearest")
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), named(names))
    _name_ends(axes)
    axes.spines[["left", "bottom"]].set_visible(False)
    return figure


def _name_ends(axes: mpl.axes.Axes) -> None:
    axes.set_xticks([0, 1], ["darkest image", "lightest image"])
    left, right = axes.get_xticklabels()
    left.set_horizontalalignment("left")
    right.set_horizontalalignment("right")


def _strip(colours: np.ndarray) -> np.ndarray:
    """400 of (n, 3) colours in order of their light, as a picture of one line."""
    ordered = colours[np.argsort(colours @ np.array([0.299, 0.587, 0.114]))]
    return np.asarray(ordered[np.linspace(0, len(ordered) - 1, 400).astype(int)][None])


@styled
def embedding_map(points: np.ndarray, labels: Sequence[str], names: Sequence[str]) -> Figure:
    """Points coloured by class, each class named where most of it lies."""
    figure, axes = blank(6.4, width=9.6)
    of_label = np.array(labels)
    drawn = []
    for index, name in enumerate(names):
        x, y = points[of_label == name].T
        drawn.append(axes.scatter(x, y, s=9, color=colour_of(index)))
        drawn[-1].set(alpha=0.65, linewidth=0, rasterized=True)
    if len(names) <= IN_LEGEND:
        beside: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)}
        axes.legend(drawn, named(names), frameon=False, markerscale=3, **beside)
    else:
        _name_on_map(axes, points, of_label)
    axes.set(xticks=[], yticks=[])
    axes.spines[["left", "bottom"]].set_visible(False)
    return figure


def _name_on_map(axes: mpl.axes.Axes, points: np.ndarray, labels: np.ndarray) -> None:
    """The largest classes by name, each in the middle of its points: colours come round again."""
    largest = [name for name, _ in Counter(labels.tolist()).most_common(MOST_CLASSES)]
    for name, shown in zip(largest, named(largest), strict=True):
        x, y = np.median(points[labels == name], axis=0)
        axes.text(x, y, shown, ha="center", va="center", fontsize=8, alpha=0.9)
