"""The package, unpacked and run by the real awslambdaric beside nothing else, answers events as `predict` does here."""

import base64
import json
import zipfile
from pathlib import Path

import pytest

from scenelet.deploy.package import HANDLER
from scenelet.deploy.runtime_api import RunningFunction

pytestmark = pytest.mark.pipeline
EVENTS = Path(__file__).parents[1] / "serve" / "events"


@pytest.fixture(scope="module")
def function(packages, runtime, image_site, tmp_path_factory):
    """One process, as one instance of Lambda's; it may fetch from the tests' own site."""
    root = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(packages["first"]) as package:
        package.extractall(root)
    variables = {"SCENELET_BUNDLE": f"{root}/bundle", "SCENELET_TRUSTED_HOSTS": image_site.host}
    with RunningFunction(runtime, root, HANDLER, variables) as running:
        yield running


def http_api_event(name, **changes):
    """A recorded API Gateway event with some fields replaced."""
    return {**json.loads((EVENTS / f"{name}.json").read_text()), **changes}


def test_every_kind_of_event_gets_the_probabilities_of_predict(
    function, image_site, shipped_bundle, scenelet
):
    for file in sorted((shipped_bundle / "golden").iterdir()):
        image_site.content = file.read_bytes()
        encoded = base64.b64encode(image_site.content).decode()
        told = json.loads(scenelet("predict", "--bundle", shipped_bundle, file, "--json").out)
        url = json.dumps({"url": image_site.url})
        responses = [
            function.invoke(http_api_event("http-api-json", body=url)),
            function.invoke(http_api_event("http-api-json", body=json.dumps({"image": encoded}))),
            function.invoke(http_api_event("http-api-binary", body=encoded, isBase64Encoded=True)),
        ]
        assert [response["statusCode"] for response in responses] == [200] * 3
        direct = [function.invoke({"url": image_site.url}), function.invoke({"image": encoded})]
        for answer in [*direct, *(json.loads(response["body"]) for response in responses)]:
            assert answer["probabilities"] == pytest.approx(told["probabilities"], abs=1e-3)


def test_a_stranger_is_not_led_inside(function):
    event = http_api_event("http-api-json", body='{"url": "http://169.254.169.254/"}')
    assert function.invoke(event)["statusCode"] == 400


def test_an_error_is_an_answer_and_the_function_lives_on(function, shipped_bundle):
    picture = (shipped_bundle / "golden" / "buildings.jpg").read_bytes()
    broken = http_api_event("http-api-binary", body="aGVsbG8=", isBase64Encoded=True)
    assert function.invoke(broken)["statusCode"] == 422
    answer = function.invoke({"image": base64.b64encode(picture).decode()})
    assert answer["label"] == "buildings"
