"""Who sends nothing holds no place; who leaves is a line.

Whether the service lives is always told.
"""

import json
import re
import socket

import pytest
from servers import wait_until

HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 100000\r\n\r\n"


@pytest.fixture
def picture(bundle):
    return (bundle / "golden" / "sea-alpha.png").read_bytes()


def started(server, count, head=HEAD):
    lines = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(count)]
    for line in lines:
        line.sendall(head + b"\xff\xd8\xff")
    return lines


def answered(line):
    """All that comes until the server hangs up."""
    with line:
        line.settimeout(20)
        return b"".join(iter(lambda: line.recv(10_000), b""))


def test_unfinished_uploads_hold_no_place_and_clients_that_leave_are_a_line(serve, bundle, picture):
    server = serve(bundle, "--queue", "2")
    slow = started(server, 12)
    assert server.ask("/predict", picture)[0] == 200
    assert server.ask("/health")[0] == 200
    for line in slow:
        line.close()
    wait_until(
        lambda: b'status="499"' in server.ask("/metrics")[2], "a client that left is counted"
    )
    left = "a client left before its request was whole"
    wait_until(lambda: server.said().count(left) == 12, "a line of each client that left")
    assert "Traceback" not in server.said()


def test_a_body_that_does_not_arrive_in_time_is_told_so(serve, bundle, monkeypatch):
    monkeypatch.setenv("SCENELET_BODY_TIMEOUT_S", "1")
    (line,) = started(serve(bundle), 1)
    answer = answered(line).decode()
    assert answer.startswith("HTTP/1.1 408")
    assert "connection: close" in answer.lower()
    assert "did not arrive within 1 s" in answer


def test_a_body_said_to_be_too_large_is_refused_before_it_is_sent(serve, bundle):
    head = HEAD.replace(b"100000", b"90000000")
    (line,) = started(serve(bundle), 1, head)
    assert answered(line).startswith(b"HTTP/1.1 413")


def test_behind_a_prefix_everything_is_found_stripped_or_not(serve, bundle, picture):
    server = serve(bundle, "--base-path", "/scenes")
    for path in ("/predict", "/scenes/predict"):
        assert server.ask(path, picture)[0] == 200
    for path in ("/scenes", "/scenes/", "/", "/scenes/health", "/scenes/docs", "/scenes/metrics"):
        assert server.ask(path)[0] == 200, path
    schema = json.loads(server.ask("/scenes/openapi.json")[2])
    assert [each["url"] for each in schema["servers"]] == ["/scenes"]
    assert server.ask("/other/predict", picture)[0] == 404


def test_the_page_to_try_it_asks_nothing_of_other_servers_and_stands_anywhere(serve, bundle):
    _, headers, body = serve(bundle).ask("/docs")
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?/""", body.decode())
    assert not re.findall(r"""fetch\(["']""", body.decode())
    assert "connect-src 'self'" in headers["content-security-policy"]


def test_head_is_answered_as_get_without_a_body(serve, bundle):
    server = serve(bundle)
    for path in ("/", "/health", "/docs", "/metrics"):
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            line.sendall(f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            answer = answered(line)
        assert answer.startswith(b"HTTP/1.1 200"), path
        assert answer.partition(b"\r\n\r\n")[2] == b"", path
