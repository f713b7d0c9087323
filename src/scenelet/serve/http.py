"""The local HTTP door: FastAPI around `Service`, with a bounded queue, metrics for Prometheus, a bundle to be replaced."""

import asyncio
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi import Request as HttpRequest
from fastapi import Response as HttpResponse
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from scenelet import __version__
from scenelet.bundle.contract import CONTRACT
from scenelet.errors import BundleError
from scenelet.parallel import cores
from scenelet.quiet import quiet
from scenelet.serve.predictor import Prediction, Predictor
from scenelet.serve.service import (
    PROBLEM,
    USAGE,
    Request,
    Response,
    Service,
    problem,
)
from scenelet.serve.settings import Settings
from scenelet.shipped import default_bundle

LOOK_AGAIN_S = 1.0
RETRY_AFTER_S = 1
QUEUE_PER_CORE = 16


class ReplaceableBundle:
    """The predictor of a bundle folder.

    When the folder is replaced, the new bundle answers from then on.

    A request that has begun keeps the predictor that it began with. A new bundle that can't be used
    is told once, then ignored.
    """

    def __init__(self, folder: Path, copies: int) -> None:
        """Load.

        Raises:
            BundleError: It can't be trusted or read.
        """
        self.folder, self.copies = folder, copies
        self._stamp, self._looked_s = self._read_stamp(), time.monotonic()
        self._lock = threading.Lock()
        self._predictor = self._load()

    def __call__(self) -> Predictor:
        """The predictor of now."""
        if time.monotonic() - self._looked_s > LOOK_AGAIN_S and self._lock.acquire(blocking=False):
            try:
                self._look_again()
            finally:
                self._lock.release()
        return self._predictor

    def _look_again(self) -> None:
        self._looked_s = time.monotonic()
        stamp = self._read_stamp()
        if stamp in (self._stamp, None):
            return
        self._stamp = stamp
        try:
            self._predictor = self._load()
            print(f"scenelet: {self.folder} was replaced; its new bundle answers now", flush=True)
        except BundleError as error:
            print(
                f"scenelet: {self.folder} was replaced by a bundle that can't be used, the old one"
                f" goes on: {error}",
                flush=True,
            )

    def _load(self) -> Predictor:
        return Predictor(self.folder, copies=self.copies)

    def _read_stamp(self) -> tuple[int, int] | None:
        try:
            found = (self.folder / CONTRACT).stat()
        except OSError:  # in the moment of replacing
            return None
        return found.st_mtime_ns, found.st_ino


class Metrics:
    """What Prometheus reads.

    With several workers, each adds to files that any of them can sum up.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "scenelet_requests", "Requests by status", ["status"], registry=self.registry
        )
        self.answers = Counter(
            "scenelet_answers", "Predictions by class", ["label"], registry=self.registry
        )
        self.abstained = Counter(
            "scenelet_abstained", "Predictions better not believed", registry=self.registry
        )
        self.strangers = Counter(
            "scenelet_strangers",
            "Pictures that look like none of the classes",
            registry=self.registry,
        )
        self.waiting = Gauge(
            "scenelet_in_flight",
            "Requests accepted and not answered yet",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.seconds = Histogram(
            "scenelet_request_seconds",
            "From the whole body to the answer",
            registry=self.registry,
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
        )

    def watch(self, prediction: Prediction) -> None:
        """Count a prediction."""
        self.answers.labels(prediction.label).inc()
        self.abstained.inc(prediction.abstains)
        self.strangers.inc(prediction.is_stranger)

    def text(self) -> bytes:
        """In Prometheus' format."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        merged = CollectorRegistry()
        multiprocess.MultiProcessCollector(merged)  # type: ignore[no-untyped-call]
        return generate_latest(merged)


