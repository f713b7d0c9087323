"""Methods and paths that are not answered are refused in our own words, whoever asks."""

import json

import pytest
from fastapi.testclient import TestClient

from scenelet.serve.http import create_app
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


@pytest.mark.parametrize("path", ["/%70redict", "//predict", "/predict/"])
def test_a_path_is_what_it_means(client, bundle, path):
    picture = (bundle / "golden" / "sea-alpha.png").read_bytes()
    assert client.post(path, content=picture).status_code == 200
