import base64
import json

import pytest

from scenelet.serve.proxies import answer_for, request_of
from scenelet.serve.service import Response

V1 = {
    "httpMethod": "POST",
    "headers": {"Content-Type": "image/png"},
    "requestContext": {"stage": "live"},
}
V2 = {"version": "2.0", "requestContext": {"http": {"method": "POST"}, "stage": "live"}}
ALB = {"httpMethod": "POST", "path": "/predict", "requestContext": {"elb": {"targetGroupArn": "x"}}}


@pytest.mark.parametrize(
    ("event", "path"),
    [
        ({**V1, "resource": "/predict", "path": "/scenes/predict"}, "/predict"),
        ({**V1, "resource": "/", "path": "/scenes"}, "/"),
        (
            {
                **V1,
                "resource": "/{proxy+}",
                "path": "/scenes/predict",
                "pathParameters": {"proxy": "predict"},
            },
            "/predict",
        ),
        ({**V1, "path": "/predict"}, "/predict"),
        ({**V2, "rawPath": "/live/predict"}, "/predict"),
        ({**V2, "routeKey": "POST /predict", "rawPath": "/live/scenes/predict"}, "/predict"),
        ({**V2, "routeKey": "$default", "rawPath": "/live/predict"}, "/predict"),
        ({**V2, "rawPath": "/liver"}, "/liver"),
        (ALB, "/predict"),
        ({"requestContext": None}, "/"),
    ],
)
def test_the_path_is_that_of_the_route_below_stages_and_mappings(event, path):
    assert request_of(event).path == path


def test_multi_value_headers_and_queries_are_read_and_answered():
    event = {
        **ALB,
        "multiValueHeaders": {
            "Content-Type": ["multipart/form-data; boundary=x"],
            "X-Two": ["1", "2"],
        },
        "multiValueQueryStringParameters": {"format": ["full", "plain"], "name": ["a%20b"]},
    }
    request = request_of(event)
    assert request.headers == {"content-type": "multipart/form-data; boundary=x", "x-two": "2"}
    assert request.query == "format=full&format=plain&name=a%20b"
    answer = answer_for(event, Response(200, {"content-type": "application/json"}, "{}"))
    assert answer["multiValueHeaders"] == {"content-type": ["application/json"]}
    assert "headers" not in answer


def test_one_value_is_answered_by_one_value():
    both = {**V1, "multiValueHeaders": {"Content-Type": ["image/png"]}}
    for event in (V1, V2, ALB, both, {**V1, "headers": None}):
        answer = answer_for(event, Response(200, {"a": "b"}, ""))
        assert answer["headers"] == {"a": "b"}
        assert "multiValueHeaders" not in answer


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes])
def test_a_body_said_to_be_base64_is_read_in_either_alphabet(encode):
    content = bytes(range(256))
    event = {**V2, "body": encode(content).decode(), "isBase64Encoded": True}
    assert request_of(event).body == content


def test_a_body_with_half_a_letter_is_bytes_all_the_same():
    assert request_of({**V2, "body": json.loads('"\\ud83d"')}).body


def test_a_header_without_a_value_is_empty():
    event = {"requestContext": {"elb": {}}, "multiValueHeaders": {"Content-Type": [], "X": ["1"]}}
    assert request_of(event).headers == {"content-type": "", "x": "1"}
