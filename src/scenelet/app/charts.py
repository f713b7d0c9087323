"""Charts of the app, for Vega-Lite and as HTML, in colours that read on light and on dark."""

import json
from collections.abc import Sequence
from typing import Any

from scenelet.app.tiles import safe
from scenelet.text import elided, one_line

Spec = dict[str, Any]
BLUE, GREEN, ORANGE, RED = "#3b7dd8", "#2e9e5b", "#d9822b", "#d1495b"
FEW = 5  # names that stand side by side
CLASS_COLOURS = (
    "#3b7dd8",
    "#2e9e5b",
    "#9b6bd6",
    "#d1599a",
    "#d9822b",
    "#1a9aa8",
    "#b08a1e",
    "#d1495b",
    "#7a8794",
    "#7d5fd3",
)


_PARTS = {"train": BLUE, "val": GREEN, "test": "#8a949e", "not split": ORANGE}  # as they are used
_ABOVE = {"orient": "top"}  # a legend beside takes half of a phone
_ROW = (
    "display:grid;grid-template-columns:minmax(5.5rem,8rem) 1fr"
    " 3.6rem;gap:.6rem;align-items:center;margin:.2rem 0"
)
_NAME = "overflow-wrap:anywhere;min-width:0"
_TRACK = (
    "display:block;height:.8rem;border-radius:4px;background:color-mix(in srgb,currentColor"
    " 12%,transparent)"
)


def shown(name: str) -> str:
    """A name as a chart has room for it."""
    return elided(one_line(name), 28)


def bars(probabilities: dict[str, float], most: int = 10) -> str:
    """Horizontal bars of all probabilities, as HTML; the likeliest first."""
    first, *others = list(probabilities.items())[:most]
    return "".join([_bar(*first, BLUE), *(_bar(*each, "#8fa7c2") for each in others)])


def _bar(name: str, value: float, colour: str) -> str:
    width = f"width:{max(0.5, 100 * value):.1f}%"
    fill = f"display:block;height:100%;border-radius:4px;background:{colour};{width}"
    number = f'<span style="text-align:right;font-variant-numeric:tabular-nums">{value:.1%}</span>'
    bar = f'<span style="{_TRACK}"><span style="{fill}"></span></span>'
    return f'<div style="{_ROW}"><span style="{_NAME}">{safe(name)}</span>{bar}{number}</div>'


def _in_colours(field: str, title: str | None = None) -> Spec:
    """A colour a value."""
    colours = {"range": list(CLASS_COLOURS)}
    return {"field": field, "type": "nominal", "title": title, "scale": colours}


def class_balance(counts: list[dict[str, Any]]) -> Spec:
    """Bars of images by class and split. Rows: label, split, images."""
    there = {row["split"] for row in counts}
    colours = [_PARTS[each] for each in _PARTS if each in there]
    places = {part: place for place, part in enumerate(_PARTS)}
    names = sorted({row["label"] for row in counts})
    rows = [
        {
            **row,
            "label": one_line(row["label"]),
            "class": names.index(row["label"]),
            "place": places[row["split"]],
        }
        for row in counts
    ]
    return {
        "data": {"values": rows},
        "height": {"step": 24},
        "mark": {"type": "bar", "cornerRadiusEnd": 3},
        "encoding": {
            "y": {
                "field": "class",
                "type": "ordinal",
                "title": None,
                "axis": {**_name_axis(names), "labelLimit": 180},
            },
            "x": {
                "field": "images",
                "type": "quantitative",
                "title": "pictures",
                "axis": {"tickMinStep": 1, "format": ",d"},
            },
            "color": {
                "field": "split",
                "type": "nominal",
                "title": "part",
                "legend": _ABOVE,
                "sort": list(_PARTS),
                "scale": {"domain": [each for each in _PARTS if each in there], "range": colours},
            },
            "order": {"field": "place"},
            "tooltip": [{"field": "label"}, {"field": "split"}, {"field": "images"}],
        },
    }


