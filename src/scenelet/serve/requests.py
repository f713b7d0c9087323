"""What was asked, in plain values; its body: pictures as bytes, or JSON that names them.

Browsers, load balancers and command lines write the same thing in many ways; each is taken, or
refused in words that name what was seen. Knows no model.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote_to_bytes

from scenelet.errors import RequestError
from scenelet.images import sniff
from scenelet.inflate import TooLargeError, inflated

if TYPE_CHECKING:
    from dataclasses import dataclass
else:  # the same, made quickly
    from scenelet.records import dataclass

JSON = "application/json"
FORM, FIELDS = "multipart/form-data", "application/x-www-form-urlencoded"
USAGE = 'send {"url": "https://..."}, {"image": "<base64>"} or the bytes of an image'
_JSON_NAMES = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "truth value",
    int: "number",
    float: "number",
}
_TEXTS = ("", JSON, "text/plain", "text/json", FIELDS)
_NAMING = ("url", "image")
_ENCODINGS = ("", "identity", "gzip", "x-gzip", "deflate")
# Patterns are compiled when first asked, and kept by `re`: not part of each cold start.
_DATA_URL = r"(?i)data:([^,]{0,200}),"
_URL = r"(?i)\s*https?://"
_URL_SAFE = str.maketrans("-_", "+/")
_BOUNDARY = r'(?i);\s*boundary=(?:"([^"]{1,200})"|([^;,\s]{1,200}))'
_DISPOSITION = rb"(?i)content-disposition:([^\r\n]*)"
_NO_NAME = rb'(?i)filename=""'
_FIELD_NAME = rb'(?i)[;\s]name="?([^";]*)'


@dataclass(frozen=True)
class Request:
    """What was asked; header names in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Asked:
    """What a body asks about.

    Attributes:
        items: Bytes of a picture, or a JSON value that is to name one.
        are_several: Whether a list of answers is expected, though it may be of one.
    """

    items: list[Any]
    are_several: bool


def asked_of(request: Request, most_bytes: int) -> Asked:
    """What the body of a request asks about.

    Raises:
        RequestError: It is empty, too large, or of no kind that is understood.
    """
    body = _plain_body(request, most_bytes)
    stated = request.headers.get("content-type", "")
    kind = stated.partition(";")[0].strip().lower()
    if kind == FORM:
        return _of_form(stated, body)
    if kind.startswith("image/") or kind == "application/octet-stream" or sniff(body):
        return Asked([body], are_several=False)  # a picture, whatever a client calls it
    if kind in _TEXTS or kind.endswith("+json"):
        return _of_text(body, kind)
    raise RequestError(f"content-type {kind[:80]}; {USAGE}", 415, "Unsupported media type")


def picture_of(text: Any, name: str) -> bytes:
    """The picture that a text holds: base64 of either alphabet, in lines or in one, or a data URL.

    Args:
        text: As it came in JSON or in a form.
        name: Of the field, for messages.

    Raises:
        RequestError: It is none of these; with what was seen.
    """
    if not isinstance(text, str):
        found = json_kind(text)
        raise RequestError(f"{name}: not valid base64: found {found}, expected text; {USAGE}")
    if re.match(_URL, text):
        raise RequestError(f"{name}: not valid base64: found a URL, which is sent as url; {USAGE}")
    if head := re.match(_DATA_URL, text.strip()):
        return _of_data_url(head[1], text.strip()[head.end() :], name)
    return _of_base64(text, name)


def found_instead(item: Any) -> str:
    """What a JSON value holds that names no picture, for a message."""
    if not isinstance(item, dict):
        return json_kind(item)
    if "url" in item and "image" in item:
        return "both"
    if "requests" in item and not item["requests"]:
        return "no picture in requests"
    return ", ".join(str(name)[:20] for name in list(item)[:5]) or "an empty object"


def json_kind(value: Any) -> str:
    """What JSON calls a value: null, a JSON number, ..."""
    return "null" if value is None else f"a JSON {_JSON_NAMES.get(type(value), 'value')}"


def is_data_url(text: str) -> bool:
    """Whether a "URL" is the picture itself."""
    return re.match(_DATA_URL, text.strip()) is not None


def _of_data_url(head: str, content: str, name: str) -> bytes:
    raw = unquote_to_bytes(content)
    if head.lower().endswith(";base64"):
        return _of_base64(raw.decode("latin-1"), name)
    return raw


