import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenelet.errors import RequestError
from scenelet.serve.notifications import is_notification, noted_in


def s3(key="a+b%2Bc.jpg", name="ObjectCreated:Put"):
    record = {"eventSource": "aws:s3", "eventName": name}
    return {"Records": [{**record, "s3": {"bucket": {"name": "photos"}, "object": {"key": key}}}]}


def sqs(inner):
    return {"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": json.dumps(inner)}]}


def sns(inner):
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(inner)}}]}


def sns_in_sqs(inner):
    return sqs({"Type": "Notification", "Message": json.dumps(inner)})


def bridge(kind="Object Created", key="a b+c.jpg"):
    detail = {"bucket": {"name": "photos"}, "object": {"key": key}}
    return {"version": "0", "source": "aws.s3", "detail-type": kind, "detail": detail}


@pytest.mark.parametrize(
    "event",
    [s3(), sqs(s3()), sns(s3()), sns_in_sqs(s3()), bridge(), sqs(bridge()), sns_in_sqs(bridge())],
    ids=["S3", "SQS", "SNS", "SNS in SQS", "EventBridge", "EventBridge in SQS", "all"],
)
def test_a_new_object_is_found_in_every_envelope(event):
    assert is_notification(event)
    (noted,) = noted_in(event)
    assert (noted.bucket, noted.key, noted.passed_over) == ("photos", "a b+c.jpg", "")


def test_records_of_a_batch_are_told_in_their_order():
    batch = {"Records": [*sqs(s3("1.jpg"))["Records"], *sqs(s3("2.jpg"))["Records"]]}
    assert [each.key for each in noted_in(batch)] == ["1.jpg", "2.jpg"]


TEST_MESSAGE = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "photos"}


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (TEST_MESSAGE, "a test or warm-up message"),
        (sqs(TEST_MESSAGE), "a test or warm-up message"),
        (sns(TEST_MESSAGE), "a test or warm-up message"),
        ({"warmer": True, "concurrency": 3}, "a test or warm-up message"),
        ({"source": "serverless-plugin-warmup"}, "a test or warm-up message"),
        ({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}, "a schedule"),
        (
            {"source": "aws.scheduler", "detail-type": "Scheduled Event", "detail": "{}"},
            "a schedule",
        ),
        (s3(name="ObjectRemoved:Delete"), "no new object (ObjectRemoved:Delete)"),
        (s3(name="s3:ObjectRemoved:DeleteMarkerCreated"), "no new object"),
        (bridge("Object Deleted"), "no new object (Object Deleted)"),
        (s3("photos/"), "the marker of a folder"),
        (s3("a.jpg.scenelet.json"), "an answer of our own"),
        (bridge(key="a.jpg.scenelet.json"), "an answer of our own"),
    ],
)
def test_what_needs_no_answer_is_passed_over_with_the_reason(event, why):
    assert is_notification(event)
    (noted,) = noted_in(event)
    assert noted.passed_over.startswith(why)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({"Records": [{"eventSource": "aws:kinesis", "kinesis": {}}]}, "a record of aws:kinesis"),
        (
            {"Records": [{"eventSource": "aws:dynamodb", "dynamodb": {}}]},
            "a record of aws:dynamodb",
        ),
        ({"Records": [{"cf": {"request": {}}}]}, "a record of cf"),
        ({"Records": [{}]}, "a record of nothing in it"),
        ({"Records": [None]}, "a record that is null"),
        ({"Records": [{"s3": {}}]}, "without bucket and key"),
        ({"Records": [{"s3": {"bucket": [], "object": {"key": 1}}}]}, "without bucket and key"),
        (
            {"Records": [{"eventSource": "aws:sqs", "body": "hello"}]},
            "a message of SQS that is no JSON",
        ),
        ({"Records": [{"eventSource": "aws:sqs"}]}, "a message of SQS that is no JSON"),
        ({"Records": [{"Sns": {}}]}, "a message of SNS that is no JSON"),
        (sqs({"url": "https://a.example/b.jpg"}), "an event with url"),
        (sqs([1]), "an event that holds a JSON array"),
        ({"source": "aws.ec2", "detail-type": "State-change"}, r"an event of aws\.ec2"),
        ({"source": "aws.s3", "detail-type": "Object Created"}, "without bucket and key"),
    ],
)
def test_what_is_none_of_s3s_raises_one_line_so_that_no_error_is_a_success(event, told):
    assert is_notification(event)
    with pytest.raises(RequestError, match=told):
        list(noted_in(event))


def test_envelopes_in_envelopes_end_somewhere():
    event = s3()
    for _ in range(9):
        event = sqs(event)
    with pytest.raises(RequestError):
        list(noted_in(event))


@pytest.mark.parametrize(
    "event", [{}, {"url": "x"}, {"image": "x"}, {"Records": "x"}, {"source": 5}]
)
def test_a_request_of_somebody_who_waits_is_no_notification(event):
    assert not is_notification(event)


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=9)


@given(st.data())
def test_any_notification_with_a_part_replaced_is_told_or_refused(data):
    event = copy.deepcopy(data.draw(st.sampled_from([s3(), sqs(s3()), sns(s3()), bridge()])))
    place = event
    while True:
        if isinstance(place, list):
            place = place[0]
            continue
        name = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[name], dict | list) or data.draw(st.booleans()):
            place[name] = data.draw(LEAVES | st.lists(LEAVES, max_size=2))
            break
        place = place[name]
    try:
        keys = [each.key for each in noted_in(event)]
    except RequestError as refused:
        keys = [str(refused)]
    assert all(isinstance(each, str) and len(each) < 400 for each in keys)
