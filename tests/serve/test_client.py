import http.server
import io
import json
import random

import pytest
from PIL import Image
from servers import serving

from scenelet.errors import CloudError, ConfigError, FetchError
from scenelet.serve.client import Endpoint, shrunk


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
    with serving(server):
        yield server


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


def test_who_never_answered_is_not_waited_for_again():
    nobody = Endpoint("http://127.0.0.1:9", tries=2)
    for told in ("after 2 tries$", r"Connection refused$"):
        with pytest.raises(FetchError, match=told):
            nobody.predict(b"a picture")


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


def noisy_jpeg(width, height):
    picture = Image.frombytes(
        "RGB", (width, height), random.Random(1).randbytes(3 * width * height)
    )
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def test_a_large_picture_is_sent_no_larger_than_a_model_needs_unless_asked(service):
    large = noisy_jpeg(1500, 1200)
    assert len(large) > 1_000_000
    service.script = [GOOD]
    endpoint = Endpoint(f"http://127.0.0.1:{service.server_port}")
    endpoint.predict(large)
    endpoint.predict(large, original=True)
    sizes = [int(headers["Content-Length"]) for headers in service.asked]
    assert sizes[1] == len(large)
    assert sizes[0] < len(large) / 2
    assert max(Image.open(io.BytesIO(shrunk(large))).size) == 1024
    assert shrunk(b"no picture" * 200_000) == b"no picture" * 200_000  # the service says why


def test_the_token_is_sent_and_to_nobody_in_the_open(service, monkeypatch):
    monkeypatch.setenv("SCENELET_TOKEN", "secret-token")
    ask(service, GOOD)
    sent = {name.lower(): value for name, value in service.asked[0].items()}
    assert sent["x-scenelet-token"] == "secret-token"
    assert Endpoint("http://example.org")._token == ""
    assert Endpoint("https://example.org")._token == "secret-token"


def test_no_stranger_s_host_is_signed_for():
    aws = "https://x.execute-api.eu-central-1.amazonaws.com"
    assert Endpoint(aws)._may_sign
    for url in (
        "https://example.org",
        "https://amazonaws.com.example.org",
        "https://evilamazonaws.com",
        aws.replace("https", "http"),
    ):
        assert not Endpoint(url)._may_sign, url
    assert Endpoint("https://api.example.org", signs=True)._may_sign  # a custom domain
