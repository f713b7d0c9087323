"""Fetch an image from a stranger's URL without being led inside: http(s) only, public addresses only, everything limited.

Each name is resolved once and the connection goes to the very address that was checked, again after
every redirect, so a name that changes its mind (DNS rebinding) gains nothing. Knows nothing of
images. Standard library only.
"""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from scenelet import __version__
from scenelet.errors import FetchError, FetchTimeoutError, ForbiddenUrlError

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


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
        url = urljoin(url, location)
    raise FetchError(f"{_shown(url)}: more than {limits.max_redirects} redirects")


def _parse(url: str) -> SplitResult:
    try:
        target = urlsplit(url.strip())
        port_is_valid = target.port is None or target.port > 0
    except ValueError as error:
        raise ForbiddenUrlError(f"{_shown(url)}: not a URL: {error}") from error
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
    address = _checked_address(host, port, limits)
    connection = _Pinned(host, port, address, target.scheme == "https", deadline_s)
    path = (target.path or "/") + (f"?{target.query}" if target.query else "")
    # a socket's own time-out starts anew with every byte a slow server sends; this one does not
    alarm = threading.Timer(_left(deadline_s), connection.cut)
    alarm.daemon = True
    try:
        alarm.start()
        connection.request(
            "GET", path, headers={"User-Agent": f"scenelet/{__version__}", "Accept": "image/*"}
        )
        response = connection.getresponse()
        if response.status in _REDIRECTS and (location := response.getheader("Location")):
            return location, b""
        if response.status != 200:
            raise FetchError(
                f"{_shown(target.geturl())}: found status {response.status}, expected 200"
            )
        body = _body(response, limits, target.geturl())
        _left(deadline_s)
        return None, body
    except (OSError, http.client.HTTPException, ValueError, UnicodeError) as error:
        if isinstance(error, TimeoutError) or time.monotonic() >= deadline_s:
            raise FetchTimeoutError(
                f"{_shown(target.geturl())}: took longer than {limits.timeout_s:g} s"
            ) from error
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FetchError(f"{_shown(target.geturl())}: no answer: {reason}") from error
    finally:
        alarm.cancel()
        connection.close()


def _body(response: http.client.HTTPResponse, limits: FetchLimits, url: str) -> bytes:
    body = response.read(limits.max_bytes + 1)
    if len(body) > limits.max_bytes:
        raise FetchError(f"{_shown(url)}: more than {limits.max_bytes:,} bytes")
    if response.length:
        raise http.client.IncompleteRead(body, response.length)
    return body


def _checked_address(host: str, port: int, limits: FetchLimits) -> str:
    """Resolve once; every address the name has must be public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise FetchError(f"{host}: no such host") from error
    addresses = [str(entry[4][0]) for entry in found]
    if f"{host}:{port}" not in limits.trusted:
        _refuse_inner(host, addresses)
    return addresses[0]


def _refuse_inner(host: str, addresses: Iterable[str]) -> None:
    for text in addresses:
        if not is_public(text):
            raise ForbiddenUrlError(f"{host}: leads to {text}, which is not a public address")


def is_public(text: str) -> bool:
    """Whether an IP address is one of the public internet.

    An IPv4 address inside an IPv6 one counts as itself.
    """
    address = ipaddress.ip_address(text.split("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast and not address.is_reserved


class _Pinned(http.client.HTTPConnection):
    """Connects to an address that was checked, while Host header and certificate are those of the name."""

    def __init__(
        self, host: str, port: int, address: str, encrypted: bool, deadline_s: float
    ) -> None:
        super().__init__(host, port, timeout=_left(deadline_s))
        self._cuttable: socket.socket | None = None
        self._address, self._encrypted, self._deadline_s = address, encrypted, deadline_s
        self.default_port = _PORTS["https" if encrypted else "http"]

    def connect(self) -> None:
        """Connect, within what is left of the time."""
        self.sock = socket.create_connection((self._address, self.port), _left(self._deadline_s))
        if self._encrypted:
            self.sock = ssl.create_default_context().wrap_socket(
                self.sock, server_hostname=self.host
            )
        self._cuttable = (
            self.sock
        )  # http.client forgets `sock` once a response says that it ends the connection

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
