"""`scenelet serve`."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from scenelet.cli.options import Bundle, TrustHost
from scenelet.cli.output import command, needs_extra, note
from scenelet.cli.ports import listened_at
from scenelet.text import listed

GRACE_S = 60  # after SIGTERM, for what was accepted: a slow upload does not hold it for ever


Host = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")]
Port = Annotated[
    int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any that is free.")
]
Workers = Annotated[int, typer.Option(min=1, help="Processes, which share the cores.")]
Queue = Annotated[
    int, typer.Option(min=0, help="Requests waiting in a process before 429; 0: 16 a core.")
]
AllowUrl = Annotated[
    bool | None,
    typer.Option(
        help="Whether to fetch URLs that strangers send; default: as SCENELET_ALLOW_URL says, or"
        " yes."
    ),
]
CorsOrigin = Annotated[
    list[str] | None, typer.Option(help="Origin whose pages may ask, or *; may be repeated.")
]
BasePath = Annotated[
    str, typer.Option(help="Path that a proxy hands on to it, as /scenes, stripped or not.")
]
Log = Annotated[
    Path | None,
    typer.Option(help="File to add a line to for each answer, without picture, for `drift`."),
]


def serve(
    *,
    bundle: Bundle = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Workers = 1,
    queue: Queue = 0,
    allow_url: AllowUrl = None,
    trust_host: TrustHost = None,
    cors_origin: CorsOrigin = None,
    base_path: BasePath = "",
    log: Log = None,
) -> None:
    """Answer over HTTP on this machine, by the same routes as on Lambda.

    /docs shows them, /metrics is for Prometheus. What no option says is as the environment's
    variables of the service say (SCENELET_TRUSTED_HOSTS, SCENELET_TOKEN_SHA256, ...).

    Example: `scenelet serve --bundle models/intel-scenes --port 8000`
    """
    with needs_extra("serve"):
        import uvicorn  # noqa: F401

        import scenelet.serve.http  # noqa: F401
    from scenelet.parallel import cores
    from scenelet.quiet import quiet
    from scenelet.serve.logfile import LogFile
    from scenelet.serve.predictor import Predictor
    from scenelet.serve.settings import Settings
    from scenelet.shipped import default_bundle

    folder = bundle or default_bundle()
    with quiet():  # what can't be used is said here, not by every worker
        names = Predictor(folder).class_names
    port = listened_at(host, port)
    given: dict[str, Any] = {
        "allow_url": allow_url,
        "trusted_hosts": trust_host and frozenset(trust_host),
        "cors_origins": cors_origin and tuple(cors_origin),
        "base_path": base_path or None,
    }
    said = {name: value for name, value in given.items() if value is not None}
    settings = replace(Settings.from_environment(), **said)
    os.environ |= settings.to_environment() | {
        "SCENELET_BUNDLE": str(folder.resolve()),
        "SCENELET_QUEUE": str(queue),
        "SCENELET_LOG_FILE": str(log.resolve()) if log else "",
        "SCENELET_THREADS": str(max(1, cores() // workers)),
    }
    if log:
        LogFile(log)  # what can't be written is said here, not by every worker
        following = command("scenelet", "drift", log, "--bundle", folder)
        note(f"a line an answer goes to {log}; later: {following}")
    note(f"serving {folder} ({listed(names)}); open http://{host}:{port}/ in a browser")
    _run(host, port, workers)


def _run(host: str, port: int, workers: int) -> None:
    import uvicorn

    with tempfile.TemporaryDirectory() as shared:
        if workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = shared
        uvicorn.run(
            "scenelet.serve.http:app_from_environment",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE_S,
        )
