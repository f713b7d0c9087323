"""The look that every chart shares, and names in it as they are, drawn with matplotlib."""

import io
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, wraps
from typing import Any, ParamSpec

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font

from scenelet.text import elided, one_line

P = ParamSpec("P")
COLOURS = (
    "#0969da",
    "#1a7f37",
    "#8250df",
    "#bf3989",
    "#bc4c00",
    "#0a7ea4",
    "#9a6700",
    "#cf222e",
    "#57606a",
    "#6639ba",
)
MOST_CLASSES = 30  # that a chart or a matrix shows; of more, the worst
NAME_LETTERS = 28  # of a name in a chart; the pages have it whole
_CJK = ("CJK", "Hei", "Gothic", "Ming", "Song", "Nanum", "Fallback")
_OTHERS = {font.name for font in font_manager.fontManager.ttflist}
_FAMILIES = ("DejaVu Sans", *sorted(name for name in _OTHERS if any(word in name for word in _CJK)))
INK, GREY, LINE = "#24292f", "#8c959f", "#d8dee4"
IN_THE_DARK = {  # each colour above, for readers whose page is dark
    **dict(
        zip(
            COLOURS,
            (
                "#58a6ff",
                "#3fb950",
                "#a371f7",
                "#db61a2",
                "#f0883e",
                "#39c5cf",
                "#d29922",
                "#ff7b72",
                "#8b949e",
                "#b394f5",
            ),
            strict=True,
        )
    ),
    INK: "#e6edf3",
    GREY: "#8b949e",
    LINE: "#30363d",
}
CHART_STYLE = {
    "font.size": 11,
    "font.family": list(_FAMILIES),  # the first comes with matplotlib, the others may draw Chinese
    "text.parse_math": False,  # "$5_$10" is a name, not a formula
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "path",
    "svg.hashsalt": "scenelet",
}


def named(names: Iterable[str]) -> list[str]:
    r"""Names of people as a chart can show them: short, in one line, in letters that a font has.

    What no font here can draw is shown by its number, as in `\u68ee`.
    """
    drawn = ("".join(map(_drawable, elided(one_line(name), NAME_LETTERS))) for name in names)
    return [elided(name, NAME_LETTERS) for name in drawn]


def _drawable(letter: str) -> str:
    known = any(ord(letter) in _letters(family) for family in _FAMILIES)
    return letter if known else letter.encode("unicode_escape").decode("ascii")


@lru_cache
def _letters(family: str) -> frozenset[int]:
    """Numbers of the letters that a font can draw."""
    return frozenset(FT2Font(font_manager.findfont(family)).get_charmap())


def colour_of(index: int) -> str:
    """Colour of a class by its place among the class names."""
    return COLOURS[index % len(COLOURS)]


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Draw in the look that every chart shares."""

    @wraps(draw)
    def drawn(*arguments: P.args, **options: P.kwargs) -> Figure:
        with mpl.rc_context(CHART_STYLE):
            return draw(*arguments, **options)

    return drawn


def name_rows(axes: mpl.axes.Axes, names: Sequence[str]) -> None:
    """A class a row, the first on top."""
    axes.set_yticks(range(len(names)), named(names))
    axes.invert_yaxis()


def legend_above(axes: mpl.axes.Axes, height: float, columns: int) -> None:
    """A legend in one line over a chart; `height` is where, in heights of the axes."""
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, height), ncols=columns)


def boxes(
    axes: mpl.axes.Axes,
    groups: Sequence[Sequence[float] | np.ndarray],
    names: Sequence[str],
    fills: Sequence[str],
    thickness: float | None = None,
) -> dict[str, Any]:
    """Horizontal box plots, the first on top; returns matplotlib's parts of them."""
    drawn = axes.boxplot(
        groups,
        orientation="horizontal",
        tick_labels=names,
        patch_artist=True,
        sym=".",
        widths=thickness,
    )
    for box, fill in zip(drawn["boxes"], fills, strict=True):
        box.set(facecolor=fill, alpha=0.75, edgecolor=INK)
    for line in drawn["medians"]:
        line.set(color="white", linewidth=2)
    axes.invert_yaxis()
    return dict(drawn)


def blank(height: float, width: float = 7.2) -> tuple[Figure, mpl.axes.Axes]:
    """A figure of this size in inches, with axes."""
    figure = Figure(figsize=(width, height), dpi=110)
    return figure, figure.add_subplot()


def svg_text(figure: Figure) -> str:
    """A figure as SVG on no ground, whose colours follow the page into the dark."""
    buffer = io.StringIO()
    with mpl.rc_context(CHART_STYLE):  # ticks and letters are made while drawing
        figure.savefig(
            buffer, format="svg", transparent=True, bbox_inches="tight", metadata={"Date": None}
        )
    text = buffer.getvalue()
    light, dark = [], []
    for number, (by_day, by_night) in enumerate(IN_THE_DARK.items()):
        text = text.replace(f": {by_day}", f": var(--c{number})")
        light.append(f"--c{number}: {by_day}")
        dark.append(f"--c{number}: {by_night}")
    style = (
        f"<style>:root {{{'; '.join(light)}}}"
        f" @media (prefers-color-scheme: dark) {{:root {{{'; '.join(dark)}}}}}</style>"
    )
    return text.replace("<defs>", f"<defs>{style}", 1)
