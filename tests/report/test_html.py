"""One self-contained page, whatever names it shows."""

import re
from html.parser import HTMLParser

import pytest

from scenelet.report.html import Card, Gallery, Matrix, Section, page

NASTY = (
    "<i>a</i>",
    'b"onload="x',
    "c&amp;d",
    "e\r\nf",
    "m\udcfcller",
    "evil\u202egpj",
    "{{ 7 * 7 }}",
)


class Shown(HTMLParser):
    """What a reader sees and hears of a page: its text, its titles and descriptions."""

    def __init__(self, text):
        super().__init__()
        self.texts, self.tags = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.texts += [value for name, value in attributes if name in ("alt", "title")]

    def handle_data(self, data):
        self.texts.append(data)


def everything(names):
    counts = [[len(names) - abs(i - j) for j in range(len(names))] for i in range(len(names))]
    return page(
        names[0],
        names[1],
        [
            Section(
                name,
                name,
                table=[("head", name), (name, "1")],
                points=[name],
                matrix=Matrix(names, counts),
                galleries=[Gallery(name, [[Card("data:,", name, name, "good")]])],
            )
            for name in names
        ],
    )


@pytest.mark.parametrize("name", NASTY)
def test_a_name_is_shown_as_it_is_in_every_part_of_a_page(name):
    text = everything(NASTY)
    text.encode()
    seen = name.encode("unicode_escape").decode() if not name.isprintable() else name
    seen = {"e\r\nf": r"e\r\nf", "m\udcfcller": r"m\udcfcller"}.get(name, seen)
    shown = Shown(text)
    assert shown.texts.count(seen) >= 5 + len(NASTY)
    assert not set(shown.tags) & {"i", "script"}


def test_a_matrix_has_its_counts_and_colours_by_share():
    text = everything(("a", "b"))
    assert re.search(r'class="right" style="--depth: 40%" title="a, answered a: 66.7%">2<', text)
    assert re.search(r'<td style="--depth: 60%" title="a, answered b: 33.3%">1<', text)


def test_long_tables_and_galleries_are_folded_not_cut():
    rows = [("name", "count"), *((f"class {number}", "1") for number in range(400))]
    cards = [[Card("data:,", f"card {number}")] for number in range(100)]
    text = page("t", "s", [Section("x", table=rows, galleries=[Gallery("g", cards)])])
    assert text.count("<details>") == 2
    assert all(f">class {number}<" in text for number in range(400))
    assert all(f">card {number}<" in text for number in range(100))


def test_the_page_asks_for_nothing_from_anywhere():
    assert "default-src 'none'" in everything(("a", "b"))
