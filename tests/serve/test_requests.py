import base64
import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenelet.errors import RequestError
from scenelet.serve.requests import Request, asked_of, found_instead, picture_of

PICTURE = b"\xff\xd8\xff" + bytes(range(256)) * 3
PLAIN = base64.b64encode(PICTURE).decode()
LIMIT = 10_000


def asked(body, kind="application/json", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return asked_of(Request("POST", "/", "", {"content-type": kind, **named}, body), LIMIT)


WRITTEN = {
    "plain": PLAIN,
    "data URL": "data:image/jpeg;base64," + PLAIN,
    "data URL with parameters": "DATA:image/jpeg;name=a.jpg;charset=x;BASE64," + PLAIN,
    "data URL, escaped": "data:image/jpeg;base64," + PLAIN.replace("+", "%2B").replace("/", "%2f"),
    "in lines": base64.encodebytes(PICTURE).decode(),
    "in lines of Windows": base64.encodebytes(PICTURE).decode().replace("\n", "\r\n"),
    "URL-safe": base64.urlsafe_b64encode(PICTURE).decode(),
    "URL-safe without padding": base64.urlsafe_b64encode(PICTURE).decode().rstrip("="),
    "spaces around": f"  {PLAIN}\n",
    "out of a form": PLAIN.replace("+", " "),
    "data URL in lines": "data:image/png;base64,\n" + base64.encodebytes(PICTURE).decode(),
}


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_base64_is_taken_as_browsers_command_lines_and_forms_write_it(name):
    assert picture_of(WRITTEN[name], "image") == PICTURE


def test_a_data_url_without_base64_holds_escaped_bytes():
    assert picture_of("data:image/svg+xml,%3Csvg%2F%3E", "image") == b"<svg/>"


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("%%%", "found '%' in it"),
        ("abc*", r"found '\*' in it"),
        ("aé==", "found 'é' in it"),
        ("abcde", "its length is that of a cut text"),
        (" https://a.example/b.jpg", "found a URL, which is sent as url"),
        (None, "found null, expected text"),
        (5, "found a JSON number, expected text"),
        ([1], "found a JSON array, expected text"),
    ],
)
def test_what_is_no_base64_is_refused_with_what_was_seen(text, seen):
    with pytest.raises(RequestError, match=f"image: not valid base64: {seen}"):
        picture_of(text, "image")


@given(st.text(max_size=40))
def test_any_text_is_bytes_or_refused(text):
    try:
        found = picture_of(text, "image")
    except RequestError as refused:
        found = str(refused).encode()
        assert b"not valid base64" in found
    assert isinstance(found, bytes)


JSON_BODY = json.dumps({"image": PLAIN}).encode()
COMPRESSED = {
    "gzip": gzip.compress(JSON_BODY),
    "x-gzip": gzip.compress(JSON_BODY),
    "deflate": zlib.compress(JSON_BODY),
    "deflate, raw": zlib.compress(JSON_BODY, wbits=-15),
    "": gzip.compress(JSON_BODY),
    "gzip, inflated on the way": JSON_BODY,
    "deflate, inflated on the way": JSON_BODY,
    "br, decoded on the way": JSON_BODY,
}


@pytest.mark.parametrize("name", sorted(COMPRESSED))
def test_a_compressed_body_is_inflated_by_what_its_bytes_are(name):
    found = asked(COMPRESSED[name], content_encoding=name.partition(",")[0])
    assert found.items == [{"image": PLAIN}]


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "x" * 300])
def test_an_encoding_that_is_not_taken_is_named(encoding):
    with pytest.raises(
        RequestError, match=f"content-encoding {encoding[:40]} is not taken"
    ) as error:
        asked(b"\x8b\x05\x80" + bytes(20), content_encoding=encoding)
    assert error.value.status == 415


def test_a_bomb_of_compression_is_refused_without_being_inflated():
    bomb = gzip.compress(bytes(2_000_000))
    assert len(bomb) < LIMIT
    with pytest.raises(RequestError, match="inflated more than 10,000 bytes") as error:
        asked(bomb, content_encoding="gzip")
    assert error.value.status == 413


def test_a_cut_compressed_body_is_refused():
    with pytest.raises(RequestError, match="its compressed bytes end too early"):
        asked(gzip.compress(JSON_BODY)[:-9], content_encoding="gzip")


def form(*parts, end="--x1y--\r\n"):
    body = b""
    for disposition, content in parts:
        body += f"--x1y\r\nContent-Disposition: form-data; {disposition}\r\n\r\n".encode()
        body += content + b"\r\n"
    return body + end.encode()


FILE = 'name="file"; filename="a.jpg"'


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data; boundary=x1y",
        "multipart/form-data; Boundary=x1y",
        'Multipart/Form-Data; BOUNDARY="x1y"',
        "multipart/form-data;charset=utf-8; boundary=x1y; more=1",
    ],
)
def test_a_boundary_is_found_however_it_is_written(kind):
    assert asked(form((FILE, PICTURE)), kind).items == [PICTURE]


def test_a_form_cut_in_its_second_file_is_refused_whole():
    whole = form((FILE, PICTURE), (FILE, PICTURE))
    with pytest.raises(RequestError, match="ends inside its part 2: its closing boundary"):
        asked(whole[:-40], "multipart/form-data; boundary=x1y")


def test_a_field_for_files_in_which_none_was_chosen_is_no_file():
    kind, nothing = "multipart/form-data; boundary=x1y", ('name="more"; filename=""', b"")
    assert asked(form((FILE, PICTURE), nothing), kind).items == [PICTURE]
    with pytest.raises(RequestError, match="without a file"):
        asked(form(nothing), kind)


def test_fields_of_a_form_may_name_a_picture():
    kind = "multipart/form-data; boundary=x1y"
    by_url = form(('name="url"', b"https://a.example/b.jpg"), ('name="remark"', b"hello"))
    assert asked(by_url, kind).items == [{"url": "https://a.example/b.jpg"}]
    with_file = form(('name="url"', b""), (FILE, PICTURE))
    assert asked(with_file, kind).items == [PICTURE]


def test_a_form_without_files_is_understood():
    body = b"url=https%3A%2F%2Fa.example%2Fb.jpg&more=1"
    found = asked(body, "application/x-www-form-urlencoded")
    assert found.items == [{"url": "https://a.example/b.jpg"}]


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "", "application/ld+json"])
def test_json_is_taken_under_many_names(kind):
    assert asked(JSON_BODY, kind).items == [{"image": PLAIN}]
    assert asked(b"\xef\xbb\xbf" + JSON_BODY, kind).items == [{"image": PLAIN}]


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "binary/octet-stream", "text/html"]
)
def test_a_picture_is_taken_whatever_a_client_calls_it(kind):
    assert asked(PICTURE, kind).items == [PICTURE]


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ({"img": PLAIN, "top": 3}, "img, top"),
        ({"url": "x", "image": "y"}, "both"),
        ({}, "an empty object"),
        ([], "a JSON array"),
        ("x", "a JSON string"),
        (True, "a JSON truth value"),
        (None, "null"),
    ],
)
def test_what_names_no_picture_is_refused_with_what_was_seen(item, told):
    assert found_instead(item) == told
