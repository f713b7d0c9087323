"""`scenelet app`: the pages in a browser."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.options import DEFAULT_LEDGER, TrustHost, bundle_at
from scenelet.cli.output import note, require
from scenelet.cli.ports import is_free, listened_at
from scenelet.errors import ConfigError

_SETTINGS = {
    "browser.gatherUsageStats": "false",  # nothing is sent to anybody
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "none",
    "global.developmentMode": "false",
    "server.fileWatcherType": "none",
    "server.maxUploadSize": "20",
    "theme.light.primaryColor": "#2463b8",
    "theme.dark.primaryColor": "#6aa5f2",
}
_PORT = 8501
_OWN = ("127.0.0.1", "::1", "localhost")  # nobody else reaches the pages there
_MEMORY = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "65536"}  # comes back after a crowd


Bundle = Annotated[
    Path | None,
    typer.Option(callback=bundle_at, help="Bundle that answers; default: the Intel scenes bundle."),
]
Run = Annotated[Path, typer.Option(help="Run folder, or a folder of them.")]
Searches = Annotated[Path, typer.Option(help="Folder of searches.")]
Data = Annotated[
    Path | None,
    typer.Option(help="Folder, table, zip or address of pictures, to browse and to measure on."),
]
Manifest = Annotated[
    Path | None,
    typer.Option(help="Its manifest, as `data audit` writes it; default: that of its audit."),
]
Endpoint = Annotated[str | None, typer.Option(metavar="URL", help="Deployed service to ask too.")]
Ledger = Annotated[
    Path,
    typer.Option(envvar="SCENELET_LEDGER", help="Where looks at test splits are recorded."),
]
Host = Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for everybody.")]
Port = Annotated[
    int | None, typer.Option(help="Port to listen at; default: 8501, or the next that is free.")
]
Open = Annotated[bool, typer.Option("--open", help="Open it in the browser of this desktop.")]


def app(
    bundle: Bundle = None,
    run: Run = Path("runs"),
    searches: Searches = Path("searches"),
    data: Data = None,
    manifest: Manifest = None,
    endpoint: Endpoint = None,
    ledger: Ledger = DEFAULT_LEDGER,
    host: Host = "127.0.0.1",
    port: Port = None,
    open_pages: Open = False,
    trust_host: TrustHost = None,
) -> None:
    """See the data, try the model, know its limits, in a browser.

    Local by default; uploads stay in memory.

    Example: `scenelet app --data photos`
    """
    from scenelet.app.sources import Sources
    from scenelet.bundle.contract import read_contract
    from scenelet.dataset.audits import HOME, MANIFEST, audit_of
    from scenelet.shipped import default_bundle

    require("app", "streamlit")
    _require_place(data)
    folder = bundle or default_bundle()
    read_contract(folder)  # what is no bundle is told before a browser is opened
    asked = Sources(
        bundle=str(folder),
        endpoint=endpoint or "",
        runs=str(run),
        searches=str(searches),
        data=str(data or ""),
        manifest=str(manifest or (data and audit_of(str(data))) or HOME / MANIFEST),
        ledger=str(ledger),
        trusted=tuple(trust_host or ()),
        is_own=host in _OWN,
    )
    _become(
        asked.to_environment(),
        host,
        _free_port(host) if port is None else listened_at(host, port),
        open_pages,
    )


def _require_place(data: Path | None) -> None:
    from scenelet.dataset.address import address_of

    if data is not None and not data.exists() and not address_of(str(data)):
        raise ConfigError(f"--data: {data} is not a folder, a table, a zip or an address")


def _free_port(host: str) -> int:
    """The usual one, or the next that nobody listens at.

    Raises:
        ConfigError: All of twenty are taken, or this machine has no such address.
    """
    for port in range(_PORT, _PORT + 20):
        if is_free(host, port):
            return port
    raise ConfigError(
        f"--host {host}: no port from {_PORT} to {_PORT + 19} is free there. Give --port."
    )


def _become(environment: dict[str, str], host: str, port: int, is_opened: bool) -> None:
    """Replace this process by Streamlit, which opens a browser if it shall."""
    settings = {**_SETTINGS, "server.address": host, "server.port": str(port)}
    settings["server.headless"] = str(not is_opened).lower()
    flags = [word for name, value in settings.items() for word in (f"--{name}", value)]
    script = Path(__file__).parents[1] / "app" / "main.py"
    note(f"open http://{host}:{port}")
    os.environ |= environment | _MEMORY
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(script), *flags])  # noqa: S606
