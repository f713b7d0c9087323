"""The local HTTP door: FastAPI around `Service`, with a bounded queue, and metrics."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi import Request as HttpRequest
from fastapi import Response as HttpResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from scenelet import __version__
from scenelet.errors import RequestError
from scenelet.parallel import cores
from scenelet.quiet import quiet
from scenelet.serve.logfile import LogFile
from scenelet.serve.page import page
from scenelet.serve.predictor import Prediction
from scenelet.serve.prometheus import Metrics
from scenelet.serve.replaceable import ReplaceableBundle
from scenelet.serve.service import PROBLEM, USAGE, Request, Response, Service, problem_of
from scenelet.serve.settings import Settings
from scenelet.serve.uploads import Uploads, too_many
from scenelet.shipped import default_bundle

RETRY_AFTER_S = 1
QUEUE_PER_CORE = 16
LEFT = 499  # what servers log for a client that left; nobody reads it
_WITHOUT_BODY = ("GET", "HEAD", "OPTIONS")
_EVERY = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
Answer = Callable[[HttpRequest], Awaitable[HttpResponse]]


class Door:
    """Requests to answers: those with a picture through the queue, all others past it."""

    def __init__(
        self, service: Service, metrics: Metrics, uploads: Uploads, queue: int, threads: int
    ) -> None:
        """Make a door.

        Args:
            service: That answers.
            metrics: To count in.
            uploads: That bodies come in by.
            queue: Pictures accepted and not answered yet, at most.
            threads: Pictures worked on at once.
        """
        self.service, self.metrics, self.uploads = service, metrics, uploads
        self.queue, self.waiting = queue, 0
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="predict")

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """Of any route; whether the service lives is answered however many pictures wait."""
        try:
            if request.method in _WITHOUT_BODY:
                told = await asyncio.to_thread(self.service.respond, _plain(request, b""))
            else:
                told = await self._queued(_plain(request, await self.uploads.read(request)))
            response = HttpResponse(told.body, told.status, told.headers)
        except ClientDisconnect:
            print("scenelet: a client left before its request was whole", flush=True)
            response = HttpResponse(status_code=LEFT)
        except RequestError as error:
            response = _refusal(error)
        self.metrics.requests.labels(str(response.status_code)).inc()
        return response

    async def _queued(self, request: Request) -> Response:
        """A place is given when the body is there; more than there are places come again."""
        if self.waiting >= self.queue:
            raise too_many(f"{self.queue} requests are waiting already")
        self.waiting += 1
        self.metrics.waiting.inc()
        start_s = time.perf_counter()
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self.pool, self.service.respond, request)
        finally:
            self.metrics.seconds.observe(time.perf_counter() - start_s)
            self.metrics.waiting.dec()
            self.waiting -= 1


def create_app(
    bundle: Path, settings: Settings, queue: int = 0, threads: int = 0, log: Path | None = None
) -> FastAPI:
    """The application.

    Args:
        bundle: Folder of the bundle.
        settings: What it may do.
        queue: Pictures accepted and not answered yet, at most; more are told to come again (429).
            0: 16 a core.
        threads: Pictures worked on at once; 0: one a core.
        log: File to add a line to for each answer.

    Raises:
        BundleError: It can't be trusted or read.
        ArtefactError: The log can't be written.
    """
    door = _door(bundle, settings, queue, threads or cores(), log)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        door.pool.shutdown(wait=True)

    app = FastAPI(
        title="scenelet",
        version=__version__,
        description=f"Classify pictures: {USAGE}.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        root_path="/" + base if (base := settings.base_path.strip("/")) else "",
    )
    _add_pages(app, door.metrics)
    _add_routes(app, door.answer)
    return app


def _door(bundle: Path, settings: Settings, queue: int, threads: int, log: Path | None) -> Door:
    metrics, most = Metrics(), settings.max_body_bytes
    queue = queue or QUEUE_PER_CORE * threads
    lines = LogFile(log) if log else None

    def watch(prediction: Prediction) -> None:
        metrics.watch(prediction)
        if lines:
            lines.tell(prediction)

    with quiet():  # LiteRT says once in a process that it starts, and nothing of later bundles
        service = Service(ReplaceableBundle(bundle, threads), settings, watch, measured=bool(lines))
    uploads = Uploads(most, queue * most, settings.body_timeout_s)
    return Door(service, metrics, uploads, queue, threads)


def app_from_environment() -> FastAPI:
    """For uvicorn's workers: by `SCENELET_BUNDLE`, `_QUEUE`, `_THREADS` and `_LOG_FILE`."""
    bundle = Path(os.environ.get("SCENELET_BUNDLE") or default_bundle())
    queue, threads = (int(os.environ.get(f"SCENELET_{name}") or 0) for name in ("QUEUE", "THREADS"))
    log = os.environ.get("SCENELET_LOG_FILE")
    return create_app(
        bundle, Settings.from_environment(), queue, threads, Path(log) if log else None
    )


def _add_pages(app: FastAPI, metrics: Metrics) -> None:
    """A page to try it by, which asks nothing of other servers, and what Prometheus reads."""
    text, headers = page()

    def read_docs() -> HttpResponse:
        return HttpResponse(text, headers=headers)

    def read_metrics() -> HttpResponse:
        return HttpResponse(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    for path, read in (("/docs", read_docs), ("/metrics", read_metrics)):
        is_shown = read is read_metrics
        app.get(path, summary="For Prometheus", include_in_schema=is_shown)(read)
        app.head(path, include_in_schema=False)(read)


def _add_routes(app: FastAPI, answer: Answer) -> None:
    app.add_api_route(
        "/predict",
        answer,
        methods=["POST"],
        summary="Classify one picture or several",
        openapi_extra=_described(),
    )
    app.add_api_route("/health", answer, methods=["GET"], summary="Whether the model answers")
    app.add_api_route("/", answer, methods=["GET"], summary="What this is: classes, limits")
    app.add_api_route("/{rest:path}", answer, methods=_EVERY, include_in_schema=False)

    async def refuse(request: HttpRequest, _: Exception) -> HttpResponse:
        """Methods and paths of no route at all, in our words too."""
        return await answer(request)

    app.add_exception_handler(HTTPException, refuse)


def _described() -> dict[str, Any]:
    """Of what may be sent, for OpenAPI."""
    picture = {"schema": {"type": "string", "format": "binary"}}
    url = {"url": "https://upload.wikimedia.org/wikipedia/commons/3/3f/Fronalpstock_big.jpg"}
    named = {"schema": {"type": "object"}, "examples": {"a URL": {"value": url}}}
    form = {"type": "object", "properties": {"file": picture["schema"]}}
    content = {
        "application/json": named,
        "multipart/form-data": {"schema": form},
        "image/jpeg": picture,
        "image/png": picture,
    }
    choice = {"type": "string", "enum": ["full", "plain"], "default": "full"}
    return {
        "requestBody": {"required": True, "content": content},
        "parameters": [{"name": "format", "in": "query", "schema": choice}],
    }


def _plain(request: HttpRequest, body: bytes) -> Request:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(request.method, request.scope["path"], request.url.query, headers, body)


def _refusal(error: RequestError) -> HttpResponse:
    """Its body may not have been read: the connection is of no more use."""
    status, told = problem_of(error)
    headers = {"connection": "close"} if status != 429 else {"retry-after": str(RETRY_AFTER_S)}
    return HttpResponse(json.dumps(told), status, headers, media_type=PROBLEM)
