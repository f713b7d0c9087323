"""Under an answer: right, or what it really is. Kept by pixels, to be learned later."""

from collections.abc import Sequence

import streamlit as st

from scenelet.app.parts import refused
from scenelet.app.sources import started_with
from scenelet.dataset.corrections import Correction, correct, corrections, take_back
from scenelet.errors import SceneletError
from scenelet.text import markdown, one_line

FOLDER = "corrections"


def ask(key: str, content: bytes, answered: str, class_names: Sequence[str], bundle: str) -> None:
    """Draw the question, or what was said.

    Args:
        key: Of the picture on the page.
        content: Its bytes.
        answered: What the model took it for.
        class_names: That it may be.
        bundle: Name of the bundle that answered.
    """
    said = st.session_state.setdefault("said", {})
    if key in said:
        _said(key, answered, said[key])
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        is_right = st.button("Right", key=f"right-{key}", icon=":material/check:")
        others = [name for name in class_names if name != answered]
        label = st.selectbox(
            "It is ...",
            others,
            index=None,
            placeholder="No, it is ...",
            key=f"wrong-{key}",
            label_visibility="collapsed",
            width=220,
            format_func=one_line,
        )
    if is_right or label:
        _keep(key, content, answered if is_right else str(label), answered, bundle)


def _keep(key: str, content: bytes, label: str, answered: str, bundle: str) -> None:
    try:
        kept = correct(started_with().home / FOLDER, content, label, answered, bundle)
    except SceneletError as error:
        refused(error, ":material/error:")
        return
    st.session_state["said"][key] = kept
    st.rerun()


def _said(key: str, answered: str, kept: Correction) -> None:
    """What was said of the picture, beside the answer of today: another bundle's may be another."""
    with st.container(horizontal=True, vertical_alignment="center"):
        words = "Right" if kept.label == answered else f"It is {markdown(kept.label)}"
        st.caption(f"{words}. Kept in {FOLDER}/, and learned when you train again.")
        if st.button("Undo", key=f"undo-{key}", icon=":material/undo:"):
            _forget(key, kept)


def _forget(key: str, kept: Correction) -> None:
    try:
        take_back(started_with().home / FOLDER, kept.pixels)
    except SceneletError as error:
        refused(error, ":material/error:")
        return
    del st.session_state["said"][key]
    st.rerun()


def of_classes(class_names: Sequence[str]) -> list[Correction]:
    """The corrections that are of these classes."""
    found = corrections(started_with().home / FOLDER)
    return [each for each in found if each.label in class_names]
