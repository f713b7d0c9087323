"""Objects of S3 by obstore, for a fifth of the processor time that boto3 and s3fs take.

What obstore can't do (a key with an empty part, a bucket of another region, a sign-in that boto3
alone knows) boto3 and s3fs do, whose word on what is wrong is the last one. Without obstore they
do all of it.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from scenelet.parallel import WAITING

_IN_ENVIRONMENT = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
_RETRIES = {"max_retries": 4, "retry_timeout": timedelta(seconds=20)}
_CLIENT = {"allow_http": True, "timeout": "5m"}
_REFUSED = set[str]()  # buckets that boto3 alone can read


def listed(root: str) -> dict[str, Mapping[str, Any]] | None:
    """What lies below a place, as s3fs tells it; None where s3fs must be asked.

    Args:
        root: BUCKET/PREFIX, the prefix a folder's or none.
    """
    bucket, _, prefix = root.strip("/").partition("/")
    found: dict[str, Mapping[str, Any]] = {}
    try:
        store = _store(bucket)
        for page in store.list(prefix=prefix or None, chunk_size=1000) if store else ():
            found |= {f"{bucket}/{each['path']}": _told(each) for each in page}
    except Exception:  # of many types; s3fs tells what is wrong, or that nothing is
        return None
    is_plain = all(told["size"] for told in found.values())  # none that marks a folder
    return found if is_plain and found else None


def within(root: str) -> list[tuple[str, bool]] | None:
    """What lies in one folder, and of each whether it is one; None where s3fs must be asked.

    Args:
        root: BUCKET/PREFIX.
    """
    bucket, _, prefix = root.strip("/").partition("/")
    try:
        store = _store(bucket)
        told = store.list_with_delimiter(prefix or None) if store else None
    except Exception:  # of many types; s3fs tells what is wrong, or that nothing is
        return None
    return told and [
        *((f"{bucket}/{each['path']}", False) for each in told["objects"]),
        *((f"{bucket}/{each}", True) for each in told["common_prefixes"]),
    ]


def exists(place: str) -> bool | None:
    """Whether there is an object at BUCKET/KEY; None where s3fs must be asked."""
    bucket, _, key = place.partition("/")
    try:
        store = _store(bucket)
        return bool(store.head(key)) if store else None
    except FileNotFoundError:
        return False
    except Exception:  # of many types; s3fs tells what is wrong, or that nothing is
        return None


def _told(each: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "ETag": each["e_tag"],
        "LastModified": each["last_modified"].astimezone(),
        "size": each["size"],
    }


def contents(place: str, most: int | None = None) -> bytes:
    """Bytes of an object, or its first `most`.

    Args:
        place: BUCKET/KEY.
        most: Number of bytes; None for all.

    Raises:
        Exception: One of botocore's: it can't be read.
    """
    bucket, _, key = place.partition("/")
    with suppress(Exception):  # of many types; boto3 tells what is wrong, or that nothing is
        if bucket not in _REFUSED and (store := _store(bucket)):
            return _quickly(store, key, most)
    part = {} if most is None else {"Range": f"bytes=0-{most - 1}"}
    body: bytes = _client().get_object(Bucket=bucket, Key=key, **part)["Body"].read()
    if body:  # of nothing obstore can't have the first bytes
        _REFUSED.add(bucket)
    return body


def _quickly(store: Any, key: str, most: int | None) -> bytes:
    if most is not None:
        return bytes(store.get_range(key, start=0, end=most))
    return bytes(store.get(key).bytes())


@cache
def _store(bucket: str) -> Any:
    """A bucket for obstore, which finds what boto3 would; None where it is not installed."""
    try:
        from obstore.store import S3Store
    except ImportError:
        return None
    return S3Store(bucket, client_options=_CLIENT, retry_config=_RETRIES, **_found())


def _found() -> dict[str, Any]:
    """Endpoint, region and credentials.

    Where the environment says all, boto3 is not asked: to import it takes as long as to fetch
    thousands of pictures.
    """
    named = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    endpoint = next(filter(None, map(os.environ.get, named)), None)
    if _is_in_environment():
        return {"region": os.environ["AWS_DEFAULT_REGION"], "endpoint": endpoint}
    import boto3
    from obstore.auth.boto3 import Boto3CredentialProvider

    return {
        "credential_provider": Boto3CredentialProvider(boto3.Session()),
        "region": _client().meta.region_name,
        "endpoint": _client().meta.endpoint_url,
    }


def _is_in_environment() -> bool:
    config = Path(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()
    is_chosen = bool(os.environ.get("AWS_PROFILE")) or config.exists()
    return all(map(os.environ.get, _IN_ENVIRONMENT)) and not is_chosen


@cache
def _client() -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(max_pool_connections=2 * WAITING))
