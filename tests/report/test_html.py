"""One self-contained page, whatever names it shows."""

import base64
import hashlib
import io
import re
from html.parser import HTMLParser

import pytest
from PIL import Image

from scenelet.report.html import (
    Card,
    Gallery,
    Headline,
    Matrix,
    PictureMap,
    Point,
    Section,
    data_uri,
    page,
    thumbnail,
)

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
                matrix=Matrix(names, counts, {(0, 1): [[Card("data:,", name)]]}),
                map=PictureMap(names, [Point(1, 2, 0, name, None)], [(1, 2, name)], "data:,", 1),
                commands=[name],
                galleries=[Gallery(name, [[Card("data:,", name, name, "good")]])],
            )
            for name in names
        ],
        Headline(names[0], names[1], "data:,", names[-1]),
        names,
    )


@pytest.mark.parametrize("name", NASTY)
def test_a_name_is_shown_as_it_is_in_every_part_of_a_page(name):
    text = everything(NASTY)
    text.encode()
    seen = name.encode("unicode_escape").decode() if not name.isprintable() else name
    seen = {"e\r\nf": r"e\r\nf", "m\udcfcller": r"m\udcfcller"}.get(name, seen)
    shown = Shown(text)
    assert shown.texts.count(seen) >= 5 + len(NASTY)
    assert "i" not in shown.tags
    assert shown.tags.count("script") == 1  # the page's own


def test_a_matrix_has_its_counts_and_colours_by_share():
    text = everything(("a", "b"))
    assert re.search(r'class="right" style="--depth: 40%" title="a, answered a: 67%">2<', text)
    assert re.search(r'<td style="--depth: 60%" title="a, answered b: 33%"><a [^>]*>1<', text)


def test_long_tables_and_galleries_are_folded_not_cut():
    rows = [("name", "count"), *((f"class {number}", "1") for number in range(400))]
    cards = [[Card("data:,", f"card {number}")] for number in range(100)]
    text = page("t", "s", [Section("x", table=rows, galleries=[Gallery("g", cards)])])
    assert text.count("<details>") == 2
    assert all(f">class {number}<" in text for number in range(400))
    assert all(f">card {number}<" in text for number in range(100))


def test_the_page_asks_for_nothing_from_anywhere_and_runs_its_own_script_alone():
    text = everything(("a", "b"))
    script = re.search("<script>(.*?)</script>", text, re.S)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert "default-src 'none'" in text
    assert f"script-src 'sha256-{digest}'" in text


def test_where_and_by_what_a_picture_was_taken_never_reaches_a_page():
    exif, buffer = Image.Exif(), io.BytesIO()
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x010F] = "SECRET maker"
    picture = Image.new("RGB", (400, 300), "red")
    picture.save(buffer, "JPEG", exif=exif, comment=b"SECRET remark", xmp=b"<x:SECRET/>")
    assert buffer.getvalue().count(b"SECRET") == 3
    kept = [thumbnail(buffer.getvalue), data_uri(Image.open(buffer))]
    for uri in kept:
        content = base64.b64decode(uri.split(",")[1])
        assert b"SECRET" not in content
        assert b"Exif" not in content
