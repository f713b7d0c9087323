"""One service behind every HTTP door: a request in plain values to a response in plain values.

Knows no Lambda, no FastAPI.

Routes:
    GET  /         what this is: classes, limits, how to ask
    GET  /health   whether the model answers
    POST /predict  one picture or several (also POST /); `?format=plain` answers {class:
    probability} alone

A picture comes as {"url": ...}, as {"image": base64}, as the bytes of the body, or as a file of
multipart/form-data. Several come as {"requests": [...]} or as several files, and are answered in
the same order under "answers"; one that can't be used has its problem there and spoils no other.
"""

import base64
import binascii
import json
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from scenelet import __version__
from scenelet.errors import (
    ConfigError,
    FetchError,
    FetchTimeoutError,
    ForbiddenUrlError,
    ImageError,
    ImageTooLargeError,
    RequestError,
    SceneletError,
)
from scenelet.images import FORMATS, MAX_PIXELS, sniff
from scenelet.serve.predictor import Prediction, Predictor
from scenelet.serve.settings import Settings

JSON, PROBLEM = "application/json", "application/problem+json"
USAGE = 'send {"url": "https://..."}, {"image": "<base64>"} or the bytes of an image'
_STATUS: tuple[tuple[type[SceneletError], int, str], ...] = (
    (ImageTooLargeError, 413, "Image too large"),
    (ImageError, 422, "Unusable image"),
    (ForbiddenUrlError, 400, "URL not allowed"),
    (FetchTimeoutError, 504, "URL took too long"),
    (FetchError, 502, "URL could not be fetched"),
)