def then_and_now(rows: list[dict[str, Any]]) -> Spec:
    """Shares of bins, two bars each. Rows: bin, place, share, of."""
    return {
        "data": {"values": rows},
        "height": 190,
        "mark": {"type": "bar", "cornerRadiusEnd": 2},
        "encoding": {
            "x": {
                "field": "bin",
                "type": "nominal",
                "sort": {"field": "place"},
                "title": None,
                "axis": {"labelAngle": 0 if len({row["bin"] for row in rows}) <= FEW else -35},
            },
            "xOffset": {"field": "of", "sort": ["validation", "today"]},
            "y": {"field": "share", "type": "quantitative", "title": "share"},
            "color": {
                "field": "of",
                "type": "nominal",
                "title": None,
                "sort": ["validation", "today"],
                "legend": _ABOVE,
                "scale": {"range": ["#8a949e", BLUE]},
            },
            "tooltip": [{"field": "bin"}, {"field": "of"}, {"field": "share", "format": ".1%"}],
        },
    }


def picture_map(points: list[dict[str, Any]]) -> Spec:
    """Pictures by likeness; the picture itself shows under the pointer.

    Rows: x, y, label, path, image (data URI).
    """
    return {
        "data": {"values": points},
        "height": 420,
        "mark": {"type": "circle", "size": 55, "opacity": 0.8},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "axis": None},
            "y": {"field": "y", "type": "quantitative", "axis": None},
            "color": _in_colours("label"),
            "tooltip": [{"field": "image"}, {"field": "label"}, {"field": "path"}],
        },
    }


def confusion(matrix: Sequence[Sequence[int]], names: Sequence[str]) -> Spec:
    """Counts by true class and answer; a click selects a cell by its place: row and column."""
    axis = {"type": "ordinal", "axis": _name_axis(names)}
    x = {"field": "column", "title": "answer", **axis}
    x["axis"] = {**_name_axis(names), "labelAngle": -35, "orient": "top"}
    y = {"field": "row", "title": "true class", **axis}
    return {
        "data": {"values": _cells(matrix, names)},
        "height": 44 * len(names) + 100,
        "encoding": {"x": x, "y": y},
        "layer": [
            {
                "mark": {"type": "rect", "cornerRadius": 3, "stroke": "#88888855", "aria": False},
                "encoding": {"color": {"field": "colour", "type": "nominal", "scale": None}},
            },
            {
                "mark": {"type": "text", "fontSize": 13, "aria": False},
                "encoding": {
                    "text": {"field": "images", "type": "quantitative"},
                    "color": {"field": "ink", "type": "nominal", "scale": None},
                },
            },
            _OVER_THE_NUMBERS,
        ],
    }


def matrix_width(names: Sequence[str]) -> int:
    """Pixels at most: cells of few classes need not be as wide as the page."""
    return 180 + 120 * len(names)


_OVER_THE_NUMBERS = {  # unseen; the numbers would catch the clicks
    "params": [{"name": "cell", "select": {"type": "point", "fields": ["row", "column"]}}],
    "mark": {"type": "rect", "opacity": 0, "cursor": "pointer"},
    "encoding": {
        "description": {"field": "words"},
        "tooltip": [
            {"field": "true"},
            {"field": "answer"},
            {"field": "images"},
            {"field": "share", "format": ".1%"},
        ],
    },
}


def _name_axis(names: Sequence[str]) -> dict[str, Any]:
    """Names of people by their places, so that two that look alike stay two."""
    words = f"{json.dumps(list(map(shown, names)))}[datum.value]"
    return {"labelExpr": words, "labelLimit": 120, "labelOverlap": False}


def _cells(matrix: Sequence[Sequence[int]], names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "row": row,
            "column": column,
            "true": one_line(names[row]),
            "answer": one_line(names[column]),
            "images": int(count),
            "words": one_line(f"{names[row]} answered {names[column]}: {count}"),
            **_look(count / max(1, sum(counts)), row == column),
        }
        for row, counts in enumerate(matrix)
        for column, count in enumerate(counts)
    ]


def _look(share: float, is_right: bool) -> dict[str, Any]:
    """Blue where it is right, red where not; a third of a class gone wrong is as red as can be."""
    full, depth = ((29, 95, 191), share) if is_right else ((190, 45, 65), min(1.0, 3 * share))
    colour = "#" + "".join(f"{round(245 + (part - 245) * depth):02x}" for part in full)
    return {"share": share, "colour": colour, "ink": "#ffffff" if depth > 0.5 else "#1b2733"}


