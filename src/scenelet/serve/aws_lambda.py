"""The Lambda door: direct, API Gateway (REST v1, HTTP v2), Function URL, load balancer and S3 events. Nothing at import.

Configured by the environment variables of `settings.Settings`, and SCENELET_BUNDLE: the folder of
the bundle; default: `bundle/` of the package, or the one that comes with scenelet.
"""

import base64
import binascii
import functools
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from scenelet.bundle.contract import CONTRACT
from scenelet.errors import RequestError, SceneletError
from scenelet.serve.metrics import metric_line
from scenelet.serve.predictor import Prediction, Predictor
from scenelet.serve.service import (
    Request,
    Response,
    Service,
    problem_of,
)
from scenelet.serve.settings import Log, Settings
from scenelet.shipped import default_bundle

RESERVED_MIB = 100  # of a function's memory: Python, the model and a request; the rest may decode


def handler(event: Any, context: Any) -> dict[str, Any]:  # noqa: ARG001  (Lambda's signature)
    """Answer one event.

    Args:
        event: `{"url": ...}` or `{"image": base64}` for a direct answer; a proxy event (API
            Gateway, Function URL, load balancer) for an HTTP response; an S3 object-created event,
            whose answers are written beside the pictures.
        context: Lambda's; not used.

    Returns:
        A direct event: the answer, or {"error": ..., "status": ...}. A proxy event: statusCode,
        headers and JSON body, errors as RFC 9457 problem details. An S3 event: where the answers
        are.

    Raises:
        FetchError: S3 failed; Lambda tries such an event again.
    """
    if isinstance(event, dict) and _is_proxy(event):
        return _answer_proxy(event)
    if isinstance(event, dict) and isinstance(event.get("Records"), list):
        from scenelet.serve.s3 import answer_records

        service = _service()
        return answer_records(event["Records"], service.predict, service.settings.max_body_bytes)
    try:
        return _service().predict_item(event).as_dict()
    except SceneletError as error:
        status, problem = problem_of(error)
        return {"error": problem["detail"], "status": status}


@functools.cache
def _predictor() -> Predictor:
    memory_mib = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "0"))
    if not memory_mib:
        return Predictor(_bundle())
    return Predictor(_bundle(), memory_bytes=max(1, memory_mib - RESERVED_MIB) * 2**20)


def _bundle() -> Path:
    """What SCENELET_BUNDLE names, or the package's own, or the one that comes with scenelet."""
    if named := os.environ.get("SCENELET_BUNDLE"):
        return Path(named)
    packed = Path(os.environ.get("LAMBDA_TASK_ROOT", ""), "bundle")
    return packed if (packed / CONTRACT).is_file() else default_bundle()


@functools.cache
def _service() -> Service:
    """One for the life of the instance; settings that make no sense raise at each event."""
    settings = Settings.from_environment()
    if settings.log == "none":
        return Service(_predictor, settings)
    return Service(_predictor, settings, functools.partial(_log, settings.log), measured=True)


def _log(log: Log, prediction: Prediction) -> None:
    print(metric_line(prediction, log), flush=True)


def _is_proxy(event: dict[str, Any]) -> bool:
    return "requestContext" in event or "httpMethod" in event


def _answer_proxy(event: dict[str, Any]) -> dict[str, Any]:
    try:
        response = _service().respond(_request(event))
    except SceneletError as error:  # the settings make no sense, or the body is no base64
        status, problem = problem_of(error)
        response = Response(
            status, {"content-type": "application/problem+json"}, json.dumps(problem)
        )
    return {
        "statusCode": response.status,
        "headers": response.headers,
        "body": response.body,
        "isBase64Encoded": False,
    }


def _request(event: dict[str, Any]) -> Request:
    """A proxy event of any kind as a request; whatever is missing or malformed in it is empty.

    Raises:
        RequestError: The body is not the base64 that it is said to be.
    """
    context = _mapping(event.get("requestContext"))
    http = _mapping(context.get("http"))
    path = str(event.get("rawPath") or http.get("path") or event.get("path") or "/")
    stage = context.get("stage")
    if (
        "rawPath" in event
        and isinstance(stage, str)
        and stage != "$default"
        and path.startswith(f"/{stage}/")
    ):
        path = path[len(stage) + 1 :]
    headers = {
        str(name).lower(): str(value) for name, value in _mapping(event.get("headers")).items()
    }
    return Request(
        method=str(http.get("method") or event.get("httpMethod") or "POST"),
        path=path,
        query=str(
            event.get("rawQueryString") or urlencode(_mapping(event.get("queryStringParameters")))
        ),
        headers=headers,
        body=_body(event),
    )


def _mapping(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _body(event: dict[str, Any]) -> bytes:
    body = event.get("body")
    if not isinstance(body, str):
        return b""
    if not event.get("isBase64Encoded"):
        return body.encode("utf-8", "surrogateescape")
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError("body: not valid base64") from error
