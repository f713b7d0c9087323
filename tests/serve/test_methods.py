"""Methods and paths that are not answered are refused in our own words, whoever asks."""

import json

import pytest
from fastapi.testclient import TestClient

from scenelet.serve.http import create_app
from scenelet.serve.predictor import Predictor
from scenelet.serve.requests import Request
from scenelet.serve.service import Service
from scenelet.serve.settings import Settings


@pytest.fixture(scope="module")
def client(bundle):
    with TestClient(create_app(bundle, Settings())) as client:
        yield client


@pytest.mark.parametrize("method", ["PUT", "OPTIONS", "TRACE", "PROPFIND"])
def test_a_method_that_is_not_answered_is_told_which_are(client, method):
    answer = client.request(method, "/predict", content=b"x")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["allow"] == "POST"
    assert f"{method} is not answered here" in json.loads(answer.text)["detail"]


@pytest.mark.parametrize("uploads", ["", "s3://photos/new"])
def test_what_is_told_to_be_answered_is_what_is_answered(bundle, uploads):
    service = Service(lambda: Predictor(bundle), Settings(uploads=uploads))
    refused = service.respond(Request("GET", "/elsewhere"))
    assert refused.status == 404
    told = json.loads(refused.body)["detail"].removeprefix("nothing at /elsewhere; ")
    routes = [route.split() for route in told.removesuffix(" are answered").split(", ")]
    assert (["POST", "/upload"] in routes) == bool(uploads)
    for method, path in routes:
        assert service.respond(Request(method, path)).status not in (404, 405)
        wrong = service.respond(Request("DELETE", path))
        assert wrong.status == 405
        allowed = wrong.headers["allow"].split(", ")
        assert set(allowed) - {"HEAD"} == {each for each, at in routes if at == path}
        assert ("HEAD" in allowed) == ("GET" in allowed)


@pytest.mark.parametrize("path", ["/%70redict", "//predict", "/predict/"])
def test_a_path_is_what_it_means(client, bundle, path):
    picture = (bundle / "golden" / "sea-alpha.png").read_bytes()
    assert client.post(path, content=picture).status_code == 200
