"""Objects of S3: read, with every refusal in our words.

boto3 comes with Lambda's runtime and is imported when it is first needed.
"""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scenelet.errors import FetchError, GoneError, ImageTooLargeError
from scenelet.inflate import inflated

_GONE = ("NoSuchKey", "404", "NotFound")
_REASONS = {
    **dict.fromkeys(_GONE, "it is gone"),
    **dict.fromkeys(
        ("AccessDenied", "403"), "not allowed; the role needs s3:GetObject and s3:PutObject"
    ),
    "NoSuchBucket": "there is no such bucket",
    "SlowDown": "S3 asks to slow down",
}


def read_object(bucket: str, key: str, max_bytes: int) -> bytes:
    """The bytes of an object.

    Raises:
        GoneError: It is not there.
        FetchError: S3 refused.
        ImageTooLargeError: It is larger.
    """
    with in_our_words(bucket, key, "read"):
        found = client().get_object(Bucket=bucket, Key=key)
        size = found["ContentLength"]
        content = bytes(found["Body"].read()) if size <= max_bytes else b""
    if size > max_bytes:
        raise ImageTooLargeError(f"{size:,} bytes, at most {max_bytes:,}")
    try:
        return inflated(content, found.get("ContentEncoding", ""), max_bytes)
    except ValueError as error:
        raise ImageTooLargeError(str(error)) from error


def bucket_and_prefix(place: str) -> tuple[str, str]:
    """The parts of s3://bucket/prefix; both empty for none."""
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    return bucket, prefix


@functools.cache
def client() -> Any:
    """Of S3, made once."""
    import boto3

    return boto3.client("s3")


@contextmanager
def in_our_words(bucket: str, key: str, verb: str) -> Iterator[None]:
    """Turn boto3's exceptions into one line.

    Args:
        bucket: Of the object.
        key: Of the object.
        verb: What was tried: "read", "written".

    Raises:
        FetchError: In place of any of them.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        reason = _REASONS.get(code, code or "S3 refused")
        kind = GoneError if code in _GONE else FetchError
        raise kind(f"s3://{bucket}/{key}: can't be {verb}: {reason}") from error
    except BotoCoreError as error:
        reason = f"S3 can't be reached ({type(error).__name__})"
        raise FetchError(f"s3://{bucket}/{key}: can't be {verb}: {reason}") from error
