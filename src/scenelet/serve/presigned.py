"""Pictures that are too large for a request: put into a bucket by a presigned address, then named.

The address is for one object of a stated size, for some minutes; what was answered is deleted. Who
was not given its name can't ask about it.
"""

import functools
import json
import re
import secrets
import sys
from typing import Any

from scenelet.errors import FetchError, GoneError, ImageTooLargeError, RequestError
from scenelet.serve.objects import bucket_and_prefix, in_our_words, read_object

MOST_BYTES = 20_000_000
EXPIRES_S = 300
_NAME = re.compile(r"[A-Za-z0-9_-]{22}")
_ASK = 'POST /upload with {"bytes": SIZE}'


def offer(place: str, body: bytes) -> dict[str, Any]:
    """An address to put a picture at, and the name to ask about it by.

    Args:
        place: s3://bucket/prefix.
        body: Of the request: the size of the picture as JSON.

    Raises:
        RequestError: It states no size, or one over 20 MB.
    """
    size_bytes, name = _size_in(body), secrets.token_urlsafe(16)
    bucket, key = _object(place, name)
    url = _client().generate_presigned_url(
        "put_object",
        Params={"Bucket": bucket, "Key": key, "ContentLength": size_bytes},
        ExpiresIn=EXPIRES_S,
    )
    return {"put": url, "bytes": size_bytes, "expires_s": EXPIRES_S, "upload": name}


def taken(place: str, name: Any) -> bytes:
    """The picture that was put there; it is there no longer.

    Args:
        place: s3://bucket/prefix.
        name: As `offer` gave it.

    Raises:
        RequestError: No such name, nothing was put there, or the bucket can't be read just now.
        ImageTooLargeError: Over 20 MB.
    """
    told = f"upload: nothing is there by this name; {_ASK} gives an address to put it at"
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise RequestError(told, 404, "No such upload")
    bucket, key = _object(place, name)
    try:
        picture = read_object(bucket, key, MOST_BYTES)
    except GoneError as error:
        raise RequestError(told, 404, "No such upload") from error
    except ImageTooLargeError:
        _forget(bucket, key)
        raise
    except FetchError as error:  # of our bucket: for the log, not for a stranger
        print(f"scenelet: {error}", file=sys.stderr, flush=True)
        told = "upload: it can't be read just now; ask again in a moment"
        raise RequestError(told, 503, "Upload can't be read") from error
    _forget(bucket, key)
    return picture


def _forget(bucket: str, key: str) -> None:
    """Delete it; that it could not be deleted spoils no answer."""
    try:
        with in_our_words(bucket, key, "deleted"):
            _client().delete_object(Bucket=bucket, Key=key)
    except FetchError as error:
        print(f"scenelet: {error}", file=sys.stderr, flush=True)


def _size_in(body: bytes) -> int:
    try:
        size_bytes = json.loads(body)["bytes"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise RequestError(f"found no size of the picture; {_ASK}") from error
    if not isinstance(size_bytes, int) or isinstance(size_bytes, bool) or size_bytes < 1:
        raise RequestError(f"bytes: found {str(size_bytes)[:40]}, expected a number; {_ASK}")
    if size_bytes > MOST_BYTES:
        raise RequestError(
            f"{size_bytes:,} bytes, at most {MOST_BYTES:,}; send a smaller picture",
            413,
            "Image too large",
        )
    return size_bytes


def _object(place: str, name: str) -> tuple[str, str]:
    bucket, prefix = bucket_and_prefix(place)
    return bucket, prefix + name


@functools.cache
def _client() -> Any:
    import boto3
    from botocore.config import Config

    # signed for the region's own host: the global one sends new buckets elsewhere
    own = Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    return boto3.client("s3", config=own)
