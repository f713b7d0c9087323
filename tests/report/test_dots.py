"""A hundred pictures as dots: the numbers add up, and colour is not all that tells them apart."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis.strategies import floats

from scenelet.bundle.figures import Interval
from scenelet.report.dots import RING, WRONG, dots_svg, hundred

SHARE = floats(0, 1)


@given(SHARE, SHARE)
def test_the_dots_are_a_hundred_and_say_what_the_words_say(answered, accuracy):
    shown = hundred(answered, Interval(accuracy, accuracy / 2, accuracy))
    drawing = ET.fromstring(dots_svg(shown))
    discs = [each for each in drawing if each.tag.endswith("circle")]
    crosses = [each for each in drawing if each.tag.endswith("path")]
    rings = [each for each in discs if each.get("stroke") == RING]
    assert len(discs) == 100
    assert len(rings) == 100 - shown.answered
    assert len(crosses) == shown.wrong == sum(each.get("fill") == WRONG for each in discs)
    assert drawing[0].text == shown.words
    assert shown.low <= shown.right <= shown.high or not shown.answered


@pytest.mark.parametrize(
    ("answered", "accuracy", "told"),
    [
        (
            0.61,
            Interval(0.95, 0.9, 0.98),
            "answers 61, 58 of them rightly (95 % interval 55 to 60)",
        ),
        (0.61, Interval(0.95, 0.9, 0.98), "to 39 it says “I'd rather not”"),
        (1.0, Interval(0.9, 0.8, 0.95), "(95 % interval 80 to 95)."),
        (0.0, Interval(None, 0.0, 1.0), "answers none"),
    ],
)
def test_the_words_name_how_many_with_the_interval(answered, accuracy, told):
    assert told in hundred(answered, accuracy).words