def _of_base64(text: str, name: str) -> bytes:
    joined = "".join(_mended(text).split()).translate(_URL_SAFE).rstrip("=")
    try:
        return base64.b64decode(joined + "=" * (-len(joined) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        odd = next((each for each in joined if not each.isascii() or not _is_base64(each)), "")
        seen = f"found {odd!r} in it" if odd else "its length is that of a cut text"
        raise RequestError(f"{name}: not valid base64: {seen}; {USAGE}") from error


def _is_base64(character: str) -> bool:
    return character.isalnum() or character in "+/"


def _mended(text: str) -> str:
    """A form decodes "+" to a space: no line break, no "+", but spaces means that it did."""
    text = text.strip()
    return text if "+" in text or "\n" in text else text.replace(" ", "+")


def _plain_body(request: Request, most_bytes: int) -> bytes:
    """The body, inflated if it is compressed."""
    body, encoding = request.body, request.headers.get("content-encoding", "").strip().lower()
    if len(body) > most_bytes:
        raise _too_large(f"body of {len(body):,} bytes, at most {most_bytes:,}")
    try:
        body = inflated(body, encoding, most_bytes)
    except TooLargeError as error:
        raise _too_large(f"body: {error}") from error
    except ValueError as error:
        raise RequestError(f"body, content-encoding {encoding or 'gzip'}: {error}") from error
    if not body:
        raise RequestError(f"empty body; {USAGE}")
    if encoding not in _ENCODINGS and not _is_readable(body):
        told = f"content-encoding {encoding[:40]} is not taken; send gzip, or no encoding"
        raise RequestError(told, 415, "Unsupported encoding")
    return body


def _is_readable(body: bytes) -> bool:
    """Whether a gateway has decoded a body and left the header: it begins as bodies do."""
    return sniff(body) is not None or body.lstrip()[:1] in (b"{", b"[", b"-")


def _too_large(told: str) -> RequestError:
    return RequestError(told, 413, "Body too large")


def _of_text(body: bytes, kind: str) -> Asked:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        if fields := _fields_of(body) if kind == FIELDS else {}:
            return Asked([fields], are_several=False)
        told = f"the body is not JSON and content-type is {kind or 'missing'}"
        raise RequestError(f"{told}; {USAGE}") from error
    several = found.get("requests") if isinstance(found, dict) else None
    if isinstance(several, list) and several:
        return Asked(several, are_several=True)
    return Asked([found], are_several=False)


def _fields_of(body: bytes) -> dict[str, str]:
    """What an HTML form without a file sends: url=... or image=..."""
    try:
        found = parse_qs(body.decode("ascii"), max_num_fields=20)
    except ValueError:
        return {}
    return {name: found[name][-1] for name in _NAMING if name in found}


def _of_form(content_type: str, body: bytes) -> Asked:
    """The files of multipart/form-data (RFC 7578) in order, or the fields that name pictures.

    A browser sends a field for files in which none was chosen as an empty file without a name.
    """
    files: list[Any] = []
    named: list[Any] = []
    for disposition, content in _parts_of(content_type, body):
        if b"filename" in disposition.lower():
            if content or not re.search(_NO_NAME, disposition):
                files.append(content)
        elif (name := _field_name(disposition)) in _NAMING and content.strip():
            named.append({name: content.decode("utf-8", "replace").strip()})
    items = files or named
    if not items:
        raise RequestError("multipart/form-data without a file; send each picture as a file")
    return Asked(items, are_several=len(items) > 1)


def _field_name(disposition: bytes) -> str:
    found = re.search(_FIELD_NAME, disposition)
    return found[1].decode("utf-8", "replace") if found else ""


def _parts_of(content_type: str, body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Content-disposition and content of each part; a form that was cut is refused whole."""
    found = re.search(_BOUNDARY, content_type)
    if not found:
        raise RequestError("multipart/form-data without a boundary; send the parts with one")
    boundary = b"\r\n--" + (found[1] or found[2]).encode("latin-1", "replace")
    pieces = (b"\r\n" + body).split(boundary)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        told = f"multipart/form-data that ends inside its part {max(1, len(pieces) - 1)}"
        raise RequestError(f"{told}: its closing boundary is missing; send it again")
    for part in pieces[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        disposition = re.search(_DISPOSITION, head)
        yield disposition[1] if disposition else b"", content