def reliability(points: list[dict[str, Any]]) -> Spec:
    """How often answers of a confidence are right, beside the diagonal; discs grow with images.

    Rows: confidence, accuracy, images.
    """
    scale = {"type": "quantitative", "scale": {"domain": [0, 1]}}
    diagonal = {
        "data": {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]},
        "mark": {"type": "line", "strokeDash": [4, 4], "color": "#8a949e"},
        "encoding": {"x": {"field": "x", **scale}, "y": {"field": "y", **scale}},
    }
    discs = {
        "data": {"values": points},
        "mark": {"type": "circle", "color": BLUE, "opacity": 0.85},
        "encoding": {
            "x": {"field": "confidence", "title": "probability of the answer", **scale},
            "y": {"field": "accuracy", "title": "part that is right", **scale},
            "size": {"field": "images", "type": "quantitative", "title": "images"},
            "tooltip": _BIN_TOOLTIP,
        },
    }
    return {"height": 280, "layer": [diagonal, discs]}


_BIN_TOOLTIP = [
    {"field": "confidence", "format": ".2f"},
    {"field": "accuracy", "format": ".1%"},
    {"field": "images"},
]


def risk_coverage(points: list[dict[str, Any]], here: dict[str, float]) -> Spec:
    """Accuracy against the part that is answered, and where the slider stands.

    Rows: coverage, accuracy.
    """
    low = min((point["accuracy"] for point in points), default=0.0)
    x = {
        "field": "coverage",
        "type": "quantitative",
        "title": "part that is answered",
        "scale": {"domain": [0, 1]},
    }
    y = {
        "field": "accuracy",
        "type": "quantitative",
        "title": "part of these that is right",
        "scale": {"domain": [max(0.0, low - 0.02), 1], "zero": False},
    }
    return {
        "height": 260,
        "layer": [
            {
                "data": {"values": points},
                "mark": {"type": "line", "color": BLUE},
                "encoding": {"x": x, "y": y},
            },
            {
                "data": {"values": [here]},
                "mark": {"type": "point", "filled": True, "size": 160, "color": ORANGE},
                "encoding": {"x": x, "y": y},
            },
        ],
    }


def lines(rows: list[dict[str, Any]], x: str, y: str, series: str, titles: tuple[str, str]) -> Spec:
    """A line a series. Rows hold x, y and series."""
    return {
        "data": {"values": rows},
        "height": 260,
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {
                "field": x,
                "type": "quantitative",
                "title": titles[0],
                "axis": {"tickMinStep": 1},
            },
            "y": {"field": y, "type": "quantitative", "title": titles[1], "scale": {"zero": False}},
            "color": {
                **_in_colours(series),
                "legend": _ABOVE if len({row[series] for row in rows}) > 1 else None,
            },
            "tooltip": [{"field": series}, {"field": x}, {"field": y, "format": ".4f"}],
        },
    }


def pareto(rows: list[dict[str, Any]], axis: str, title: str) -> Spec:
    """Trials by cost and accuracy; those that no other beats in both are joined.

    Rows: trial, accuracy, cost axis, front.
    """
    x = {"field": axis, "type": "quantitative", "title": title, "scale": {"zero": False}}
    y = {
        "field": "accuracy",
        "type": "quantitative",
        "title": "validation accuracy",
        "scale": {"zero": False},
    }
    return {
        "data": {"values": rows},
        "height": 280,
        "layer": [
            {
                "transform": [{"filter": "datum.front"}],
                "mark": {"type": "line", "color": ORANGE},
                "encoding": {"x": x, "y": y},
            },
            {
                "mark": {"type": "circle", "size": 80},
                "encoding": {
                    "x": x,
                    "y": y,
                    "color": {"condition": {"test": "datum.front", "value": ORANGE}, "value": BLUE},
                    "tooltip": [
                        {"field": "trial"},
                        {"field": "accuracy", "format": ".2%"},
                        {"field": axis, "format": ".3f"},
                    ],
                },
            },
        ],
    }
