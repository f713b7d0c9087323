"""The drift report: each measure then and now, on one HTML page."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from scenelet.assess.drift import SLIGHT, STRONG, Logged, Shift
from scenelet.report.charts import COLOURS, GREY, blank, named, styled
from scenelet.report.html import Section, page, svg


def drift_page(bundle: str, logged: Logged, shifts: Sequence[Shift]) -> str:
    """The report as one HTML page."""
    table = [("measure", "verdict", "stability index", "p")]
    table += [
        (shift.name, shift.verdict, f"{shift.stability_index:.3f}", f"{shift.p_value:.2g}")
        for shift in shifts
    ]
    lead = (
        "A shift counts when chance is unlikely (p under 0.01) and it is large enough (stability"
        f" index over {SLIGHT:g}; over {STRONG:g} is strong)."
    )
    points = [
        (
            f"{logged.abstained:.1%} of the answers abstained, {logged.strangers:.1%} of the"
            " pictures looked like no class."
        ),
        f"{logged.passed_over:,} of {logged.lines:,} lines were none of this bundle's answers.",
    ]
    sections = [Section("In short", lead, table=table, points=points)]
    figures = [
        (svg(_chart(shift)), f"{shift.name}, validation images and logs") for shift in shifts
    ]
    sections.append(
        Section(
            "Then and now",
            "Grey: the validation images of the bundle. Blue: the logs.",
            figures=figures,
        )
    )
    return page(f"{bundle}: drift", f"{len(logged.labels):,} answers", sections)


@styled
def _chart(shift: Shift) -> Figure:
    figure, axes = blank(3.4)
    places = np.arange(len(shift.bins))
    axes.bar(places - 0.2, shift.expected, 0.4, color=GREY, label="validation")
    axes.bar(places + 0.2, shift.found, 0.4, color=COLOURS[0], label="logs")
    few = len(places) <= 12
    shown = places if few else places[:: max(1, len(places) // 6)]
    axes.set_xticks(
        shown, named(shift.bins[place] for place in shown), rotation=30, ha="right", fontsize=9
    )
    axes.set_title(f"{shift.name}: {shift.verdict}", fontsize=11)
    axes.set_ylabel("share")
    axes.legend(frameon=False)
    return figure
