"""A request has so long in all, whatever is in it.

By a clock of the test: no machine is too slow for it.
"""

import base64
import json

import pytest

from scenelet.serve.predictor import Predictor
from scenelet.serve.service import Request, Service
from scenelet.serve.settings import Settings


class Clock:
    """Goes on when it is told to."""

    now_s = 1000.0

    def monotonic(self):
        return self.now_s


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("scenelet.serve.service.time", clock)
    return clock


@pytest.fixture
def service(bundle, clock):
    """A service whose model takes long for a picture."""

    class Slow(Predictor):
        def predict(self, data, measured=False):
            clock.now_s += 0.4
            return super().predict(data, measured)

    predictor = Slow(bundle)
    return Service(lambda: predictor, Settings(max_seconds=1))


def ask(service, items):
    body = json.dumps({"requests": items}).encode()
    return json.loads(service.respond(Request("POST", "/predict", body=body)).body)["answers"]


def test_pictures_after_the_end_are_told_so_and_the_ones_before_are_answered(service, bundle):
    picture = next((bundle / "golden").iterdir()).read_bytes()
    answers = ask(service, 4 * [{"image": base64.b64encode(picture).decode()}])
    assert ["label" in each for each in answers] == [True, True, True, False]
    assert answers[3]["status"] == 504
    assert answers[3]["detail"].startswith("the request took longer than 1 s; send fewer")
    assert json.loads(service.respond(Request("GET", "/")).body)["limits"]["seconds"] == 1


def test_fetching_is_a_part_of_it(service, clock, monkeypatch):
    left = []

    def fetch(url, limits):
        left.append(limits.timeout_s)
        clock.now_s += 0.4
        return b"no picture"

    monkeypatch.setattr("scenelet.fetch.fetch", fetch)
    answers = ask(service, 3 * [{"url": "https://example.org/a.jpg"}])
    assert left == pytest.approx([1.0, 0.2])
    assert answers[2]["status"] == 504
