"""The look that every chart shares, drawn with matplotlib."""

import matplotlib as mpl
from matplotlib.figure import Figure

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
INK, GREY = "#24292f", "#8c959f"
CHART_STYLE = {
    "font.size": 11,
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


def colour_of(index: int) -> str:
    """Colour of a class by its place among the class names."""
    return COLOURS[index % len(COLOURS)]


def blank(height: float, width: float = 7.2) -> tuple[Figure, mpl.axes.Axes]:
    """A figure of this size in inches, with axes."""
    figure = Figure(figsize=(width, height), dpi=110)
    return figure, figure.add_subplot()
