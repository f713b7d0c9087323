"""A few held-out pictures whose answers grow while a training works."""

import streamlit as st

from scenelet.app.charts import BLUE, RED
from scenelet.app.kept import thumbnail
from scenelet.app.tiles import safe
from scenelet.runs.growing import Answered, Growing

_GRID = (
    "display:grid;gap:.8rem .6rem;"
    "grid-template-columns:repeat(auto-fill,minmax(max(100px,14%),1fr))"
)
_IMAGE = "width:100%;aspect-ratio:4/3;object-fit:cover;border-radius:.4rem;display:block"
_TRACK = (
    "height:.5rem;border-radius:3px;margin-top:.25rem;overflow:hidden;"
    "background:color-mix(in srgb,currentColor 14%,transparent)"
)
_WORDS = "font-size:.8rem;line-height:1.25;overflow-wrap:anywhere;margin-top:.15rem"


def show(growing: Growing, place: str) -> None:
    """Draw them at the last epoch, or at one that somebody chooses.

    Args:
        growing: As training wrote it.
        place: Of the data set.
    """
    numbers = sorted(growing.epochs)
    number = numbers[-1]
    st.markdown("**Pictures that it has never seen**: how far it is for the true class")
    if len(numbers) > 1 and st.toggle("Look back", key="look-back"):
        number = st.select_slider(
            "Epoch", numbers, value=number, format_func=lambda each: str(each + 1), key="look-at"
        )
    drawn = zip(growing.pictures, growing.epochs[number], strict=True)
    tiles = "".join(_drawn(place, path, label, told) for (path, label), told in drawn)
    st.html(f'<div style="{_GRID}">{tiles}</div>')


def _drawn(place: str, path: str, label: str, told: Answered) -> str:
    is_right = told.label == label
    alt = safe(f"{path}, labelled {label}, answered {told.label}")
    image = f'<img src="{thumbnail(place, path)}" alt="{alt}" title="{alt}" style="{_IMAGE}">'
    fill = f"height:100%;width:{100 * told.of_truth:.0f}%;background:{BLUE if is_right else RED}"
    bar = f'<div style="{_TRACK}"><div style="{fill}"></div></div>'
    words = label if is_right else f"{label}, answered {told.label}"
    said = f'<div style="{_WORDS}">{safe(words)} {told.of_truth:.0%}</div>'
    return f"<div>{image}{bar}{said}</div>"
