"""Whether today's pictures still look like those the model was validated on.

By a service's log, or by pictures that are answered now.

`scenelet serve --log FILE` writes one; of a deployed service `scenelet logs` downloads it.
"""

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import streamlit as st

from scenelet.app import charts
from scenelet.app.kept import predictor
from scenelet.app.parts import refused
from scenelet.app.sources import Sources, sources
from scenelet.assess.drift import UNCHANGED, Logged, Shift, measure_drift, read_lines
from scenelet.dataset.unlabelled import pictures_at
from scenelet.errors import SceneletError
from scenelet.files import Entry, account, paths_of
from scenelet.image_formats import SUFFIXES
from scenelet.serve.lines import Told, told_of
from scenelet.serve.predictor import Predictor
from scenelet.text import markdown, shell

NAMED = 3  # files in a message


def page() -> None:
    """Draw the page."""
    asked = sources()
    st.title("Drift")
    st.caption(
        "Do today's pictures still look like those the model was validated on? Give a log of the"
        " service, which holds a line an answer and no picture, or pictures: fifty at least."
    )
    files = st.file_uploader("Logs, or pictures", accept_multiple_files=True, key="logs")
    place = ""
    if asked.is_own:
        place = st.text_input("Or a folder of pictures on this machine", placeholder="new-photos")
    if not files and not place:
        served = shell("scenelet", "serve", "--bundle", asked.bundle, "--log", "answers.log")
        st.code(served, language=None, wrap_lines=True)
        return
    try:
        with st.spinner("Comparing"):
            logged, shifts = _compared(asked, files, place)
    except SceneletError as error:
        refused(error, ":material/error:")
    except ImportError:
        st.error("This page needs SciPy: pip install 'scenelet[train]'", icon=":material/error:")
    else:
        show(logged, shifts)


def _compared(asked: Sources, files: Sequence[Any], place: str) -> tuple[Logged, list[Shift]]:
    model = predictor(asked.bundle)
    contract = model.model.contract
    pictures = {each.file_id: each for each in files if Path(each.name).suffix.lower() in SUFFIXES}
    logs = [each for each in files if each.file_id not in pictures]
    dropped = told_of(model, pictures, lambda key: pictures[key].getvalue())
    passed_over: list[Entry] = []
    told = [*dropped, *(_told_of_folder(model, place, passed_over) if place else ())]
    errors = [each.error for each in told if each.error]
    if told or passed_over:
        st.caption(markdown(account(len(told) - len(errors), errors, passed_over)))
    texts = (file.getvalue().decode(errors="replace") for file in logs)
    lines = chain.from_iterable(text.split("\n") for text in texts)
    given = ", ".join([*(file.name for file in files[:NAMED]), *([place] if place else [])])
    answered = (each.line for each in told if each.line)
    logged = read_lines(chain(lines, answered), given, contract)
    return logged, measure_drift(contract, logged)


def _told_of_folder(model: Predictor, place: str, passed_over: list[Entry]) -> Iterable[Told]:
    source = pictures_at(str(Path(place).expanduser()) if "://" not in place else place)
    paths = list(paths_of(source.entries(), passed_over))
    return told_of(model, paths, source.read, is_far=source.is_far)


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
        for words, shares in (("validation", shift.expected), ("today", shift.found))
        for place, (name, share) in enumerate(zip(shift.bins, shares, strict=True))
    ]
