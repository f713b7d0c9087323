"""The comparison of variants on one HTML page, and its rows as a person reads them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from scenelet.report.charts import GREY, blank, colour_of, name_rows, styled
from scenelet.report.html import Section, following, page, svg
from scenelet.tune.variants import Variant

COLUMNS = (
    "variant",
    "accuracy (95 %)",
    "against the first, points",
    "log loss",
    "parameters",
    "MB",
    "ms",
    "min",
)


def cells(variant: Variant) -> list[str]:
    """A row of the table: as many as `COLUMNS`."""
    return [
        variant.name,
        f"{variant.top1_accuracy:.2%} ({variant.low:.2%} to {variant.high:.2%})",
        _gain(variant) if variant.changes else "",
        f"{variant.log_loss:.3f}",
        f"{variant.parameters:,}",
        f"{variant.size_mb:.1f}",
        f"{variant.latency_ms:.1f}",
        f"{variant.minutes:.1f}",
    ]


def _gain(variant: Variant) -> str:
    """In points, with its interval."""
    gains = (100 * value for value in (variant.gain, variant.gain_low, variant.gain_high))
    return "{:+.2f} ({:+.2f} to {:+.2f})".format(*gains)


def variants_page(variants: Sequence[Variant], title: str, commands: Sequence[str] = ()) -> str:
    """The comparison as one HTML page.

    Args:
        variants: The first is what the others are compared with.
        title: Of the comparison.
        commands: What to do next.
    """
    table = [list(COLUMNS), *(cells(variant) for variant in variants)]
    first = (
        f"{variants[0].images:,} validation images, the same for all. Intervals of differences are"
        " paired by image."
    )
    charts = [
        (svg(_accuracies(variants)), "Accuracy of each variant with its 95 % interval"),
        (svg(_costs(variants)), "Accuracy and latency"),
    ]
    sections = [Section("Figures", figures=charts), Section("Table", table=table)]
    if commands:
        sections.append(following(commands))
    return page(f"Variants: {title}", first, sections)


@styled
def _accuracies(variants: Sequence[Variant]) -> Figure:
    values = [each.top1_accuracy for each in variants]
    errors = [(each.top1_accuracy - each.low, each.high - each.top1_accuracy) for each in variants]
    figure, axes = blank(0.4 * len(variants) + 1.0)
    bars: dict[str, Any] = {
        "xerr": np.array(errors).T,
        "fmt": "o",
        "color": colour_of(0),
        "capsize": 3,
    }
    axes.errorbar(values, range(len(variants)), **bars)
    axes.axvline(values[0], color=GREY, linewidth=0.8, linestyle=":")
    name_rows(axes, [each.name for each in variants])
    axes.set_xlabel("validation accuracy, 95 % interval")
    return figure


@styled
def _costs(variants: Sequence[Variant]) -> Figure:
    figure, axes = blank(4.0)
    for place, each in enumerate(variants):
        disc: dict[str, Any] = {
            "s": 30 + 20 * each.size_mb,
            "color": colour_of(place),
            "alpha": 0.8,
        }
        axes.scatter(each.latency_ms, each.top1_accuracy, label=each.name, **disc)
    axes.set_xlabel("latency, ms (discs grow with the model's MB)")
    axes.set_ylabel("validation accuracy")
    axes.margins(0.15)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), markerscale=0.6)
    return figure
