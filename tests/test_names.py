import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenelet.names import printable, raw, twins


@given(st.text(st.characters(categories=None)) | st.from_regex(r"(\\[xu][0-9a-f]{2,4})+"))
def test_any_name_becomes_text_that_encodes_and_comes_back(name):
    told = printable(name)
    assert told.encode("utf-8").decode() == told
    assert raw(told) == name


@given(st.binary(min_size=1))
def test_any_bytes_of_a_file_system_come_back(data):
    assert os.fsencode(raw(printable(os.fsdecode(data)))) == data


@pytest.mark.parametrize("name", ["müller.jpg", "森林.png", "a\\b.jpg", "$5_$10", "[x] |y| <b>"])
def test_a_name_that_can_be_printed_stays_as_it_is(name):
    assert printable(name) == name


def test_an_unprintable_byte_is_told_by_its_number():
    assert printable(os.fsdecode(b"m\xfcller\r\n.jpg")) == r"m\xfcller\x0d\x0a.jpg"


def test_twins_are_names_that_look_alike():
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    assert twins([composed, decomposed, "Tea", "tea ", "dog"]) == [
        ("Tea", "tea "),
        (decomposed, composed),
    ]
