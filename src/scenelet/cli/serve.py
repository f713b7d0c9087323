"""`scenelet serve`."""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.output import needs_extra, stderr


def serve(
    bundle: Annotated[
        Path | None, typer.Option(help="Bundle folder; default: the one that comes along.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any that is free.")
    ] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes, which share the cores.")] = 1,
    queue: Annotated[
        int, typer.Option(min=0, help="Requests waiting in a process before 429; 0: 16 a core.")
    ] = 0,
    allow_url: Annotated[
        bool, typer.Option(help="Whether to fetch URLs that strangers send.")
    ] = True,
    trust_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Server in your own network that URLs may name; may be repeated.",
        ),
    ] = None,
    cors_origin: Annotated[
        list[str] | None, typer.Option(help="Origin whose pages may ask, or *; may be repeated.")
    ] = None,
) -> None:
    """Answer over HTTP on this machine, by the same routes as on Lambda; /docs shows them, /metrics is for Prometheus.

    Example: `scenelet serve --bundle models/intel-scenes --port 8000`
    """
    with needs_extra("serve"):
        import uvicorn

        import scenelet.serve.http  # noqa: F401
    from scenelet.parallel import cores
    from scenelet.serve.predictor import Predictor
    from scenelet.shipped import default_bundle

    folder = bundle or default_bundle()
    names = Predictor(
        folder
    ).class_names  # a bundle that can't be used is said here, not by every worker
    os.environ |= {
        "SCENELET_BUNDLE": str(folder.resolve()),
        "SCENELET_QUEUE": str(queue),
        "SCENELET_THREADS": str(max(1, cores() // workers)),
        "SCENELET_ALLOW_URL": str(allow_url).lower(),
        "SCENELET_TRUSTED_HOSTS": ",".join(trust_host or ()),
        "SCENELET_CORS_ORIGINS": ",".join(cors_origin or ()),
    }
    stderr().print(
        f"serving {folder} ({', '.join(names)}); try http://{host}:{port}/docs",
        highlight=False,
        soft_wrap=True,
    )
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
        )
