"""Pictures in S3: the answer is written beside the picture, as KEY.scenelet.json.

Beside it rather than into a table: that needs no further service, and whoever has the picture finds
its answer. boto3 comes with Lambda's runtime and is imported here alone.
"""

import functools
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote_plus

from scenelet.errors import FetchError, ImageError, ImageTooLargeError, RequestError
from scenelet.inflate import inflated
from scenelet.serve.notifications import SUFFIX, Noted, noted_in
from scenelet.serve.predictor import Prediction
from scenelet.serve.service import problem_of

Predict = Callable[[bytes], Prediction]
_GONE = ("NoSuchKey", "404", "NotFound")
_REASONS = {
    **dict.fromkeys(_GONE, "it is gone"),
    **dict.fromkeys(
        ("AccessDenied", "403"), "not allowed; the role needs s3:GetObject and s3:PutObject"
    ),
    "NoSuchBucket": "there is no such bucket",
    "SlowDown": "S3 asks to slow down",
}


def answer_event(event: dict[str, Any], predict: Predict, max_bytes: int) -> dict[str, Any]:
    """Answer each picture that a notification tells of.

    A picture that can't be used gets its problem written beside it. If S3 fails, or the event is of
    something else, the error is raised: Lambda tries again, and keeps what fails for good.

    Args:
        event: As Lambda gets it, in whatever envelope.
        predict: From bytes to a prediction.
        max_bytes: Larger objects are not read.

    Returns:
        "answers": one line a picture, with where its answer lies; "passed_over": what needs no
        answer, and why. Answers of our own are among that, so no event feeds itself.

    Raises:
        FetchError: S3 refused, or the object is gone.
        RequestError: The event tells of something else than objects of S3.
    """
    noted = list(noted_in(event))
    answers = [_answer(each, predict, max_bytes) for each in noted if not each.passed_over]
    passed_over = [each._asdict() for each in noted if each.passed_over]
    return {"answers": answers, **({"passed_over": passed_over} if passed_over else {})}


def answer_tasks(event: dict[str, Any], predict: Predict, max_bytes: int) -> dict[str, Any]:
    """Answer the tasks of an S3 Batch Operations job, each with its own result."""
    return {
        "invocationSchemaVersion": event.get("invocationSchemaVersion", "1.0"),
        "treatMissingKeysAs": "PermanentFailure",
        "invocationId": event.get("invocationId"),
        "results": [_task_result(task, predict, max_bytes) for task in event["tasks"]],
    }


def _task_result(task: Any, predict: Predict, max_bytes: int) -> dict[str, str]:
    try:
        bucket = str(task.get("s3Bucket") or task["s3BucketArn"].rpartition(":")[2])
        noted = Noted(bucket, unquote_plus(task["s3Key"]))
    except (AttributeError, KeyError, TypeError) as error:
        raise RequestError("a task of S3 Batch without bucket and key") from error
    try:
        code, told = "Succeeded", _answer(noted, predict, max_bytes)["answer"]
    except FetchError as error:
        code, told = "TemporaryFailure", str(error)
    return {"taskId": str(task.get("taskId")), "resultCode": code, "resultString": told}


def _answer(noted: Noted, predict: Predict, max_bytes: int) -> dict[str, str]:
    try:
        body = predict(_read(noted, max_bytes)).as_dict()
    except ImageError as error:  # what is our own fault is raised: Lambda tries again
        body = problem_of(error)[1]
    answer = noted.key + SUFFIX
    with _in_our_words(noted.bucket, answer, "written"):
        _client().put_object(
            Bucket=noted.bucket,
            Key=answer,
            Body=json.dumps(body, ensure_ascii=False).encode(),
            ContentType="application/json",
        )
    return {"bucket": noted.bucket, "key": noted.key, "answer": answer}


def _read(noted: Noted, max_bytes: int) -> bytes:
    with _in_our_words(noted.bucket, noted.key, "read"):
        found = _client().get_object(Bucket=noted.bucket, Key=noted.key)
        size = found["ContentLength"]
        content = bytes(found["Body"].read()) if size <= max_bytes else b""
    if size > max_bytes:
        raise ImageTooLargeError(f"{size:,} bytes, at most {max_bytes:,}")
    try:
        return inflated(content, found.get("ContentEncoding", ""), max_bytes)
    except ValueError as error:
        raise ImageTooLargeError(str(error)) from error


@functools.cache
def _client() -> Any:
    import boto3

    return boto3.client("s3")


@contextmanager
def _in_our_words(bucket: str, key: str, verb: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        reason = _REASONS.get(code, code or "S3 refused")
        raise FetchError(f"s3://{bucket}/{key}: can't be {verb}: {reason}") from error
    except BotoCoreError as error:
        reason = f"S3 can't be reached ({type(error).__name__})"
        raise FetchError(f"s3://{bucket}/{key}: can't be {verb}: {reason}") from error
