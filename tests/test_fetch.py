import contextlib
import gzip
import http.client
import http.server
import socket
import ssl
import time
from typing import ClassVar

import pytest
from servers import serving

from scenelet import fetch as fetch_module
from scenelet.errors import FetchError, FetchTimeoutError, ForbiddenUrlError
from scenelet.fetch import FetchLimits, fetch, is_public

HOSTILE_ADDRESSES = [
    "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://017700000001/",
    "http://0177.0.0.1/", "http://0x7f.1/", "http://0/", "http://0.0.0.0/", "http://[::1]/", "http://[::]/",
    "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::ffff:169.254.169.254]/", "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::a9fe:a9fe]/", "http://[2002:7f00:1::]/", "http://[2002:a9fe:a9fe::]/", "http://[fe80::1]/",
    "http://[fc00::1]/", "http://[fd00:ec2::254]/", "http://[ff02::1]/", "http://169.254.169.254/latest/meta-data/",
    "http://169.254.170.2/", "http://2852039166/", "http://0xa9fea9fe/", "http://10.0.0.1/", "http://172.16.0.1/",
    "http://172.31.255.255/", "http://192.168.1.1/", "http://100.64.0.1/", "http://198.18.0.1/", "http://192.0.2.1/",
    "http://224.0.0.1/", "http://240.0.0.1/", "http://255.255.255.255/", "http://localhost/", "http://localhost.:80/",
    "http://LOCALHOST/", "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next",
]  # fmt: skip
HOSTILE_URLS = [
    "file:///etc/passwd", "ftp://example.org/a.jpg", "gopher://x/", "data:image/png;base64,AAAA", "javascript:alert(1)", "",
    "http://", "http:///a.jpg", "//example.org/a.jpg", "http://user@example.org/", "http://user:secret@example.org/",
    "http://[::1", "http://example.org:99999/", "http://example.org:0/", "jar:http://example.org!/",
]  # fmt: skip


class Site(http.server.BaseHTTPRequestHandler):
    """A server that misbehaves as its path says."""

    hits: ClassVar[list[str]] = []
    dripped: ClassVar[int] = 0

    def do_GET(self):
        Site.hits.append(self.path)
        kind, _, rest = self.path[1:].partition("/")
        getattr(self, f"serve_{kind}")(rest)

    def reply(self, status=200, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def serve_ok(self, rest):
        self.reply(body=b"picture")

    def serve_status(self, rest):
        self.reply(status=int(rest))

    def serve_redirect(self, rest):
        self.reply(302, Location=rest)

    def serve_loop(self, rest):
        self.reply(302, Location="/loop")

    def serve_big(self, rest):
        self.reply(body=b"x" * int(rest))

    def serve_drip(self, rest):
        self.send_response(200)
        self.end_headers()
        self.drip(b"x")

    def serve_dripheaders(self, rest):
        self.drip(b"H")

    def drip(self, byte):
        """A byte now and then, five seconds long, unless the other side leaves."""
        for Site.dripped in range(1, 101):
            self.wfile.write(byte)
            self.wfile.flush()
            time.sleep(0.05)

    def serve_cut(self, rest):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"half")

    def log_message(self, *_):
        pass

    def handle(self):
        with contextlib.suppress(OSError):  # the client hung up, as it should
            super().handle()


@pytest.fixture
def site():
    Site.hits = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    with serving(server):
        yield f"127.0.0.1:{server.server_port}"


@pytest.mark.parametrize("url", HOSTILE_ADDRESSES)
def test_no_address_that_is_not_public_is_reached(url, monkeypatch):
    connected = []
    monkeypatch.setattr(socket, "create_connection", lambda *a, **k: connected.append(a))
    with pytest.raises(FetchError):  # refused, or no such host where the form is no address at all
        fetch(url)
    assert not connected


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_only_plain_http_urls_are_fetched(url):
    with pytest.raises(ForbiddenUrlError):
        fetch(url)


def test_messages_never_repeat_a_password():
    with pytest.raises(ForbiddenUrlError) as error:
        fetch("http://user:secret@example.org/a.jpg")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8"]
)
def test_public_addresses_are_public(address):
    assert is_public(address)


def test_a_trusted_server_is_fetched(site):
    assert fetch(f"http://{site}/ok", FetchLimits(trusted=frozenset({site}))) == b"picture"


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/", "http://[::1]/", "file:///etc/passwd"]
)
def test_a_redirect_inside_is_refused(site, target):
    with pytest.raises(ForbiddenUrlError):
        fetch(f"http://{site}/redirect/{target}", FetchLimits(trusted=frozenset({site})))
    assert len(Site.hits) == 1


def test_trust_is_for_one_port_only(site):
    other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    other.server_close()
    with pytest.raises(ForbiddenUrlError):
        fetch(
            f"http://{site}/redirect/http://127.0.0.1:{other.server_port}/ok",
            FetchLimits(trusted=frozenset({site})),
        )


def test_a_name_that_changes_its_mind_is_connected_where_it_was_checked(site, monkeypatch):
    """DNS rebinding: the first answer is public, the second would be loopback.

    Only the first is ever asked for.
    """
    asked, connected = [], []

    def resolve(host, port, **_):
        asked.append(host)
        address = "93.184.215.14" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect(address, timeout):
        connected.append(address)
        raise OSError("no way out")

    monkeypatch.setattr(fetch_module.socket, "getaddrinfo", resolve)
    monkeypatch.setattr(fetch_module.socket, "create_connection", connect)
    with pytest.raises(FetchError):
        fetch("http://rebind.example/")
    assert asked == ["rebind.example"]
    assert connected == [("93.184.215.14", 80)]


