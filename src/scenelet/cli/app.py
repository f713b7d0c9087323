"""`scenelet app`: the pages in a browser."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.options import DEFAULT_LEDGER
from scenelet.cli.output import needs_extra, note
from scenelet.errors import ConfigError

_SETTINGS = {
    "browser.gatherUsageStats": "false",  # nothing is sent to anybody
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "global.developmentMode": "false",
    "server.fileWatcherType": "none",
    "server.headless": "true",
    "server.maxUploadSize": "20",
    "theme.light.primaryColor": "#2463b8",
    "theme.dark.primaryColor": "#6aa5f2",
}
_MEMORY = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "65536"}  # comes back after a crowd


Bundle = Annotated[
    Path | None, typer.Option(help="Bundle that answers; default: the Intel scenes bundle.")
]
Run = Annotated[Path, typer.Option(help="Run folder, or a folder of them.")]
Searches = Annotated[Path, typer.Option(help="Folder of searches.")]
Data = Annotated[
    Path | None, typer.Option(help="Folder of class folders, to browse and to measure on.")
]
Manifest = Annotated[Path, typer.Option(help="Its manifest, as `data audit` writes it.")]
Endpoint = Annotated[str | None, typer.Option(metavar="URL", help="Deployed service to ask too.")]
Ledger = Annotated[
    Path,
    typer.Option(envvar="SCENELET_LEDGER", help="Where looks at test splits are recorded."),
]
Host = Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for everybody.")]
Port = Annotated[int, typer.Option(help="Port to listen at.")]
TrustHost = Annotated[
    list[str] | None,
    typer.Option(metavar="HOST:PORT", help="Server in your own network that URLs may name."),
]


def app(
    bundle: Bundle = None,
    run: Run = Path("runs"),
    searches: Searches = Path("searches"),
    data: Data = None,
    manifest: Manifest = Path("audit/manifest.csv"),
    endpoint: Endpoint = None,
    ledger: Ledger = DEFAULT_LEDGER,
    host: Host = "127.0.0.1",
    port: Port = 8501,
    trust_host: TrustHost = None,
) -> None:
    """See the data, try the model, know its limits, in a browser.

    Local by default; uploads stay in memory.

    Example: `scenelet app --data photos`
    """
    from scenelet.app.sources import Sources
    from scenelet.shipped import default_bundle

    _require_streamlit()
    _require_folder(data)
    asked = Sources(
        bundle=str(bundle or default_bundle()),
        endpoint=endpoint or "",
        runs=str(run),
        searches=str(searches),
        data=str(data or ""),
        manifest=str(manifest),
        ledger=str(ledger),
        trusted=tuple(trust_host or ()),
    )
    _become(asked.to_environment(), host, port)


def _require_streamlit() -> None:
    """Without loading it: the app is another process."""
    from importlib.util import find_spec

    with needs_extra("app"):
        if find_spec("streamlit") is None:
            raise ImportError(name="streamlit")


def _require_folder(data: Path | None) -> None:
    if data is not None and not data.is_dir():
        raise ConfigError(f"--data: {data} is not a folder")


def _become(environment: dict[str, str], host: str, port: int) -> None:
    """Replace this process by Streamlit."""
    settings = {**_SETTINGS, "server.address": host, "server.port": str(port)}
    flags = [word for name, value in settings.items() for word in (f"--{name}", value)]
    script = Path(__file__).parents[1] / "app" / "main.py"
    note(f"open http://{host}:{port}")
    os.environ |= environment | _MEMORY
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(script), *flags])  # noqa: S606
