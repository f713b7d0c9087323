import http.server
import json
import threading

import pytest

from scenelet.errors import CloudError, ConfigError, FetchError
from scenelet.serve.client import Endpoint


class Scripted(http.server.BaseHTTPRequestHandler):
    """Answers what the test wrote down, in turn; the last for ever."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(dict(self.headers))
        script = self.server.script
        status, body, headers = script.pop(0) if len(script) > 1 else script[0]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def service(monkeypatch):
    monkeypatch.setattr("scenelet.serve.client.FIRST_WAIT_S", 0.01)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Scripted)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


GOOD = (200, json.dumps({"label": "sea"}).encode(), {})
PROBLEM = {"Content-Type": "application/problem+json"}


def ask(service, *script, picture=b"\xff\xd8\xffx"):
    service.script = list(script)
    return Endpoint(f"http://127.0.0.1:{service.server_port}/predict", tries=4).predict(picture)


def test_what_may_pass_is_tried_again(service):
    busy = (429, b'{"detail": "busy"}', {**PROBLEM, "Retry-After": "0"})
    assert ask(service, (500, b"", {}), busy, (503, b"", {}), GOOD) == {"label": "sea"}
    assert len(service.asked) == 4


def test_what_will_not_pass_is_told_at_once(service):
    with pytest.raises(FetchError, match=r"422: damaged JPEG"):
        ask(service, (422, b'{"detail": "damaged JPEG"}', PROBLEM))
    with pytest.raises(
        FetchError, match=r"502: URL could not be fetched"
    ):  # the service's own word, not the network's
        ask(service, (502, b'{"detail": "URL could not be fetched"}', PROBLEM))
    assert len(service.asked) == 2


def test_it_gives_up_in_the_end(service):
    with pytest.raises(FetchError, match=r"500: oops"):
        ask(service, (500, b"oops", {}))
    assert len(service.asked) == 4
    with pytest.raises(FetchError, match=r"can't be reached: .* after 2 tries"):
        Endpoint("http://127.0.0.1:1", tries=2).predict(b"x")


def test_the_kind_of_picture_is_said_and_a_url_is_sent_as_json(service):
    ask(service, GOOD)
    ask(service, GOOD, picture="https://example.org/a.jpg")
    assert [headers["Content-Type"] for headers in service.asked] == [
        "image/jpeg",
        "application/json",
    ]


@pytest.mark.parametrize(
    "words", ["Missing Authentication Token", "Forbidden"]
)  # REST API; HTTP API and Function URL
def test_it_signs_when_it_is_asked_to(service, monkeypatch, words):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    missing = (403, json.dumps({"message": words}).encode(), {})
    assert ask(service, missing, GOOD) == {"label": "sea"}
    signature = service.asked[1]["Authorization"]
    assert signature.startswith("AWS4-HMAC-SHA256 Credential=AKIATEST/")
    assert "/eu-central-1/execute-api/aws4_request" in signature
    assert "secret" not in json.dumps(service.asked)


def test_without_credentials_it_says_what_to_do(service, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(CloudError, match="no credentials"):
        ask(service, (403, b'{"message":"Missing Authentication Token"}', {}))


@pytest.mark.parametrize("url", ["ftp://x", "photo.jpg", "https://"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(ConfigError, match="--endpoint: found"):
        Endpoint(url)
