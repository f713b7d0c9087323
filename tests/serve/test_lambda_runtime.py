"""Drives the real awslambdaric process against a small Runtime API, in an environment that holds serving's needs alone."""

import base64
import contextlib
import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from commands import REPOSITORY

from scenelet.deploy.package import HANDLER
from scenelet.deploy.runtime_api import RunningFunction

pytestmark = pytest.mark.pipeline
SERVING_NEEDS = ("pillow>=11.3", "awslambdaric>=4.2")
WITHOUT_ITS_NEEDS = "ai-edge-litert>=2.3,<2.4"  # of which only the C library is loaded


@pytest.fixture(scope="session")
def serving_python(tmp_path_factory):
    """A Python that has Pillow, LiteRT's files and awslambdaric, and nothing else.

    Not even numpy.
    """
    folder = tmp_path_factory.mktemp("serving") / "venv"
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    for wanted in (SERVING_NEEDS, ("--no-deps", WITHOUT_ITS_NEEDS)):
        subprocess.run(
            [python, "-m", "pip", "install", "-q", *wanted], check=True, capture_output=True
        )
    return python


@pytest.fixture(scope="session")
def task_root(tmp_path_factory):
    """/var/task: the project's wheel, unpacked."""
    folder = tmp_path_factory.mktemp("task")
    build = ["pip", "wheel", "-q", "--no-deps", "-w", folder / "wheel", REPOSITORY]
    subprocess.run([sys.executable, "-m", *build], check=True, capture_output=True)
    zipfile.ZipFile(next((folder / "wheel").glob("*.whl"))).extractall(folder / "task")
    return folder / "task"


@pytest.fixture
def start_function(serving_python, task_root, image_site):
    with contextlib.ExitStack() as started:

        def start(bundle):
            environment = {
                "SCENELET_BUNDLE": str(bundle),
                "SCENELET_TRUSTED_HOSTS": image_site.host,
            }
            return started.enter_context(
                RunningFunction(serving_python, task_root, HANDLER, environment)
            )

        yield start


def http_api_event(name, **changes):
    """A recorded API Gateway event with some fields replaced."""
    event = json.loads((Path(__file__).parent / "events" / f"{name}.json").read_text())
    return {**event, **changes}


def test_the_environment_holds_nothing_but_the_serving_needs(serving_python):
    listed = subprocess.run(
        [serving_python, "-m", "pip", "list", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {package["name"].lower() for package in json.loads(listed.stdout)}
    assert not names & {"numpy", "torch", "pandas", "typer", "rich", "scenelet", "lightning"}


def test_every_kind_of_event_gets_the_probabilities_of_predict(
    start_function, image_site, bundle, scenelet
):
    function = start_function(bundle)
    for file in sorted((bundle / "golden").iterdir()):
        picture = file.read_bytes()
        encoded = base64.b64encode(picture).decode()
        image_site.content = picture
        predicted = json.loads(scenelet("predict", "--bundle", bundle, file, "--json").out)[
            "probabilities"
        ]
        url = image_site.url
        direct = [{"url": url}, {"image": encoded}]
        http_events = [
            http_api_event("http-api-json", body=json.dumps({"url": url})),
            http_api_event("http-api-json", body=json.dumps({"image": encoded})),
            http_api_event("http-api-binary", body=encoded, isBase64Encoded=True),
        ]
        for event in direct:
            answer = function.invoke(event)
            assert answer["probabilities"] == pytest.approx(predicted, abs=1e-3)
        for event in http_events:
            response = function.invoke(event)
            assert response["statusCode"] == 200
            assert json.loads(response["body"])["probabilities"] == pytest.approx(
                predicted, abs=1e-3
            )


def test_a_stranger_is_not_led_inside(start_function, bundle):
    response = start_function(bundle).invoke(
        http_api_event("http-api-json", body='{"url": "http://169.254.169.254/"}')
    )
    assert response["statusCode"] == 400


def test_an_error_is_an_answer_and_the_function_lives_on(start_function, bundle):
    function = start_function(bundle)
    picture = base64.b64encode((bundle / "golden" / "buildings.jpg").read_bytes()).decode()
    for event, status in (
        (http_api_event("http-api-binary", body="aGVsbG8=", isBase64Encoded=True), 422),
        ({"image": picture}, None),
    ):
        answer = function.invoke(event)
        assert answer.get("statusCode") == status


def test_the_shipped_bundle_is_in_the_wheel_and_answers_a_real_image(
    start_function, real_images, task_root, scenelet
):
    file = sorted((real_images / "sea").iterdir())[0]
    predicted = json.loads(scenelet("predict", file, "--json").out)["probabilities"]
    function = start_function(task_root / "scenelet" / "models" / "intel-scenes")
    answer = function.invoke({"image": base64.b64encode(file.read_bytes()).decode()})
    assert answer["probabilities"] == pytest.approx(predicted, abs=1e-3)
