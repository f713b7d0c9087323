"""The Lambda door: direct events and API Gateway HTTP API (payload 2.0) events to answers. No framework, nothing at import.

Configured by environment variables:
    SCENELET_BUNDLE         folder of the bundle; default: the one that comes with scenelet
    SCENELET_ALLOW_URL      "false" refuses `url` requests
    SCENELET_TRUSTED_HOSTS  "host:port,..." of your own servers in a private network that `url` may name
"""

import base64
import binascii
import functools
import json
import os
import sys
from pathlib import Path
from typing import Any

from scenelet.errors import (
    ConfigError,
    FetchError,
    FetchTimeoutError,
    ForbiddenUrlError,
    ImageError,
    ImageTooLargeError,
    SceneletError,
)
from scenelet.serve.predictor import Predictor
from scenelet.shipped import default_bundle

_USAGE = 'send {"url": "https://..."}, {"image": "<base64>"} or the bytes of an image'
_STATUS: tuple[tuple[type[SceneletError], int, str], ...] = (
    (ImageTooLargeError, 413, "Image too large"),
    (ImageError, 422, "Unusable image"),
    (ForbiddenUrlError, 400, "URL not allowed"),
    (FetchTimeoutError, 504, "URL took too long"),
    (FetchError, 502, "URL could not be fetched"),
)


class BadRequestError(SceneletError):
    """The event names no image."""


def handler(event: Any, context: Any) -> dict[str, Any]:  # noqa: ARG001  (Lambda's signature)
    """Answer one event.

    Args:
        event: `{"url": ...}` or `{"image": base64}` for a direct answer; an HTTP API event (payload format 2.0) with such a
            JSON body or with the bytes of an image for an HTTP response.
        context: Lambda's; not used.

    Returns:
        A direct event: the answer, or {"error": ..., "status": ...}. An HTTP event: statusCode, headers and JSON body, errors
        as RFC 9457 problem details.
    """
    is_http = isinstance(event, dict) and "requestContext" in event
    try:
        answer = _predictor().predict(_image_of_http(event) if is_http else _image_of_json(event)).as_dict()
    except SceneletError as error:
        status, title = _status_of(error)
        detail = str(error)
        if status == 500:  # our own fault, with our own paths in it: for the log, not for a stranger
            print(f"scenelet: {detail}", file=sys.stderr)
            detail = "the service's own model or configuration can't be used; its log says why"
        return _problem(status, title, detail) if is_http else {"error": detail, "status": status}
    return _response(200, answer) if is_http else answer


@functools.cache
def _predictor() -> Predictor:
    return Predictor(Path(os.environ.get("SCENELET_BUNDLE") or default_bundle()))


def _image_of_http(event: dict[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not isinstance(body, str) or not body:
        raise BadRequestError(f"empty body; {_USAGE}")
    data = _decode_base64(body, "body") if event.get("isBase64Encoded") else body.encode()
    headers = {str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type.startswith("image/") or content_type == "application/octet-stream":
        return data
    try:
        return _image_of_json(json.loads(data))
    except ValueError as error:
        raise BadRequestError(f"the body is not JSON and content-type is {content_type or 'missing'}; {_USAGE}") from error


def _image_of_json(request: Any) -> bytes:
    if not isinstance(request, dict) or ("url" in request) == ("image" in request):
        raise BadRequestError(f"expected exactly one of url and image; {_USAGE}")
    if "image" in request:
        return _decode_base64(request["image"], "image")
    if not isinstance(request["url"], str):
        raise BadRequestError(f"url: found {type(request['url']).__name__}, expected text; {_USAGE}")
    return _fetch(request["url"])


def _decode_base64(text: Any, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise BadRequestError(f"{name}: not valid base64; {_USAGE}") from error


def _fetch(url: str) -> bytes:
    if os.environ.get("SCENELET_ALLOW_URL", "true").lower() in ("false", "0", "no"):
        raise ForbiddenUrlError("this service does not fetch URLs; send the image itself")
    from scenelet.serve.fetch import FetchLimits, fetch  # http.client and ssl: not needed for uploads

    trusted = os.environ.get("SCENELET_TRUSTED_HOSTS", "").split(",")
    return fetch(url, FetchLimits(trusted=frozenset(host.strip() for host in trusted if host.strip())))


def _status_of(error: SceneletError) -> tuple[int, str]:
    if isinstance(error, BadRequestError):
        return 400, "Bad request"
    if isinstance(error, ConfigError):
        return 500, "Service is not configured"
    return next(((status, title) for kind, status, title in _STATUS if isinstance(error, kind)), (500, "Service is broken"))


def _response(status: int, body: dict[str, Any], content_type: str = "application/json") -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": content_type},
        "body": json.dumps(body, ensure_ascii=False),
        "isBase64Encoded": False,
    }


def _problem(status: int, title: str, detail: str) -> dict[str, Any]:
    return _response(
        status, {"type": "about:blank", "title": title, "status": status, "detail": detail}, "application/problem+json"
    )
