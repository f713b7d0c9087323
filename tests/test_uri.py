import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenelet.uri import from_header, to_uri


@pytest.mark.parametrize(
    ("pasted", "uri"),
    [
        ("http://a.example/Zürich See.jpg", "http://a.example/Z%C3%BCrich%20See.jpg"),
        ("http://a.example/Z%C3%BCrich.jpg#top", "http://a.example/Z%C3%BCrich.jpg"),
        ("http://müller.example/a", "http://xn--mller-kva.example/a"),
        ("http://münchen.example:8080/ä?ö=ü ß", "http://xn--mnchen-3ya.example:8080/%C3%A4?%C3%B6=%C3%BC%20%C3%9F"),
        ("  <https://a.example/b>\n", "https://a.example/b"),
        ("https://a.exam\nple/b", "https://a.example/b"),
        ("https:\\\\a.example\\b", "https://a.example/b"),
        ("http://a.example/100%", "http://a.example/100%25"),
        ("http://a.example/100%zz%20", "http://a.example/100%25zz%20"),
        ("http://a.example/a+b?x=[1]|y", "http://a.example/a+b?x=[1]%7Cy"),
        ("http://\uff11\uff12\uff17.0.0.1/", "http://127.0.0.1/"),
        ("http://127\u30020\u30020\u30021/", "http://127.0.0.1/"),
    ],
)  # fmt: skip
def test_what_people_paste_becomes_what_browsers_ask_for(pasted, uri):
    assert to_uri(pasted) == uri
    assert to_uri(uri) == uri


def test_a_location_is_read_as_utf8_and_else_as_it_came():
    assert from_header("/Zürich".encode().decode("latin-1")) == "/Zürich"
    assert from_header("/Z\xfcrich") == "/Z\xfcrich"


@given(st.text(max_size=60))
def test_any_text_becomes_ascii_without_spaces_or_is_refused(text):
    try:
        uri = to_uri(f"http://a.example/{text}")
    except ValueError:
        return
    assert uri.isascii()
    assert not set(uri) & set(" \r\n\t")
