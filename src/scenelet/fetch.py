"""Fetch an image from a stranger's URL without being led inside, and with everything limited.

http(s) only, public addresses only.

Each name is resolved once and the connection goes to the very address that was checked, again after
every redirect, so a name that changes its mind (DNS rebinding) gains nothing. Knows nothing of
images. Standard library only.
"""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from scenelet import __version__
from scenelet.addresses import is_public as is_public
from scenelet.errors import FetchError, FetchTimeoutError, ForbiddenUrlError
from scenelet.inflate import inflated
from scenelet.uri import from_header, to_uri

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)
_FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (ssl.SSLCertVerificationError, "its certificate is not one to trust"),
    (ssl.SSLError, "no encrypted connection could be made"),
    (ConnectionRefusedError, "connection refused"),
    (ConnectionError, "the connection broke off"),
    (http.client.IncompleteRead, "it ended too early"),
    (http.client.HTTPException, "what came is not HTTP"),
    (ValueError, "what came makes no sense"),
)


@dataclass(frozen=True)
class FetchLimits:
    """How far a fetch may go.

    Attributes:
        max_bytes: Of the body.
        timeout_s: In all, redirects included.
        max_redirects: Followed at most.
        trusted: "host:port" pairs whose address is not checked, for servers of your own in a
            private network.
    """

    max_bytes: int = 20_000_000
    timeout_s: float = 10.0
    max_redirects: int = 3
    trusted: frozenset[str] = frozenset()


def fetch(url: str, limits: FetchLimits | None = None) -> bytes:
    """Get the bytes behind a URL.

    Args:
        url: http or https.
        limits: Bytes, seconds, redirects, trusted hosts.

    Raises:
        ForbiddenUrlError: Not http(s), has credentials, or leads to an address that is not public.
        FetchTimeoutError: Took longer than `timeout_s` in all.
        FetchError: No such host, no answer, an error status, too many bytes or redirects.
    """
    limits = limits or FetchLimits()
    deadline_s = time.monotonic() + limits.timeout_s
    for _ in range(limits.max_redirects + 1):
        target = _parse(url)
        location, body = _get(target, limits, deadline_s)
        if location is None:
            return body
        url = urljoin(target.geturl(), location)
    raise FetchError(f"{_shown(url)}: more than {limits.max_redirects} redirects")


def _parse(url: str) -> SplitResult:
    try:
        target = urlsplit(to_uri(url))
        port_is_valid = target.port is None or target.port > 0
    except ValueError as error:
        raise ForbiddenUrlError(f"{_shown(url)}: not a URL") from error
    if target.scheme not in _PORTS or not target.hostname or not port_is_valid:
        raise ForbiddenUrlError(
            f"{_shown(url)}: only http:// and https:// URLs with a host are fetched"
        )
    if target.username is not None or target.password is not None:
        raise ForbiddenUrlError(f"{_shown(url)}: a URL with a user name or password is not fetched")
    return target


def _get(target: SplitResult, limits: FetchLimits, deadline_s: float) -> tuple[str | None, bytes]:
    """One request. Returns (redirect location, b"") or (None, body)."""
    host, port = str(target.hostname), target.port or _PORTS[target.scheme]
    addresses = _checked_addresses(host, port, limits)
    url = _shown(target.geturl())
    with (
        _in_our_words(url, limits, deadline_s),
        _cut_in_time(_Pinned(target, addresses, deadline_s), deadline_s) as connection,
    ):
        response = _asked(connection, target)
        location = response.getheader("Location")
        if response.status in _REDIRECTS and location:
            return from_header(location), b""
        if response.status != 200:
            raise FetchError(f"{url}: found status {response.status}, expected 200")
        body = _body(response, limits, url)
        _left(deadline_s)
        return None, body


def _asked(connection: "_Pinned", target: SplitResult) -> http.client.HTTPResponse:
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    headers = {"User-Agent": f"scenelet/{__version__}", "Accept": "image/*"}
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


