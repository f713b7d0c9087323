import base64
import json

import pytest

from scenelet.serve import aws_lambda


@pytest.fixture
def handler(bundle, monkeypatch):
    monkeypatch.setenv("SCENELET_BUNDLE", str(bundle))
    return lambda event: aws_lambda.handler(event, None)


@pytest.fixture
def picture(bundle):
    return (bundle / "golden" / "sea-alpha.png").read_bytes()


def http_event(body, content_type="application/json", encoded=False):
    """An API Gateway HTTP API event, payload format 2.0, cut to what a handler may rely on."""
    return {
        "version": "2.0",
        "routeKey": "POST /predict",
        "rawPath": "/predict",
        "headers": {"content-type": content_type},
        "requestContext": {"http": {"method": "POST", "path": "/predict"}, "stage": "$default"},
        "body": base64.b64encode(body).decode() if encoded else body,
        "isBase64Encoded": encoded,
    }


def recorded(bundle, name):
    golden = json.loads((bundle / "bundle.json").read_text())["golden"]
    return next(entry["probabilities"] for entry in golden if entry["file"] == f"golden/{name}")


def test_a_direct_event_with_an_image_is_answered(handler, bundle, picture):
    answer = handler({"image": base64.b64encode(picture).decode()})
    assert answer["probabilities"] == pytest.approx(recorded(bundle, "sea-alpha.png"), abs=1e-5)
    assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].get)
    assert answer["probability"] == answer["probabilities"][answer["label"]]


@pytest.mark.parametrize(
    "content_type", ["image/png", "image/jpeg; charset=binary", "application/octet-stream"]
)
def test_a_binary_body_is_answered(handler, bundle, picture, content_type):
    response = handler(http_event(picture, content_type, encoded=True))
    assert response["statusCode"] == 200
    assert json.loads(response["body"])["probabilities"] == pytest.approx(
        recorded(bundle, "sea-alpha.png"), abs=1e-5
    )


@pytest.mark.parametrize("encoded", [False, True])
def test_a_json_body_is_answered(handler, picture, encoded):
    body = json.dumps({"image": base64.b64encode(picture).decode()})
    response = handler(http_event(body.encode() if encoded else body, encoded=encoded))
    assert response["statusCode"] == 200
    assert response["headers"]["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("event", "status", "detail"),
    [
        (http_event(""), 400, "empty body"),
        (http_event("not json"), 400, "the body is not JSON"),
        (http_event("{}"), 400, "expected exactly one of url and image"),
        (
            http_event('{"url": "https://a/", "image": ""}'),
            400,
            "expected exactly one of url and image",
        ),
        (http_event('{"url": 5}'), 400, "url: found a JSON number, expected text"),
        (http_event('{"image": "%%%"}'), 400, "image: not valid base64"),
        (http_event('{"image": [1]}'), 400, "image: not valid base64"),
        (http_event("[1]"), 400, "expected exactly one"),
        (http_event('{"url": "http://169.254.169.254/"}'), 400, "not a public address"),
        (http_event('{"url": "file:///etc/passwd"}'), 400, "only http:// and https://"),
        (http_event(b"hello", "image/png", encoded=True), 422, "not an image"),
        (http_event(b"", "image/png", encoded=True), 400, "empty body"),
        (http_event('{"image": ""}'), 422, "empty: 0 bytes"),
        (http_event('{"url": "http://nonesuch.invalid/"}'), 502, "no such host"),
        ({**http_event("x"), "body": None}, 400, "empty body"),
        ({**http_event("***"), "isBase64Encoded": True}, 400, "body: not valid base64"),
    ],
)
def test_bad_requests_are_problem_details_never_a_stack_trace(handler, event, status, detail):
    response = handler(event)
    problem = json.loads(response["body"])
    assert (response["statusCode"], problem["status"]) == (status, status)
    assert detail in problem["detail"]
    assert response["headers"]["content-type"] == "application/problem+json"


@pytest.mark.parametrize("event", [{}, [], None, "x", {"url": ""}, {"image": None}])
def test_direct_events_that_make_no_sense_are_told_so(handler, event):
    assert handler(event)["status"] == 400


def test_urls_can_be_switched_off(handler, monkeypatch):
    monkeypatch.setenv("SCENELET_ALLOW_URL", "false")
    assert "does not fetch URLs" in handler({"url": "https://example.org/a.jpg"})["error"]


def test_a_broken_bundle_is_a_500_whose_reason_goes_to_the_log_alone(
    tmp_path, handler, monkeypatch, capsys
):
    monkeypatch.setenv("SCENELET_BUNDLE", str(tmp_path))
    response = handler(http_event('{"image": ""}'))
    assert response["statusCode"] == 500
    assert str(tmp_path) not in response["body"]
    assert f"{tmp_path}: no bundle here" in capsys.readouterr().err
