"""One service behind every HTTP door: a request in plain values to a response in plain values.

Knows no Lambda, no FastAPI; what a body may look like is `requests`' business.

Routes, below the base path of the settings or without it (HEAD as GET, without a body):
    GET  /         what this is: classes, limits, how to ask; for a browser, a page to ask by
    GET  /health   whether the model answers
    POST /predict  one picture or several (also POST /); `?format=plain` answers {class:
    probability} alone
    POST /upload   an address to put a larger picture at first, where the settings name a bucket

A picture comes as {"url": ...}, as {"image": base64}, as {"upload": NAME} once it was put there, as
the bytes of the body, or as a file of multipart/form-data. Several come as {"requests": [...]} or
as several files, and are answered in the same order under "answers"; one that can't be used has its
problem there and spoils no other.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

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
from scenelet.images import FORMATS, MAX_PIXELS
from scenelet.serve.page import page, wants_page
from scenelet.serve.predictor import Prediction, Predictor
from scenelet.serve.requests import JSON as JSON
from scenelet.serve.requests import USAGE as USAGE
from scenelet.serve.requests import Request as Request
from scenelet.serve.requests import asked_of, found_instead, is_data_url, json_kind, picture_of
from scenelet.serve.settings import Settings
from scenelet.serve.token import carries

if TYPE_CHECKING:
    from dataclasses import dataclass

    from scenelet.serve.collecting import Collector
else:  # the same, made quickly
    from scenelet.records import dataclass

PROBLEM = "application/problem+json"
_BROKEN = "the service's own model or configuration can't be used; its log says why"
_STATUS: tuple[tuple[type[SceneletError], int, str], ...] = (
    (ImageTooLargeError, 413, "Image too large"),
    (ImageError, 422, "Unusable image"),
    (ForbiddenUrlError, 400, "URL not allowed"),
    (FetchTimeoutError, 504, "URL took too long"),
    (FetchError, 502, "URL could not be fetched"),
    (ConfigError, 500, "Service is not configured"),
)


@dataclass(frozen=True)
class Response:
    """What is answered: a JSON body, a page, or nothing."""

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
        self.predictor, self.settings = predictor, settings
        self.watch, self.measured = watch, measured
        self._routes, self._collector = self._answered(), self._collecting()

    def _answered(self) -> dict[str, dict[str, Callable[[Request], Any]]]:
        """The one table of what is answered: path -> method -> how. HEAD goes with GET."""
        routes: dict[str, dict[str, Callable[[Request], Any]]] = {
            "/": {"GET": self._about, "POST": self._predict},
            "/health": {"GET": self._health},
            "/predict": {"POST": self._predict},
        }
        if self.settings.uploads:
            routes["/upload"] = {"POST": self._offer}
        return routes

    def _collecting(self) -> "Collector | None":
        if not self.settings.collect:
            return None
        from scenelet.serve.collecting import Collector  # for these services alone

        return Collector(self.settings)

    def respond(self, request: Request) -> Response:
        """Answer; whatever goes wrong becomes a problem of RFC 9457, never an exception."""
        if self._path(request) == "/" and wants_page(request):  # without a token: it asks for it
            return _page(request)
        try:
            self._require_token(request)
            status, body = self._route(request)
        except SceneletError as error:
            status, told = problem_of(error)
            return self._response(request, status, told, PROBLEM)
        except Exception:  # a fault of ours: for the log with its way, not for a stranger
            import traceback

            print(f"scenelet: {traceback.format_exc()}", end="", file=sys.stderr, flush=True)
            told = problem(500, "Service is broken", "its log says why")
            return self._response(request, 500, told, PROBLEM)
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

    def predict_item(
        self, item: Any, end_s: float | None = None, may_keep: bool = True
    ) -> Prediction:
        """Classify a picture's bytes, or what `{"url": ...}` or `{"image": base64}` names.

        Args:
            item: What was asked about.
            end_s: When the request must be answered, of `time.monotonic`; None: as settings say.
            may_keep: Whether who asks lets the picture be kept, where the settings keep some.

        Raises:
            RequestError: It names nothing.
            ImageError: The bytes can't be used.
            FetchError: The URL can't be fetched.
        """
        if end_s is None:
            end_s = self._end_s()
        if time.monotonic() > end_s:
            seconds = self.settings.max_seconds
            told = f"the request took longer than {seconds} s; send fewer pictures, or smaller ones"
            raise RequestError(told, 504, "Request took too long")
        data = self._bytes_of(item, end_s)
        prediction = self.predict(data)
        if self._collector and may_keep and time.monotonic() < end_s:
            self._collector.offer(data, prediction, self.predictor())
        return prediction

    def _bytes_of(self, item: Any, end_s: float) -> bytes:
        if isinstance(item, bytes):
            return item
        if isinstance(item, dict) and self.settings.uploads and "upload" in item:
            from scenelet.serve.presigned import taken  # for these requests alone

            return taken(self.settings.uploads, item["upload"])
        if not isinstance(item, dict) or ("url" in item) == ("image" in item):
            told = f"found {found_instead(item)}, expected exactly one of url and image"
            raise RequestError(f"{told}; {USAGE}")
        if "image" in item:
            return picture_of(item["image"], "image")
        return self._fetch(item["url"], end_s)

    def _end_s(self) -> float:
        return time.monotonic() + self.settings.max_seconds

    def _require_token(self, request: Request) -> None:
        """Before anything is decoded; a page's preflight can't carry one."""
        wanted = self.settings.token_sha256
        if wanted and request.method.upper() != "OPTIONS" and not carries(request.headers, wanted):
            raise RequestError(
                "send the token of this service: authorization: Bearer TOKEN", 401, "No token"
            )

    def _route(self, request: Request) -> tuple[int, Any]:
        path, method = self._path(request), request.method.upper().replace("HEAD", "GET")
        if method == "OPTIONS" and self.settings.cors_origins:
            return 204, None
        answer = self._routes.get(path, {}).get(method)
        if answer is None:
            raise self._not_here(request.method, path)
        return 200, answer(request)

    def _not_here(self, method: str, path: str) -> RequestError:
        told = ", ".join(f"{each} {path}" for path, ways in self._routes.items() for each in ways)
        if path in self._routes:
            return RequestError(
                f"{method[:20]} is not answered here; {told} are", 405, "Wrong method"
            )
        return RequestError(f"nothing at {path[:200]}; {told} are answered", 404, "Not found")

    def _path(self, request: Request) -> str:
        """Of the request, without the path that the service is mounted at."""
        path, base = unquote(request.path).strip("/"), self.settings.base_path.strip("/")
        if base and (path == base or path.startswith(f"{base}/")):
            path = path[len(base) :]
        return "/" + path.strip("/")

    def _health(self, _: Request) -> dict[str, str]:
        return {"status": "ok", "bundle": self.predictor().model.contract.name}

    def _offer(self, request: Request) -> dict[str, Any]:
        from scenelet.serve.presigned import offer  # for these requests alone

        return offer(self.settings.uploads, request.body)

    def _about(self, _: Request) -> dict[str, Any]:
        contract, settings = self.predictor().model.contract, self.settings
        return {
            "service": f"scenelet {__version__}",
            "bundle": contract.name,
            "bundle_created": contract.created,
            "classes": list(contract.class_names),
            "ask": f"POST /predict: {USAGE}",
            "url_allowed": settings.allow_url,
            "collects": self._told_of_collecting(),
            "formats": list(FORMATS),
            "limits": {
                "body_bytes": settings.max_body_bytes,
                "url_bytes": self._url_bytes(),
                "upload_bytes": self._upload_bytes(),
                "images": settings.max_images,
                "seconds": settings.max_seconds,
                "pixels": MAX_PIXELS,
            },
        }

    def _told_of_collecting(self) -> dict[str, Any] | None:
        if not self._collector:
            return None
        from scenelet.serve.collecting import about

        return about(self.settings)

    def _may_keep(self, request: Request) -> bool:
        if not self._collector:
            return False
        from scenelet.serve.collecting import may_keep

        return may_keep(request.headers)

    def _url_bytes(self) -> int:
        """Of a picture that a URL names; 0 where none is fetched."""
        if not self.settings.allow_url:
            return 0
        from scenelet.fetch import FetchLimits

        return FetchLimits.max_bytes

    def _upload_bytes(self) -> int:
        """Of a picture that is uploaded first; 0 where that can't be."""
        if not self.settings.uploads:
            return 0
        from scenelet.serve.presigned import MOST_BYTES

        return MOST_BYTES

    def _predict(self, request: Request) -> Any:
        form = parse_qs(request.query).get("format", ["full"])[-1]
        if form not in ("full", "plain"):
            raise RequestError(f"format: found {form[:40]!r}, expected full or plain")
        asked = asked_of(request, self.settings.max_body_bytes)
        if len(asked.items) > self.settings.max_images:
            told = f"{len(asked.items)} images in one request, at most {self.settings.max_images}"
            raise RequestError(told, 413, "Too many images")
        end_s, may_keep = self._end_s(), self._may_keep(request)

        def answer(item: Any) -> dict[str, Any]:
            return _shown(self.predict_item(item, end_s, may_keep), form)

        if not asked.are_several:
            return answer(asked.items[0])
        return {"answers": [_answer_or_problem(answer, item) for item in asked.items]}

    def _fetch(self, url: Any, end_s: float) -> bytes:
        if not isinstance(url, str):
            raise RequestError(f"url: found {json_kind(url)}, expected text; {USAGE}")
        if not url.strip():
            raise RequestError(f"url: empty; {USAGE}")
        if is_data_url(url):
            return picture_of(url, "url")
        if not self.settings.allow_url:
            raise ForbiddenUrlError("this service does not fetch URLs; send the image itself")
        # http.client and ssl: not needed for uploads
        from scenelet.fetch import FetchLimits, fetch

        left_s = max(0.1, min(FetchLimits.timeout_s, end_s - time.monotonic()))
        return fetch(url, FetchLimits(timeout_s=left_s, trusted=self.settings.trusted_hosts))

    def _response(self, request: Request, status: int, body: Any, content_type: str) -> Response:
        headers = {"content-type": content_type} if body is not None else {}
        if status == 405:
            headers["allow"] = ", ".join(self._methods(self._path(request)))
        is_told = body is not None and request.method.upper() != "HEAD"
        text = json.dumps(body, ensure_ascii=False) if is_told else ""
        return Response(status, headers | self._cors_headers(request), text)

    def _methods(self, path: str) -> list[str]:
        return [
            each
            for method in self._routes[path]
            for each in ((method, "HEAD") if method == "GET" else (method,))
        ]

    def _cors_headers(self, request: Request) -> dict[str, str]:
        origin, allowed = request.headers.get("origin", ""), self.settings.cors_origins
        if not allowed or ("*" not in allowed and origin not in allowed):
            return {}
        return {
            "access-control-allow-origin": "*" if "*" in allowed else origin,
            "access-control-allow-methods": "GET, POST, OPTIONS",
            "access-control-allow-headers": "content-type, authorization, x-scenelet-token",
            "vary": "origin",
        }


def _answer_or_problem(answer: Callable[[Any], dict[str, Any]], item: Any) -> dict[str, Any]:
    try:
        return answer(item)
    except SceneletError as error:
        return problem_of(error)[1]


def _page(request: Request) -> Response:
    text, headers = page()
    return Response(200, headers, "" if request.method.upper() == "HEAD" else text)


def problem_of(error: SceneletError) -> tuple[int, dict[str, Any]]:
    """Status and RFC 9457 problem of an error.

    What is our own fault goes to the log, with its paths.
    """
    if isinstance(error, RequestError):
        return error.status, problem(error.status, error.title, str(error))
    found = (row[1:] for row in _STATUS if isinstance(error, row[0]))
    status, title = next(found, (500, "Service is broken"))
    if status != 500:
        return status, problem(status, title, str(error))
    print(f"scenelet: {error}", file=sys.stderr)
    return status, problem(status, title, _BROKEN)


def problem(status: int, title: str, detail: str) -> dict[str, Any]:
    """Problem details of RFC 9457."""
    return {"type": "about:blank", "title": title, "status": status, "detail": detail}


def _shown(prediction: Prediction, form: str) -> dict[str, Any]:
    return prediction.probabilities if form == "plain" else prediction.as_dict()