@dataclass(frozen=True)
class Request:
    """What was asked; header names in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Response:
    """What is answered: a JSON body, unless it is empty."""

    status: int
    headers: dict[str, str]
    body: str


Watch = Callable[[Prediction], None]


class Service:
    """Answers requests with one predictor. Safe to share between threads."""

    def __init__(
        self,
        predictor: Callable[[], Predictor],
        settings: Settings,
        watch: Watch | None = None,
        measured: bool = False,
    ) -> None:
        """Make a service.

        Args:
            predictor: Gives the predictor to answer with; asked for each request, so that it may be
                replaced.
            settings: What it may do.
            watch: Called with each prediction, for logs and metrics.
            measured: Whether it wants the picture's measures.
        """
        self.predictor, self.settings, self.watch, self.measured = (
            predictor,
            settings,
            watch,
            measured,
        )

    def respond(self, request: Request) -> Response:
        """Answer; whatever goes wrong becomes a problem of RFC 9457, never an exception."""
        try:
            status, body = self._route(request)
        except SceneletError as error:
            status, told = problem_of(error)
            return self._response(request, status, told, PROBLEM)
        except Exception:  # a fault of ours: for the log with its way, not for a stranger
            print(f"scenelet: {traceback.format_exc()}", end="", file=sys.stderr, flush=True)
            return self._response(
                request, 500, problem(500, "Service is broken", "its log says why"), PROBLEM
            )
        return self._response(request, status, body, JSON)

    def predict(self, data: bytes) -> Prediction:
        """Classify one image, and let it be watched.

        Raises:
            ImageError: The bytes can't be used.
        """
        prediction = self.predictor().predict(data, self.measured)
        if self.watch:
            self.watch(prediction)
        return prediction

    def predict_item(self, item: Any) -> Prediction:
        """Classify what `{"url": ...}` or `{"image": base64}` names.

        Raises:
            RequestError: It names nothing.
            ImageError: The bytes can't be used.
            FetchError: The URL can't be fetched.
        """
        if not isinstance(item, dict) or ("url" in item) == ("image" in item):
            raise RequestError(f"expected exactly one of url and image; {USAGE}")
        return self.predict(
            _decode_base64(item["image"], "image") if "image" in item else self._fetch(item["url"])
        )

    def _route(self, request: Request) -> tuple[int, Any]:
        path, method = "/" + request.path.strip("/"), request.method.upper()
        if method == "OPTIONS" and self.settings.cors_origins:
            return 204, None
        if method == "GET" and path == "/health":
            return 200, {"status": "ok", "bundle": self.predictor().model.contract.name}
        if method == "GET" and path == "/":
            return 200, self._about()
        if method == "POST" and path in ("/", "/predict"):
            return 200, self._predict(request)
        if path in ("/", "/predict", "/health"):
            raise RequestError(
                f"{method} is not answered here; GET /, GET /health, POST /predict are",
                405,
                "Wrong method",
            )
        raise RequestError(
            f"nothing at {path}; GET /, GET /health, POST /predict are answered", 404, "Not found"
        )

    def _about(self) -> dict[str, Any]:
        contract, settings = self.predictor().model.contract, self.settings
        return {
            "service": f"scenelet {__version__}",
            "bundle": contract.name,
            "bundle_created": contract.created,
            "classes": list(contract.class_names),
            "ask": f"POST /predict: {USAGE}",
            "url_allowed": settings.allow_url,
            "formats": list(FORMATS),
            "limits": {
                "body_bytes": settings.max_body_bytes,
                "images": settings.max_images,
                "pixels": MAX_PIXELS,
            },
        }

    def _predict(self, request: Request) -> Any:
        if len(request.body) > self.settings.max_body_bytes:
            raise RequestError(
                f"body of {len(request.body):,} bytes, at most {self.settings.max_body_bytes:,}",
                413,
                "Body too large",
            )
        if not request.body:
            raise RequestError(f"empty body; {USAGE}")
        form = parse_qs(request.query).get("format", ["full"])[-1]
        if form not in ("full", "plain"):
            raise RequestError(f"format: found {form!r}, expected full or plain")
        several, jobs = self._jobs(request)
        if len(jobs) > self.settings.max_images:
            raise RequestError(
                f"{len(jobs)} images in one request, at most {self.settings.max_images}",
                413,
                "Too many images",
            )
        if not several:
            return _shown(jobs[0](), form)
        return {"answers": [_shown_or_problem(job, form) for job in jobs]}

    def _jobs(self, request: Request) -> tuple[bool, list[Callable[[], Prediction]]]:
        """Whether several pictures were asked for, and one job a picture."""
        stated = request.headers.get("content-type", "")
        kind = stated.partition(";")[0].strip().lower()
        body = request.body
        if kind == "multipart/form-data":
            files = _files_of(stated, body)
            return len(files) > 1, [lambda data=data: self.predict(data) for data in files]  # type: ignore[misc]
        if (
            kind.startswith("image/")
            or kind == "application/octet-stream"
            or (not kind and sniff(body))
        ):
            return False, [lambda: self.predict(body)]
        if kind not in ("", JSON, "text/plain", "text/json", "application/x-www-form-urlencoded"):
            raise RequestError(f"content-type {kind[:80]}; {USAGE}", 415, "Unsupported media type")
        try:
            asked = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise RequestError(
                f"the body is not JSON and content-type is {kind or 'missing'}; {USAGE}"
            ) from error
        if (
            isinstance(asked, dict)
            and isinstance(asked.get("requests"), list)
            and asked["requests"]
        ):
            return True, [lambda item=item: self.predict_item(item) for item in asked["requests"]]  # type: ignore[misc]
        return False, [lambda: self.predict_item(asked)]

    def _fetch(self, url: Any) -> bytes:
        if not isinstance(url, str):
            raise RequestError(f"url: found {type(url).__name__}, expected text; {USAGE}")
        if not self.settings.allow_url:
            raise ForbiddenUrlError("this service does not fetch URLs; send the image itself")
        from scenelet.serve.fetch import (
            FetchLimits,
            fetch,
        )  # http.client and ssl: not needed for uploads

        return fetch(url, FetchLimits(trusted=self.settings.trusted_hosts))

    def _response(self, request: Request, status: int, body: Any, content_type: str) -> Response:
        headers = {"content-type": content_type} if body is not None else {}
        origin = request.headers.get("origin", "")
        allowed = self.settings.cors_origins
        if allowed and ("*" in allowed or origin in allowed):
            headers |= {
                "access-control-allow-origin": "*" if "*" in allowed else origin,
                "access-control-allow-methods": "GET, POST, OPTIONS",
                "access-control-allow-headers": "content-type",
                "vary": "origin",
            }
        return Response(
            status, headers, "" if body is None else json.dumps(body, ensure_ascii=False)
        )


def problem_of(error: SceneletError) -> tuple[int, dict[str, Any]]:
    """Status and RFC 9457 problem of an error.

    What is our own fault goes to the log, with its paths.
    """
    if isinstance(error, RequestError):
        status, title = error.status, error.title
    else:
        found = next(
            ((status, title) for kind, status, title in _STATUS if isinstance(error, kind)), None
        )
        status, title = found or (
            500,
            "Service is not configured" if isinstance(error, ConfigError) else "Service is broken",
        )
    detail = str(error)
    if status == 500:
        print(f"scenelet: {detail}", file=sys.stderr)
        detail = "the service's own model or configuration can't be used; its log says why"
    return status, problem(status, title, detail)


def problem(status: int, title: str, detail: str) -> dict[str, Any]:
    """Problem details of RFC 9457."""
    return {"type": "about:blank", "title": title, "status": status, "detail": detail}


def _shown(prediction: Prediction, form: str) -> dict[str, Any]:
    return prediction.probabilities if form == "plain" else prediction.as_dict()


def _shown_or_problem(job: Callable[[], Prediction], form: str) -> dict[str, Any]:
    try:
        return _shown(job(), form)
    except SceneletError as error:
        return problem_of(error)[1]


def _decode_base64(text: Any, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise RequestError(f"{name}: not valid base64; {USAGE}") from error


def _files_of(content_type: str, body: bytes) -> list[bytes]:
    """The files of a multipart/form-data body (RFC 7578), in order.

    Fields without a file name are passed over.
    """
    found = re.search(r'boundary="?([^";,]{1,200})"?', content_type)
    if not found:
        raise RequestError("multipart/form-data without a boundary; send the parts with one")
    files = []
    for part in (b"\r\n" + body).split(b"\r\n--" + found[1].encode("latin-1", "replace"))[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        if re.search(rb"content-disposition:[^\r\n]*filename", head, re.IGNORECASE):
            files.append(content)
    if not files:
        raise RequestError("multipart/form-data without a file; send each picture as a file")
    return files
