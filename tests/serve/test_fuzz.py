"""Hostile bytes and events: an answer or a problem, never an exception.

SCENELET_FUZZ_CASES=20000 makes it a long run.
"""

import base64
import json
import os
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scenelet.serve import aws_lambda
from scenelet.serve.predictor import Predictor
from scenelet.serve.service import Request, Service
from scenelet.serve.settings import Settings

CASES = int(os.environ.get("SCENELET_FUZZ_CASES", "600"))
often = settings(
    max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MEMORY_MIB = 700  # more than before: 50 million pixels as RGBA, twice, and what the model takes


@pytest.fixture(scope="module")
def service(bundle):
    predictor = Predictor(bundle)
    return Service(lambda: predictor, Settings(allow_url=False))


@pytest.fixture(scope="module")
def seeds(bundle):
    """Whole picture files of several kinds, to mutate."""
    import io

    from scenelet.dataset.scenes import paint_scene

    webp = io.BytesIO()
    paint_scene("sea", seed=1).resize((64, 64)).save(webp, "WEBP")
    return [*(path.read_bytes() for path in sorted((bundle / "golden").iterdir())), webp.getvalue()]


@st.composite
def mutations(draw):
    """Which seed, and what to do to its bytes."""
    edits = st.tuples(
        st.floats(0, 1),
        st.sampled_from(["set", "cut", "repeat", "insert"]),
        st.binary(min_size=1, max_size=8),
    )
    return draw(st.integers(0, 100)), draw(st.lists(edits, max_size=6))


def mutated(data, edits):
    for place, kind, content in edits:
        at = int(place * len(data))
        tail = {
            "set": at + len(content),
            "cut": at + 64 * len(content),
            "repeat": max(0, at - 64),
            "insert": at,
        }[kind]
        data = data[:at] + (b"" if kind in ("cut", "repeat") else content) + data[tail:]
    return data


def memory_mib(line):
    """VmRSS (now) or VmHWM (most so far) of this process."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(each.split()[1]) for each in file if each.startswith(line)) / 1024


def forget_the_peak():
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells the peak memory of one call")
@often
@given(mutations())
def test_mutated_pictures_are_answered_or_refused(service, seeds, mutation):
    seed, edits = mutation
    forget_the_peak()
    before = memory_mib("VmRSS")
    response = service.respond(
        Request(
            "POST",
            "/predict",
            headers={"content-type": "image/png"},
            body=mutated(seeds[seed % len(seeds)], edits),
        )
    )
    assert response.status in (200, 400, 413, 422), response.body
    json.loads(response.body)
    assert memory_mib("VmHWM") - before < MEMORY_MIB


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.binary(max_size=20).map(repr),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["body", "headers", "requestContext", "http", "method", "path", "rawPath", "isBase64Encoded", "httpMethod", "image", "url",
     "rawQueryString", "queryStringParameters", "stage", "requests"]
)  # fmt: skip
EVENTS = st.dictionaries(
    KEYS, JSON_VALUES | st.dictionaries(KEYS, JSON_VALUES, max_size=3), max_size=6
)


@often
@given(EVENTS | JSON_VALUES)
def test_mutated_events_are_answered_or_refused(bundle, event):
    os.environ |= {"SCENELET_BUNDLE": str(bundle), "SCENELET_ALLOW_URL": "false"}
    answer = aws_lambda.handler(event, None)
    status = answer.get("statusCode", answer.get("status"))
    assert status in (200, 204, 400, 404, 405, 413, 415, 422), answer
    if isinstance(event, dict) and ("requestContext" in event or "httpMethod" in event):
        assert isinstance(answer["body"], str)


@often
@given(
    st.binary(max_size=300),
    st.sampled_from(
        ["application/json", "multipart/form-data; boundary=a", "", "text/plain", "image/x"]
    ),
)
def test_any_body_of_any_kind_is_answered_or_refused(service, body, kind):
    response = service.respond(Request("POST", "/", headers={"content-type": kind}, body=body))
    assert response.status in (200, 400, 415, 422)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    for name in ("SCENELET_BUNDLE", "SCENELET_ALLOW_URL"):
        monkeypatch.setenv(name, "")


def test_the_fuzz_reaches_both_ends(service, seeds):
    assert (
        service.respond(
            Request("POST", "/", headers={"content-type": "image/png"}, body=seeds[0])
        ).status
        == 200
    )
    body = base64.b64encode(seeds[0][:50]).decode()
    assert (
        service.respond(Request("POST", "/", body=json.dumps({"image": body}).encode())).status
        == 422
    )
