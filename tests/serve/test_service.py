import base64
import json

import pytest

from scenelet.serve.predictor import Predictor
from scenelet.serve.service import Request, Service
from scenelet.serve.settings import Settings


@pytest.fixture(scope="module")
def predictor(bundle):
    return Predictor(bundle)


@pytest.fixture
def ask(predictor):
    """A request to a service, and what comes back."""

    def respond(method="POST", path="/predict", query="", body=b"", settings=None, **headers):
        service = Service(lambda: predictor, settings or Settings())
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        response = service.respond(Request(method, path, query, names, body))
        return response, json.loads(response.body) if response.body else None

    return respond


def picture(bundle, name="buildings.jpg"):
    return (bundle / "golden" / name).read_bytes()


def multipart(files, boundary="x1y"):
    body = b""
    for name, content in files:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        body += (head + "Content-Type: image/jpeg\r\n\r\n").encode() + content + b"\r\n"
    body += (
        f"--{boundary}\r\nContent-Disposition: form-data;"
        f' name="remark"\r\n\r\nhello\r\n--{boundary}--\r\n'.encode()
    )
    return body, f"multipart/form-data; boundary={boundary}"


def test_an_uploaded_form_is_answered_as_the_bytes_are(ask, bundle, predictor):
    body, kind = multipart([("a.jpg", picture(bundle))])
    response, answer = ask(body=body, content_type=kind)
    assert response.status == 200
    assert answer["probabilities"] == predictor.predict(picture(bundle)).probabilities


def test_several_files_are_answered_in_their_order_and_a_bad_one_spoils_no_other(
    ask, bundle, predictor
):
    files = [
        ("a.jpg", picture(bundle)),
        ("b.jpg", b"no picture"),
        ("c.png", picture(bundle, "sea-alpha.png")),
    ]
    body, kind = multipart(files)
    response, answer = ask(body=body, content_type=kind)
    first, second, third = answer["answers"]
    assert response.status == 200
    assert first["label"] == predictor.predict(files[0][1]).label
    assert (second["status"], second["title"]) == (422, "Unusable image")
    assert third["probabilities"] == predictor.predict(files[2][1]).probabilities


def test_several_pictures_as_json(ask, bundle):
    image = base64.b64encode(picture(bundle)).decode()
    body = json.dumps({"requests": [{"image": image}, {"url": "http://127.0.0.1/"}, {}]}).encode()
    _, answer = ask(body=body, content_type="application/json")
    assert "label" in answer["answers"][0]
    assert [each["status"] for each in answer["answers"][1:]] == [400, 400]


def test_a_plain_answer_is_the_probabilities_alone(ask, bundle, predictor):
    _, answer = ask(query="format=plain", body=picture(bundle), content_type="image/jpeg")
    assert answer == predictor.predict(picture(bundle)).probabilities
    response, _ = ask(query="format=yaml", body=picture(bundle), content_type="image/jpeg")
    assert response.status == 400


def test_an_answer_says_what_it_is_worth_and_keeps_its_measures_to_itself(ask, bundle):
    _, answer = ask(body=picture(bundle), content_type="image/jpeg")
    assert set(answer) == {
        "label", "probability", "probabilities", "abstains", "prediction_set", "is_stranger", "stranger_score", "bundle",
        "bundle_created", "decode_ms", "inference_ms",
    }  # fmt: skip


def test_the_root_says_what_this_is_and_health_that_it_lives(ask, predictor):
    _, about = ask("GET", "/")
    assert about["classes"] == list(predictor.class_names)
    assert about["limits"]["images"] == 16
    assert about["limits"]["url_bytes"] == 20_000_000
    response, health = ask("GET", "/health")
    assert (response.status, health["status"]) == (200, "ok")


@pytest.mark.parametrize(
    ("request_", "status", "title"),
    [
        ({"method": "GET", "path": "/nothing"}, 404, "Not found"),
        ({"method": "PUT"}, 405, "Wrong method"),
        ({"body": b"<xml/>", "content_type": "application/xml"}, 415, "Unsupported media type"),
        (
            {
                "body": b"x" * 101,
                "content_type": "image/png",
                "settings": Settings(max_body_bytes=100),
            },
            413,
            "Body too large",
        ),
        (
            {"body": b'{"requests": [{}, {}, {}]}', "settings": Settings(max_images=2)},
            413,
            "Too many images",
        ),
        ({"body": b"--x--", "content_type": "multipart/form-data; boundary=x"}, 400, "Bad request"),
        ({"body": b"x", "content_type": "multipart/form-data"}, 400, "Bad request"),
        ({"body": b"[" * 100_000, "content_type": "application/json"}, 400, "Bad request"),
        (
            {
                "body": b'{"url": "https://example.org/a.jpg"}',
                "settings": Settings(allow_url=False),
            },
            400,
            "URL not allowed",
        ),
    ],
)
def test_what_can_not_be_answered_is_a_problem_with_its_status(ask, request_, status, title):
    response, problem = ask(**request_)
    assert response.headers["content-type"] == "application/problem+json"
    assert (response.status, problem["status"], problem["title"]) == (status, status, title)


def test_cors_headers_go_to_the_origins_that_were_allowed_alone(ask, bundle):
    some = Settings(cors_origins=("https://mine.example",))
    allowed, _ = ask("GET", "/health", settings=some, origin="https://mine.example")
    assert allowed.headers["access-control-allow-origin"] == "https://mine.example"
    other, _ = ask("GET", "/health", settings=some, origin="https://other.example")
    assert "access-control-allow-origin" not in other.headers
    preflight, body = ask("OPTIONS", settings=some, origin="https://mine.example")
    assert (preflight.status, body) == (204, None)
    assert "POST" in preflight.headers["access-control-allow-methods"]
    none, _ = ask("GET", "/health", origin="https://mine.example")
    assert "access-control-allow-origin" not in none.headers


def test_a_fault_of_our_own_tells_a_stranger_nothing(bundle, predictor, capsys):
    def broken():
        raise ZeroDivisionError("/secret/path")

    response = Service(broken, Settings()).respond(Request("GET", "/health"))
    assert response.status == 500
    assert "secret" not in response.body
    told = capsys.readouterr().err
    assert "ZeroDivisionError: /secret/path" in told
    assert "Traceback" in told
    assert "in broken" in told
