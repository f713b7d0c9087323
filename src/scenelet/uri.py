"""Addresses as people paste them, and servers send them on, made URIs as browsers do: no socket."""

from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

_AROUND = " \t\r\n\f\0<>\"'\u200b\u200c\u200d\u2060\ufeff\u00a0"  # copied along with an address
_UNSEEN = str.maketrans("", "", "\t\r\n\u200b\u2060\ufeff\u00ad")
_KEPT = "!#$%&'()*+,/:;=?@[]~"  # stays as it is in a path or query; % is of an escape


def to_uri(text: str) -> str:
    """Spaces, umlauts and whatever else no request may hold are escaped; what is escaped stays.

    Raises:
        ValueError: Not an address at all.
    """
    parts = urlsplit(text.strip(_AROUND).translate(_UNSEEN).replace("\\", "/"))
    escaped = parts._replace(
        netloc=_ascii_host(parts),
        path=_escaped(parts.path),
        query=_escaped(parts.query),
        fragment="",
    )
    return urlunsplit(escaped)


def from_header(value: str) -> str:
    """A Location as it was sent: headers are read as Latin-1, most servers write UTF-8."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def _ascii_host(parts: SplitResult) -> str:
    """The part before the path; a host in letters of its own becomes what name servers know."""
    if parts.netloc.isascii():
        return parts.netloc
    before, at, host = parts.netloc.rpartition("@")
    name, colon, port = host.partition(":")
    return f"{before}{at}{name.encode('idna').decode('ascii')}{colon}{port}"


def _escaped(text: str) -> str:
    """A percent sign that begins no escape is one itself."""
    pieces = text.split("%")
    mended = [pieces[0], *(each if _is_escape(each) else f"25{each}" for each in pieces[1:])]
    return quote("%".join(mended), safe=_KEPT, errors="surrogatepass")


def _is_escape(text: str) -> bool:
    return len(text) >= 2 and all(letter in "0123456789abcdefABCDEF" for letter in text[:2])
