"""Notifications of S3 in every envelope that AWS puts them in: which objects are to be answered.

S3's own records; the same inside SNS, SQS, or SNS inside SQS; EventBridge; S3 Batch Operations;
S3's test message; schedules and warm-up calls. Knows no S3 client and no model.
"""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from scenelet.errors import RequestError
from scenelet.serve.requests import json_kind

SUFFIX = ".scenelet.json"  # of answers; never answered themselves
_DEEPEST = 4  # envelopes in envelopes
_WARMING = ("warmer", "warmup", "warm-up", "serverless-plugin-warmup")
_SCHEDULES = ("aws.events", "aws.scheduler")
_EXPECTED = "expected a new object of S3, alone or through SNS, SQS or EventBridge"


class Noted(NamedTuple):
    """One thing that an event tells of.

    Attributes:
        bucket: Of the object; "" where there is none.
        key: Of the object, as S3 knows it.
        passed_over: Why it is not to be answered; "" where it is.
    """

    bucket: str = ""
    key: str = ""
    passed_over: str = ""


def is_notification(event: dict[str, Any]) -> bool:
    """Whether an event is an envelope of AWS, and no request of somebody who waits."""
    return (
        isinstance(event.get("Records"), list)
        or "detail-type" in event
        or _is_test(event)
        or _is_warm_up(event)
        or isinstance(event.get("tasks"), list)
    )


def noted_in(event: Any, depth: int = 0) -> Iterator[Noted]:
    """What an event tells of, in its order.

    Raises:
        RequestError: It tells of something else than S3; Lambda then counts it as failed. A record
            that is nothing of S3's costs no other: it is raised when the others were told.
    """
    if not isinstance(event, dict) or depth > _DEEPEST:
        raise RequestError(f"an event that holds {json_kind(event)}; {_EXPECTED}")
    if _is_test(event) or _is_warm_up(event):
        yield Noted(passed_over="a test or warm-up message")
    elif isinstance(event.get("Records"), list):
        yield from _of_records(event["Records"], depth)
    elif "detail-type" in event:
        yield _of_event_bridge(event)
    elif isinstance(event.get("Message"), str):
        yield from noted_in(_parsed(event["Message"], "SNS"), depth + 1)
    else:
        raise RequestError(f"an event with {_some(event)}; {_EXPECTED}")


def _of_records(records: list[Any], depth: int) -> Iterator[Noted]:
    refused = []
    for record in records:
        try:
            yield from _of_record(record, depth)
        except RequestError as error:
            refused.append(error)
    if refused:
        raise refused[0]


def _of_record(record: Any, depth: int) -> Iterator[Noted]:
    if not isinstance(record, dict):
        raise RequestError(f"a record that is {json_kind(record)}; {_EXPECTED}")
    source = str(record.get("eventSource") or record.get("EventSource") or "")
    if isinstance(record.get("s3"), dict):
        yield _of_s3(record)
    elif isinstance(record.get("Sns"), dict):
        yield from noted_in(_parsed(record["Sns"].get("Message"), "SNS"), depth + 1)
    elif source == "aws:sqs" or isinstance(record.get("body"), str):
        yield from noted_in(_parsed(record.get("body"), "SQS"), depth + 1)
    else:
        raise RequestError(f"a record of {source[:60] or _some(record)}; {_EXPECTED}")


def _of_s3(record: dict[str, Any]) -> Noted:
    """S3 itself writes keys as forms do."""
    bucket, key = _place(record["s3"], "key")
    name = str(record.get("eventName") or "ObjectCreated")
    return _noted(bucket, unquote_plus(key), "" if "ObjectCreated" in name else name)


def _of_event_bridge(event: dict[str, Any]) -> Noted:
    source, kind = str(event.get("source")), str(event.get("detail-type"))
    if source in _SCHEDULES:
        return Noted(passed_over="a schedule")
    if source != "aws.s3":
        raise RequestError(f"an event of {source[:60]} ({kind[:60]}); {_EXPECTED}")
    bucket, key = _place(event.get("detail"), "key")
    return _noted(bucket, key, "" if kind == "Object Created" else kind)


def _place(found: Any, name: str) -> tuple[str, str]:
    try:
        return str(found["bucket"]["name"]), str(found["object"][name])
    except (KeyError, TypeError) as error:
        raise RequestError("a record of S3 without bucket and key; send it as S3 does") from error


def _noted(bucket: str, key: str, other: str) -> Noted:
    if other:
        return Noted(bucket, key, f"no new object ({other[:60]})")
    if key.endswith(SUFFIX):
        return Noted(bucket, key, "an answer of our own")
    if key.endswith("/"):
        return Noted(bucket, key, "the marker of a folder")
    return Noted(bucket, key)


def _is_test(event: dict[str, Any]) -> bool:
    return event.get("Event") == "s3:TestEvent"


def _is_warm_up(event: dict[str, Any]) -> bool:
    return event.get("source") in _WARMING or any(event.get(name) is True for name in _WARMING)


def _parsed(text: Any, envelope: str) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise RequestError(f"a message of {envelope} that is no JSON; {_EXPECTED}") from error


def _some(found: dict[Any, Any]) -> str:
    return ", ".join(str(name)[:40] for name in list(found)[:3]) or "nothing in it"
