"""Text of people: every renderer shows it as it is."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenelet.text import cell, code, elided, markdown, one_line, without_flags


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\rc\td\x1b[31m", r"a\nb\rc\td\x1b[31m"),
        ("evil\u202egpj.exe", r"evil\u202egpj.exe"),
        ("m\udcfcller.jpg", r"m\udcfcller.jpg"),
        ("a\u2028b\ufeff", r"a\u2028b\ufeff"),
        ("森林 $5_$10 [x] a|b <i> 👩‍👧 שלום", "森林 $5_$10 [x] a|b <i> 👩‍👧 שלום"),
    ],
)
def test_one_line_shows_what_can_be_seen_and_names_what_can_not(text, shown):
    assert one_line(text) == shown


@settings(deadline=None)
@given(st.text())
def test_one_line_is_one_line_that_every_file_can_hold(text):
    shown = one_line(text + "\ud800")
    assert len(shown.splitlines()) == 1
    shown.encode()


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(3, 40))
def test_what_is_too_long_loses_its_middle_alone(text, most):
    short = elided(text, most)
    assert len(short) <= most
    assert short == text or (text[0] == short[0] and text[-1] == short[-1])


@settings(deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cc", "Cf", "Zl", "Zp"))))
def test_markdown_of_a_name_is_the_name_and_nothing_else(text):
    from markdown_it import MarkdownIt

    renderer = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = renderer.parseInline(f"x{markdown(text)}x")[0].children
    assert "".join(token.content for token in tokens) == f"x{text}x"
    assert {token.type for token in tokens} <= {"text", "text_special"}


@settings(deadline=None)
@given(st.text(alphabet="a`| ", min_size=1))
def test_a_code_span_holds_any_backticks(text):
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").parseInline(code(text))[0].children
    assert [token.type for token in tokens] == ["code_inline"]


@pytest.mark.parametrize(
    "text", ["1. a", "- a", "+ a", "# a", "> a", "---", "===", "2) b", "12. c"]
)
def test_a_name_at_the_beginning_of_a_line_is_no_list_or_heading(text):
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").parse(markdown(text))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1", "a\rb", "a\nb"])
def test_a_cell_is_no_formula_and_keeps_its_row(text):
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow([cell(text), "next"])
    assert len(file.getvalue().splitlines()) == 1
    assert file.getvalue()[0] not in "=+-@\t\r\n"
    assert cell("plain 森林") == "plain 森林"


@pytest.mark.parametrize(
    ("told", "left"),
    [
        ("a/: no test part found (test/). Give another --part.", "a/: no test part found (test/)."),
        ("it would flatter. Give --part val (or --part train).", "it would flatter."),
        ("--part: found x", "--part: found x"),
        ("a--b.jpg: no picture. Give one.", "a--b.jpg: no picture. Give one."),
    ],
)
def test_a_message_without_flags_says_all_the_rest(told, left):
    assert without_flags(told) == left
