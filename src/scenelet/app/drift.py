"""Whether today's pictures still look like those the model was validated on, from a service's log.

`scenelet serve --log FILE` writes one; of a deployed service `scenelet logs` downloads it.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import streamlit as st

from scenelet.app import charts
from scenelet.app.kept import predictor
from scenelet.app.parts import refused
from scenelet.app.sources import sources
from scenelet.assess.drift import UNCHANGED, Logged, Shift, measure_drift, read_lines
from scenelet.errors import SceneletError
from scenelet.text import markdown, shell


def page() -> None:
    """Draw the page."""
    asked = sources()
    st.title("Drift")
    st.caption(
        "Do today's pictures still look like those the model was validated on? A log holds a line"
        " an answer, and no picture."
    )
    files = st.file_uploader("Logs of the service", accept_multiple_files=True, key="logs")
    if not files:
        served = shell("scenelet", "serve", "--bundle", asked.bundle, "--log", "answers.log")
        st.code(served, wrap_lines=True)
        return
    texts = (file.getvalue().decode(errors="replace") for file in files)
    lines = chain.from_iterable(text.split("\n") for text in texts)
    try:
        contract = predictor(asked.bundle).model.contract
        logged = read_lines(lines, ", ".join(file.name for file in files), contract)
        with st.spinner("Comparing"):
            shifts = measure_drift(contract, logged)
    except SceneletError as error:
        refused(error, ":material/error:")
    except ImportError:
        st.error("This page needs SciPy: pip install 'scenelet[train]'", icon=":material/error:")
    else:
        show(logged, shifts)


def show(logged: Logged, shifts: Sequence[Shift]) -> None:
    """The verdict, then each measure then and now, those that changed first."""
    changed = [shift for shift in shifts if shift.verdict != UNCHANGED]
    if changed:
        names = ", ".join(markdown(shift.name) for shift in changed)
        st.warning(f"The pictures changed: {names}.", icon=":material/trending_up:")
    else:
        st.success("No change shown.", icon=":material/check_circle:")
    st.caption(
        f"{len(logged.labels):,} answers; {logged.abstained:.0%} abstained, {logged.strangers:.0%}"
        " looked like none of the classes."
    )
    beside = st.columns(2, gap="large")
    for place, shift in enumerate(sorted(shifts, key=lambda each: -each.stability_index)):
        with beside[place % 2]:
            _shown(shift)


def _shown(shift: Shift) -> None:
    name = shift.name.replace("_", " ").capitalize()
    st.markdown(f"**{markdown(name)}**: {shift.verdict}")
    st.vega_lite_chart(
        spec=charts.then_and_now(_rows(shift)),
        width="stretch",
        alt=f"{name}: shares then and now; stability index {shift.stability_index:.2f}",
    )


def _rows(shift: Shift) -> list[dict[str, Any]]:
    return [
        {"bin": charts.shown(name), "place": place, "share": share, "of": words}
        for words, shares in (("validation", shift.expected), ("log", shift.found))
        for place, (name, share) in enumerate(zip(shift.bins, shares, strict=True))
    ]