def create_app(bundle: Path, settings: Settings, queue: int = 0, threads: int = 0) -> FastAPI:
    """The application.

    Args:
        bundle: Folder of the bundle.
        settings: What it may do.
        queue: Requests accepted and not answered yet, at most; more are told to come again (429).
            0: 16 a core.
        threads: Requests worked on at once; 0: one a core.

    Raises:
        BundleError: It can't be trusted or read.
    """
    threads = threads or cores()
    most = queue or QUEUE_PER_CORE * threads
    metrics = Metrics()
    with quiet():  # LiteRT says once in a process that it starts, and nothing of later bundles
        predictor = ReplaceableBundle(bundle, threads)
    service = Service(predictor, settings, metrics.watch)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="predict")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        pool.shutdown(wait=True)

    app = FastAPI(
        title="scenelet",
        version=__version__,
        description=f"Classify pictures: {USAGE}.",
        lifespan=lifespan,
        redoc_url=None,
    )
    state = {"in_flight": 0}

    async def answer(request: HttpRequest) -> HttpResponse:
        if state["in_flight"] >= most:
            response = _problem(
                429, "Too many requests", f"{most} requests are waiting already; come again"
            )
            response.headers["retry-after"] = str(RETRY_AFTER_S)
            metrics.requests.labels("429").inc()
            return response
        state["in_flight"] += 1
        metrics.waiting.inc()
        try:
            body = await _body(request, settings.max_body_bytes)
            if body is None:
                return _counted(
                    _problem(413, "Body too large", f"at most {settings.max_body_bytes:,} bytes"),
                    metrics,
                )
            start_s = time.perf_counter()
            told = await _in_pool(pool, service.respond, _plain(request, body))
            metrics.seconds.observe(time.perf_counter() - start_s)
            return _counted(HttpResponse(told.body, told.status, told.headers), metrics)
        finally:
            state["in_flight"] -= 1
            metrics.waiting.dec()

    @app.get("/metrics", summary="For Prometheus")
    def read_metrics() -> HttpResponse:
        return HttpResponse(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    _add_routes(app, answer)
    return app


def app_from_environment() -> FastAPI:
    """For uvicorn's workers: the bundle of `SCENELET_BUNDLE`, the queue of `SCENELET_QUEUE`, threads of `SCENELET_THREADS`."""
    bundle = Path(os.environ.get("SCENELET_BUNDLE") or default_bundle())
    queue, threads = (int(os.environ.get(f"SCENELET_{name}") or 0) for name in ("QUEUE", "THREADS"))
    return create_app(bundle, Settings.from_environment(), queue, threads)


def _add_routes(app: FastAPI, answer: Callable[[HttpRequest], Awaitable[HttpResponse]]) -> None:
    picture = {"schema": {"type": "string", "format": "binary"}}
    url = {"url": "https://upload.wikimedia.org/wikipedia/commons/3/3f/Fronalpstock_big.jpg"}
    form = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
    body = {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "object"},
                "examples": {"a URL": {"value": url}},
            },
            "multipart/form-data": {"schema": form},
            "image/jpeg": picture,
            "image/png": picture,
        },
    }
    plain = {
        "name": "format",
        "in": "query",
        "schema": {"type": "string", "enum": ["full", "plain"], "default": "full"},
    }
    asked: dict[str, Any] = {"requestBody": body, "parameters": [plain]}
    app.add_api_route(
        "/predict",
        answer,
        methods=["POST"],
        summary="Classify one picture or several",
        openapi_extra=asked,
    )
    app.add_api_route("/health", answer, methods=["GET"], summary="Whether the model answers")
    app.add_api_route("/", answer, methods=["GET"], summary="What this is: classes, limits")
    every = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
    app.add_api_route("/{rest:path}", answer, methods=every, include_in_schema=False)


async def _body(request: HttpRequest, most_bytes: int) -> bytes | None:
    """The body, or None if it is too large; never more than that in memory."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most_bytes:
            return None
        parts.append(part)
    return b"".join(parts)


async def _in_pool(
    pool: ThreadPoolExecutor, work: Callable[[Request], Response], request: Request
) -> Response:
    return await asyncio.get_running_loop().run_in_executor(pool, work, request)


def _plain(request: HttpRequest, body: bytes) -> Request:
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Request(request.method, request.url.path, request.url.query, headers, body)


def _problem(status: int, title: str, detail: str) -> HttpResponse:
    return HttpResponse(json.dumps(problem(status, title, detail)), status, media_type=PROBLEM)


def _counted(response: HttpResponse, metrics: Metrics) -> HttpResponse:
    metrics.requests.labels(str(response.status_code)).inc()
    return response
