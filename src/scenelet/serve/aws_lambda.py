"""The Lambda door: which kind of event it is, and who answers it.

On Lambda the model is loaded at import; elsewhere nothing is done there.

Configured by the environment variables of `settings.Settings`, and SCENELET_BUNDLE: the folder of
the bundle; default: `bundle/` of the package, or the one that comes with scenelet.
"""

import contextlib
import functools
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from scenelet.bundle.contract import CONTRACT
from scenelet.errors import SceneletError
from scenelet.serve.metrics import metric_line
from scenelet.serve.notifications import is_notification
from scenelet.serve.predictor import Prediction, Predictor
from scenelet.serve.proxies import answer_for, is_proxy, request_of
from scenelet.serve.service import PROBLEM, Response, Service, problem_of
from scenelet.serve.settings import Log, Settings
from scenelet.shipped import default_bundle

VERSION_HEADER = "x-scenelet-version"  # which version of the function answered
OBJECT_BYTES = 20_000_000  # of a picture in a bucket
SHARED_MIB = 30  # of a function's memory: code that is mapped and counts, but is no data
RESERVED_MIB = 100  # of a function's memory: Python, the model and a request; the rest may decode


def handler(event: Any, context: Any) -> dict[str, Any]:  # noqa: ARG001  (Lambda's signature)
    """Answer one event.

    Args:
        event: `{"url": ...}` or `{"image": base64}` for a direct answer; a proxy event (API
            Gateway, Function URL, load balancer) for an HTTP response; a notification of S3, in
            whatever envelope, whose answers are written beside the pictures; a task of S3 Batch.
        context: Lambda's; not used.

    Returns:
        A direct event: the answer, or {"error": ..., "status": ...}. A proxy event: statusCode,
        headers and JSON body, errors as RFC 9457 problem details. A notification: where the answers
        are, and what was passed over.

    Raises:
        FetchError: S3 failed; Lambda tries such an event again.
        RequestError: Nobody waits for an answer, and the event is none of S3's.
        SceneletError: The service's own model or settings can't be used.
    """
    if isinstance(event, dict) and is_proxy(event):
        return _answer_proxy(event)
    if isinstance(event, dict) and is_notification(event):
        return _answer_notification(event)
    try:
        return _service().predict_item(event).as_dict()
    except SceneletError as error:
        status, problem = problem_of(error)
        if status == 500:  # a fault of ours is no answer
            raise
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


def _answer_proxy(event: dict[str, Any]) -> dict[str, Any]:
    try:
        response = _service().respond(request_of(event))
    except SceneletError as error:  # the settings make no sense, or the body is no base64
        status, problem = problem_of(error)
        response = Response(status, {"content-type": PROBLEM}, json.dumps(problem))
    version = {VERSION_HEADER: os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "")}
    return answer_for(event, replace(response, headers=response.headers | version))


def _answer_notification(event: dict[str, Any]) -> dict[str, Any]:
    from scenelet.serve.s3 import answer_event, answer_tasks

    service = _service()
    service.predictor()  # so that a warm-up call warms
    answer = answer_tasks if isinstance(event.get("tasks"), list) else answer_event
    most = max(OBJECT_BYTES, service.settings.max_body_bytes)  # no request's limit: S3 is read
    return answer(event, service.predict, most)


def _warm() -> None:
    """Load the model and answer once, in the init phase: there a function has a whole core.

    What can't be loaded is told at each event, not here.
    """
    with contextlib.suppress(SceneletError, OSError):
        predictor = _predictor()
        if golden := predictor.model.contract.golden:
            predictor.predict((_bundle() / golden[0].file).read_bytes())


def _limit_memory() -> None:
    """Let what asks for more than the function has fail, where Lambda would kill the function.

    What decoding takes is estimated beforehand; a file may hold more than it says.
    """
    import resource

    most = (int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) - SHARED_MIB) * 2**20
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with contextlib.suppress(ValueError, OSError):  # a lower limit stands already
        resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
    if os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"):
        _limit_memory()
    _warm()
