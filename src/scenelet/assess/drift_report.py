"""The drift report: each measure then and now, on one HTML page."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from scenelet.assess.drift import SLIGHT, STRONG, UNCHANGED, Logged, Shift
from scenelet.report.charts import COLOURS, GREY, blank, named, styled
from scenelet.report.html import Card, Gallery, Headline, Section, following, page, svg


def drift_page(
    bundle: str,
    logged: Logged,
    shifts: Sequence[Shift],
    commands: Sequence[str] = (),
    unlike: Sequence[Card] = (),
) -> str:
    """The report as one HTML page.

    Args:
        bundle: Its name.
        logged: What the logs say.
        shifts: By `measure_drift`.
        commands: What to do next.
        unlike: Today's pictures that are least like those of the bundle, where they are at hand.
    """
    table = [("measure", "verdict", "stability index", "p")]
    table += [
        (shift.name, shift.verdict, f"{shift.stability_index:.2f}", f"{shift.p_value:.1g}")
        for shift in shifts
    ]
    lead = (
        "A shift counts when chance is unlikely (p under 0.01) and it is large enough (stability"
        f" index over {SLIGHT:g}; over {STRONG:g} is strong)."
    )
    points = []
    if logged.passed_over:
        points.append(
            f"{logged.passed_over:,} of {logged.lines:,} lines were passed over: they are no"
            " answers of this bundle."
        )
    sections = [Section("In short", lead, table=table, points=points)]
    figures = [
        (svg(_chart(shift)), f"{shift.name}, validation images and today's") for shift in shifts
    ]
    sections.append(
        Section(
            "Then and now",
            "Grey: the validation images of the bundle. Blue: today's.",
            figures=figures,
        )
    )
    if unlike:
        gallery = Gallery("The strangest first", [[card] for card in unlike])
        sections.append(Section("Least like the bundle's own", galleries=[gallery]))
    if commands:
        sections.append(following(commands))
    return page(
        f"{bundle}: drift", f"{len(logged.labels):,} answers", sections, _headline(logged, shifts)
    )


def _headline(logged: Logged, shifts: Sequence[Shift]) -> Headline:
    changed = [shift.name for shift in shifts if shift.verdict != UNCHANGED]
    words = (
        f"{len(logged.labels):,} answers; {logged.abstained:.0%} abstained, {logged.strangers:.0%}"
        " looked like none of the classes."
    )
    if not changed:
        return Headline("No change shown", words)
    return Headline("The pictures changed", f"Changed: {', '.join(changed)}. {words}")


@styled
def _chart(shift: Shift) -> Figure:
    figure, axes = blank(3.4)
    places = np.arange(len(shift.bins))
    axes.bar(places - 0.2, shift.expected, 0.4, color=GREY, label="validation")
    axes.bar(places + 0.2, shift.found, 0.4, color=COLOURS[0], label="today")
    few = len(places) <= 12
    shown = places if few else places[:: max(1, len(places) // 6)]
    axes.set_xticks(
        shown, named(shift.bins[place] for place in shown), rotation=30, ha="right", fontsize=9
    )
    axes.set_title(f"{shift.name}: {shift.verdict}", fontsize=11)
    axes.set_ylabel("share")
    axes.legend(frameon=False)
    return figure
