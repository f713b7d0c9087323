"""Pictures in S3: the answer is written beside the picture, as KEY.scenelet.json.

Beside it rather than into a table: that needs no further service, and whoever has the picture finds
its answer.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from scenelet.errors import FetchError, ImageError, RequestError
from scenelet.serve.notifications import SUFFIX, Noted, noted_in
from scenelet.serve.objects import client, in_our_words, read_object
from scenelet.serve.predictor import Prediction
from scenelet.serve.service import problem_of

Predict = Callable[[bytes], Prediction]


def answer_event(event: dict[str, Any], predict: Predict, max_bytes: int) -> dict[str, Any]:
    """Answer each picture that a notification tells of.

    A picture that can't be used gets its problem written beside it. If S3 fails, or a record is of
    something else, the error is raised when all others are answered: Lambda tries again, and keeps
    what fails for good.

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
    answers, passed_over, failed = [], [], []
    for noted in noted_in(event):
        if noted.passed_over:
            passed_over.append(noted._asdict())
            continue
        try:
            answers.append(_answer(noted, predict, max_bytes))
        except FetchError as error:
            failed.append(error)
    if failed:
        raise failed[0]
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
        body = predict(read_object(noted.bucket, noted.key, max_bytes)).as_dict()
    except ImageError as error:  # what is our own fault is raised: Lambda tries again
        body = problem_of(error)[1]
    answer = noted.key + SUFFIX
    with in_our_words(noted.bucket, answer, "written"):
        client().put_object(
            Bucket=noted.bucket,
            Key=answer,
            Body=json.dumps(body, ensure_ascii=False).encode(),
            ContentType="application/json",
        )
    return {"bucket": noted.bucket, "key": noted.key, "answer": answer}
