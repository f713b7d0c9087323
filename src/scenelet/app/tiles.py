"""Pictures side by side in HTML, three or more across on a phone, names escaped in one place."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import streamlit as st

from scenelet.text import one_line

_GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax(104px,1fr));gap:.7rem .6rem"
_IMAGE = "width:100%;object-fit:contain;border-radius:.4rem;display:block"
_WORDS = "font-size:.8rem;line-height:1.25;overflow-wrap:anywhere;margin-top:.2rem"


@dataclass(frozen=True)
class Tile:
    """A picture and what is said of it.

    Attributes:
        image: Data URI.
        words: Below it.
        alt: For those who can't see it.
    """

    image: str
    words: str
    alt: str


def safe(text: str) -> str:
    """Text of people for HTML."""
    return escape(one_line(text))


def show(tiles: Iterable[Tile], height_px: int = 112) -> None:
    """Draw them."""
    drawn = "".join(_drawn(tile, height_px) for tile in tiles)
    st.html(f'<div style="{_GRID}">{drawn}</div>')


def _drawn(tile: Tile, height_px: int) -> str:
    image = f'<img src="{tile.image}" alt="{safe(tile.alt)}" title="{safe(tile.alt)}"'
    words = f'<div style="{_WORDS}">{safe(tile.words)}</div>'
    return f'<div>{image} style="{_IMAGE};height:{height_px}px">{words}</div>'