@contextlib.contextmanager
def _cut_in_time(connection: "_Pinned", deadline_s: float) -> Iterator["_Pinned"]:
    """A socket's own time-out starts anew with every byte of a slow server; this one does not."""
    alarm = threading.Timer(_left(deadline_s), connection.cut)
    alarm.daemon = True
    try:
        alarm.start()
        yield connection
    finally:
        alarm.cancel()
        connection.close()


@contextlib.contextmanager
def _in_our_words(url: str, limits: FetchLimits, deadline_s: float) -> Iterator[None]:
    """Whatever goes wrong on the line, without the text of a library."""
    try:
        yield
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, TimeoutError) or time.monotonic() >= deadline_s:
            raise FetchTimeoutError(f"{url}: took longer than {limits.timeout_s:.3g} s") from error
        reasons = (told for kind, told in _FAULTS if isinstance(error, kind))
        raise FetchError(f"{url}: no answer: {next(reasons, 'it was not reached')}") from error


def _body(response: http.client.HTTPResponse, limits: FetchLimits, url: str) -> bytes:
    body = response.read(limits.max_bytes + 1)
    if len(body) > limits.max_bytes:
        raise FetchError(f"{url}: more than {limits.max_bytes:,} bytes")
    if response.length:
        raise http.client.IncompleteRead(body, response.length)
    try:
        return inflated(body, response.getheader("Content-Encoding") or "", limits.max_bytes)
    except ValueError as error:
        raise FetchError(f"{url}: {error}") from error


def _checked_addresses(host: str, port: int, limits: FetchLimits) -> list[str]:
    """Resolve once; every address the name has must be public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(f"{_shown(host)}: no such host") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    inner = [each for each in addresses if not is_public(each)]
    if inner and f"{host}:{port}" not in limits.trusted:
        told = f"leads to {inner[0]}, which is not a public address"
        raise ForbiddenUrlError(f"{_shown(host)}: {told}")
    return addresses


class _Pinned(http.client.HTTPConnection):
    """Connects to checked addresses; Host header and certificate are those of the name."""

    def __init__(self, target: SplitResult, addresses: Sequence[str], deadline_s: float) -> None:
        default = _PORTS[target.scheme]
        host, port = str(target.hostname), target.port or default
        super().__init__(host, port, timeout=_left(deadline_s))
        self._cuttable: socket.socket | None = None
        self._addresses, self._deadline_s = addresses, deadline_s
        self._encrypted, self.default_port = target.scheme == "https", default

    def connect(self) -> None:
        """Connect to the first address that answers, within what is left of the time."""
        self.sock = self._first_that_answers()
        self.sock.settimeout(_left(self._deadline_s))
        if self._encrypted:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)
        # http.client forgets `sock` once a response says that it ends the connection
        self._cuttable = self.sock

    def _first_that_answers(self) -> socket.socket:
        """Each address has its share of the time, so a dead one does not cost all of it."""
        for place, address in enumerate(self._addresses, 1):
            share_s = _left(self._deadline_s) / (len(self._addresses) - place + 1)
            try:
                return socket.create_connection((address, self.port), share_s)
            except OSError:
                if place == len(self._addresses):
                    raise
        raise OSError("a name without an address")

    def cut(self) -> None:
        """End whatever waits on this connection."""
        if self._cuttable is not None:
            with contextlib.suppress(OSError):
                self._cuttable.shutdown(socket.SHUT_RDWR)


def _left(deadline_s: float) -> float:
    left_s = deadline_s - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    return left_s


def _shown(url: str) -> str:
    """A stranger's URL, fit for a message: one line, printable, not long, without a password."""
    printable = "".join(character if character.isprintable() else "?" for character in url)
    scheme, found, rest = printable.partition("://")
    host, slash, path = rest.partition("/")
    shown = f"{scheme}{found}{host.rpartition('@')[2]}{slash}{path}"
    return shown if len(shown) <= 120 else shown[:117] + "..."
