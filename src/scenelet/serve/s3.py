"""S3 object-created events: the answer is written beside the picture, as KEY.scenelet.json.

Beside it rather than into a table: that needs no further service, and whoever has the picture finds
its answer. boto3 comes with Lambda's runtime and is imported here alone.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_plus

from scenelet.errors import FetchError, ImageTooLargeError, SceneletError
from scenelet.serve.predictor import Prediction
from scenelet.serve.service import problem_of

SUFFIX = ".scenelet.json"


def answer_records(
    records: list[Any], predict: Callable[[bytes], Prediction], max_bytes: int
) -> dict[str, Any]:
    """Answer each picture of an event.

    A picture that can't be used gets its problem written beside it. If S3 fails, the error is
    raised: Lambda tries again.

    Args:
        records: `Records` of the event.
        predict: From bytes to a prediction.
        max_bytes: Larger objects are not read.

    Returns:
        "answers": one line a picture, with where its answer lies; answers of our own are passed
        over, so no event feeds itself.

    Raises:
        FetchError: S3 refused, or the object is gone.
    """
    answers = []
    for record in records:
        bucket, key = record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"])
        if key.endswith(SUFFIX):
            continue
        try:
            body = predict(_read(bucket, key, max_bytes)).as_dict()
        except FetchError:
            raise
        except SceneletError as error:
            body = problem_of(error)[1]
        _write(bucket, key + SUFFIX, json.dumps(body, ensure_ascii=False))
        answers.append({"bucket": bucket, "key": key, "answer": key + SUFFIX})
    return {"answers": answers}


def _client() -> Any:
    import boto3

    return boto3.client("s3")


def _read(bucket: str, key: str, max_bytes: int) -> bytes:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        found = _client().get_object(Bucket=bucket, Key=key)
        if found["ContentLength"] > max_bytes:
            raise ImageTooLargeError(f"{found['ContentLength']:,} bytes, at most {max_bytes:,}")
        return bytes(found["Body"].read())
    except (ClientError, BotoCoreError) as error:
        raise FetchError(f"s3://{bucket}/{key}: can't be read: {error}") from error


def _write(bucket: str, key: str, text: str) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        _client().put_object(
            Bucket=bucket, Key=key, Body=text.encode(), ContentType="application/json"
        )
    except (ClientError, BotoCoreError) as error:
        raise FetchError(f"s3://{bucket}/{key}: can't be written: {error}") from error