def test_one_inner_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    entries = [(0, 0, 0, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(fetch_module.socket, "getaddrinfo", lambda *a, **k: entries)
    with pytest.raises(ForbiddenUrlError, match=r"leads to 10\.0\.0\.1"):
        fetch("http://both.example/")


@pytest.mark.parametrize(
    ("path", "kind", "message"),
    [
        ("status/404", FetchError, "found status 404, expected 200"),
        ("status/500", FetchError, "found status 500"),
        ("loop", FetchError, "more than 3 redirects"),
        ("big/2000", FetchError, "more than 1,000 bytes"),
        ("drip", FetchTimeoutError, "took longer than 0.4 s"),
        ("dripheaders", FetchTimeoutError, "took longer than 0.4 s"),
        ("cut", FetchError, "no answer"),
    ],
)
def test_a_server_that_misbehaves_costs_little(site, path, kind, message):
    limits = FetchLimits(max_bytes=1000, timeout_s=0.4, trusted=frozenset({site}))
    Site.dripped = 0
    with pytest.raises(kind, match=message):
        fetch(f"http://{site}/{path}", limits)
    assert Site.dripped < 50


PASTED = [
    "/Zürich See.jpg",
    "/Z%C3%BCrich%20See.jpg",
    "/Zürich%20See.jpg",
    "/Z\u200bürich See.jpg\n",
]


@pytest.mark.parametrize("path", PASTED)
def test_addresses_are_asked_for_as_browsers_ask(site, path):
    trusted = FetchLimits(trusted=frozenset({site}))
    assert fetch(f" <http://{site}/ok{path}> ", trusted) == b"picture"
    assert Site.hits == ["/ok/Z%C3%BCrich%20See.jpg"]


@pytest.mark.parametrize("location", ["/ok/Z\xfcrich See.jpg", "ok/100% sure?a=b c"])
def test_a_redirect_may_hold_what_no_request_may(site, location):
    Site.serve_there = lambda self, _: self.reply(302, Location=location)
    trusted = FetchLimits(trusted=frozenset({site}))
    assert fetch(f"http://{site}/there", trusted) == b"picture"


def test_a_location_in_raw_utf8_is_followed(site):
    raw = "HTTP/1.1 302 Found\r\nLocation: /ok/Zürich\r\nContent-Length: 0\r\n\r\n".encode()
    Site.serve_raw = lambda self, _: self.wfile.write(raw)
    assert fetch(f"http://{site}/raw", FetchLimits(trusted=frozenset({site}))) == b"picture"
    assert Site.hits[-1] == "/ok/Z%C3%BCrich"


def has_addresses(monkeypatch, *addresses):
    """two.example resolves to these; every other name as it does."""
    real = socket.getaddrinfo

    def resolve(host, port, *rest, **more):
        if host != "two.example":
            return real(host, port, *rest, **more)
        return [(0, 0, 0, "", (address, port)) for address in addresses]

    monkeypatch.setattr(fetch_module.socket, "getaddrinfo", resolve)


def test_the_second_address_is_tried_where_the_first_is_dead(site, monkeypatch):
    port = int(site.rpartition(":")[2])
    has_addresses(monkeypatch, "::1", "127.0.0.9", "127.0.0.1")
    trusted = FetchLimits(trusted=frozenset({f"two.example:{port}"}))
    assert fetch(f"http://two.example:{port}/ok", trusted) == b"picture"


def test_an_address_that_swallows_everything_costs_its_share_of_the_time_alone(site, monkeypatch):
    real, asked = socket.create_connection, []

    def connect(address, timeout):
        asked.append(address[0])
        if address[0] == "127.0.0.9":
            time.sleep(timeout)
            raise TimeoutError
        return real(address, timeout)

    port = int(site.rpartition(":")[2])
    has_addresses(monkeypatch, "127.0.0.9", "127.0.0.1")
    monkeypatch.setattr(fetch_module.socket, "create_connection", connect)
    limits = FetchLimits(timeout_s=1.0, trusted=frozenset({f"two.example:{port}"}))
    assert fetch(f"http://two.example:{port}/ok", limits) == b"picture"
    assert asked == ["127.0.0.9", "127.0.0.1"]


def test_a_compressed_answer_is_inflated_up_to_the_limit(site):
    bomb = gzip.compress(bytes(50_000_000))
    Site.serve_gzip = lambda self, _: self.reply(
        body=gzip.compress(b"picture"), Content_Encoding="gzip"
    )
    Site.serve_bomb = lambda self, _: self.reply(body=bomb, Content_Encoding="gzip")
    trusted = FetchLimits(trusted=frozenset({site}))
    assert fetch(f"http://{site}/gzip", trusted) == b"picture"
    with pytest.raises(FetchError, match="inflated more than 20,000,000 bytes"):
        fetch(f"http://{site}/bomb", trusted)


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (ConnectionRefusedError(111, "[Errno 111] /secret"), "connection refused"),
        (ConnectionResetError("secret"), "the connection broke off"),
        (ssl.SSLCertVerificationError("secret _ssl.c:1000"), "its certificate is not one to trust"),
        (ssl.SSLError("secret"), "no encrypted connection"),
        (http.client.BadStatusLine("secret"), "not HTTP"),
        (OSError("secret"), "it was not reached"),
    ],
)
def test_no_librarys_words_reach_a_stranger(site, monkeypatch, raised, told):
    def fail(*_, **__):
        raise raised

    monkeypatch.setattr(fetch_module.socket, "create_connection", fail)
    with pytest.raises(FetchError, match=f"no answer: .*{told}") as error:
        fetch(f"http://{site}/ok", FetchLimits(trusted=frozenset({site})))
    assert "secret" not in str(error.value)


def test_an_unknown_host_is_one_line():
    with pytest.raises(FetchError, match=r"nonesuch\.invalid: no such host"):
        fetch("http://nonesuch.invalid/a.jpg")
