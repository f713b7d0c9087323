"""Charts show names as they are, by day and by night."""

import warnings

import matplotlib as mpl
import numpy as np
import pytest

from scenelet.explore.figures import class_balance, spread_by_class
from scenelet.report.charts import CHART_STYLE, COLOURS, IN_THE_DARK, blank, named, svg_text

NASTY = ("$5_$10", "_other", "a|b<i>", "dog [puppy]", "a\r\nb\tc", "m\udcfcller", "evil\u202egpj")


def texts(figure):
    """All that stands in the first axes."""
    axes = figure.axes[0]
    legend = axes.get_legend()
    ticks = [label.get_text() for label in axes.get_yticklabels()]
    return ticks + [text.get_text() for text in (legend.get_texts() if legend else [])]


def test_names_are_drawn_as_they_are_without_a_warning():
    points = np.random.default_rng(0).random(2 * len(NASTY))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chart = class_balance(NASTY * 2, [""] * 2 * len(NASTY), NASTY)
        svg_text(chart)
        svg_text(spread_by_class(points, NASTY * 2, NASTY, "light"))
    shown = [*NASTY[:4], r"a\r\nb\tc", r"m\udcfcller", r"evil\u202egpj"]
    assert texts(chart)[-len(NASTY) :] == shown


@pytest.mark.parametrize("name", ["森林", "שלום", "👩‍👧", "\U0001f9a5" * 40, "海" * 300])
def test_letters_that_no_font_has_are_shown_by_number_without_a_warning(name):
    with warnings.catch_warnings(), mpl.rc_context(CHART_STYLE):
        warnings.simplefilter("error")
        figure, axes = blank(2.0)
        axes.set_yticks([0], named([name]))
        svg_text(figure)
    assert texts(figure)[0]


def test_a_long_name_leaves_room_for_the_chart():
    assert named(["American Staffordshire Terrier of the north"]) == [
        "American Staf…r of the north"
    ]


def test_a_name_of_letters_that_no_font_draws_is_short_too():
    (shown,) = named(["\u3042" * 20])  # where a font has them, as they are
    assert len(shown) <= 28


def test_no_formula_is_drawn_of_a_price():
    with mpl.rc_context(CHART_STYLE):
        _, axes = blank(2.0)
        written = axes.set_title("$5_$10")
    assert not written.get_parse_math()


def test_every_colour_of_a_chart_has_one_for_the_dark():
    with mpl.rc_context(CHART_STYLE):
        figure, axes = blank(2.0)
        for place, colour in enumerate(COLOURS):
            axes.barh(place, 1, color=colour)
        text = svg_text(figure)
    assert set(COLOURS) <= set(IN_THE_DARK)
    for colour in IN_THE_DARK:
        assert f"fill: {colour}" not in text
    assert "prefers-color-scheme: dark" in text
