"""Hostile bytes and events: an answer or a problem, never an exception.

SCENELET_FUZZ_CASES=20000 makes it a long run.
"""

import base64
import gzip
import io
import json
import os
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from scenelet.dataset.scenes import paint_scene
from scenelet.errors import RequestError
from scenelet.image_formats import PACKED, TABLE
from scenelet.images import ORIENTATION
from scenelet.serve import aws_lambda
from scenelet.serve.predictor import Predictor
from scenelet.serve.service import Request, Service
from scenelet.serve.settings import Settings

pytestmark = pytest.mark.pipeline

CASES = int(os.environ.get("SCENELET_FUZZ_CASES", "600"))
often = settings(
    max_examples=CASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MEMORY_MIB = 300  # that a picture may take, as in a function of 400; and no more, whatever it says


@pytest.fixture(scope="module")
def service(bundle):
    predictor = Predictor(bundle, memory_bytes=MEMORY_MIB * 2**20)
    return Service(lambda: predictor, Settings(allow_url=False))


@pytest.fixture(scope="module")
def seeds(bundle):
    """Whole picture files of several kinds, to mutate."""

    scene = paint_scene("sea", seed=1).resize((64, 64))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    files = [path.read_bytes() for path in sorted((bundle / "golden").iterdir())]
    for kind in (each for each in TABLE if each.name in PACKED):
        buffer = io.BytesIO()
        more = {"exif": exif} if kind.has_exif else {}
        scene.save(buffer, kind.name, icc_profile=profile, **more)
        files.append(buffer.getvalue())
    return files


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
     "rawQueryString", "queryStringParameters", "stage", "requests", "multiValueHeaders", "resource", "routeKey",
     "pathParameters", "proxy", "content-type", "content-encoding", "Content-Type", "elb"]
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


KINDS = st.sampled_from(
    ["application/json", "multipart/form-data; Boundary=a", "", "text/plain", "image/x",
     "application/x-www-form-urlencoded", "multipart/form-data"]
)  # fmt: skip
PIECES = st.sampled_from(
    [b"--a", b"--a--", b"\r\n", b"Content-Disposition: form-data; name=url", b"filename=x", b"url=data:,",
     b"{", b'"image":', b'"data:;base64,', b"\x1f\x8b\x08", b"\x78\x9c", b"%", b"&image=", b"\xff\xd8\xff"]
)  # fmt: skip
BODIES = st.binary(max_size=300) | st.lists(PIECES | st.binary(max_size=9)).map(b"".join)
ENCODINGS = st.sampled_from(["", "gzip", "deflate", "br", "identity", "gzip, br"])


@often
@given(BODIES | BODIES.map(gzip.compress), KINDS, ENCODINGS)
def test_any_body_of_any_kind_is_answered_or_refused(service, body, kind, encoding):
    headers = {"content-type": kind, "content-encoding": encoding}
    response = service.respond(Request("POST", "/", headers=headers, body=body))
    assert response.status in (200, 400, 413, 415, 422), response.body
    problem = json.loads(response.body)
    assert "0x" not in problem.get("detail", "")


NOTES = st.recursive(
    JSON_VALUES | st.sampled_from(["aws:s3", "aws:sqs", "Object Created", "aws.s3", "a.jpg", '{"Records": [{}]}']),
    lambda inner: st.dictionaries(
        st.sampled_from(
            ["Records", "s3", "bucket", "object", "name", "key", "body", "Sns", "Message", "eventSource", "source",
             "detail", "detail-type", "eventName", "Event", "tasks", "warmer"]
        ),
        inner | st.lists(inner, max_size=2),
        max_size=4,
    ),
    max_leaves=9,
)  # fmt: skip


@often
@given(st.dictionaries(st.sampled_from(["Records", "detail-type", "tasks", "detail"]), NOTES))
def test_mutated_notifications_are_passed_over_or_refused_never_a_bug(bundle, event):
    os.environ |= {"SCENELET_BUNDLE": str(bundle), "SCENELET_ALLOW_URL": "false"}
    try:
        answer = aws_lambda.handler(event, None)
    except RequestError as refused:
        answer = {"error": str(refused)}
    assert answer.keys() & {"answers", "results", "error"}


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
