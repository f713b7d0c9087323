"""What the pages show: what the app was started with (one variable), or opened since.

Knows nothing of pages.
"""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

VARIABLE = "SCENELET_APP"
_OPENED = "opened instead"


@dataclass(frozen=True)
class Sources:
    """What to show.

    Attributes:
        bundle: Folder of the bundle that answers.
        endpoint: Address of a deployed service, or "".
        runs: Folder of run folders, or one of them.
        searches: Folder of searches.
        data: Folder of class folders, or "".
        manifest: Of the data, as `data audit` writes it.
        ledger: Where looks at test splits are recorded.
        trusted: "host:port" of servers in your own network that URLs may name.
        is_own: Whether this machine alone reaches the pages, so that they may write.
    """

    bundle: str
    endpoint: str = ""
    runs: str = "runs"
    searches: str = "searches"
    data: str = ""
    manifest: str = "audit/manifest.csv"
    ledger: str = "runs/test-ledger.jsonl"
    trusted: tuple[str, ...] = ()
    is_own: bool = True

    def to_environment(self) -> dict[str, str]:
        """For the process that becomes the app."""
        return {VARIABLE: json.dumps(asdict(self))}

    @property
    def home(self) -> Path:
        """Folder in which the pages write: beside that of the runs."""
        runs = Path(self.runs)
        return runs.parent.parent if (runs / "config.yaml").is_file() else runs.parent

    @property
    def manifest_file(self) -> Path | None:
        """The manifest, if it is there."""
        path = Path(self.manifest)
        return path if path.is_file() else None


def started_with() -> Sources:
    """Of this process: the inverse of `Sources.to_environment`."""
    values = json.loads(os.environ[VARIABLE])
    return Sources(**{**values, "trusted": tuple(values["trusted"])})


def sources() -> Sources:
    """What this person looks at: what the app was started with, or what a page has opened since."""
    import streamlit as st  # the command line hands over sources, and loads no pages

    return replace(started_with(), **st.session_state.get(_OPENED, {}))


def open_instead(**values: str) -> None:
    """Let this person's pages show something else, say a bundle that was just made.

    Args:
        values: Fields of `Sources`.
    """
    import streamlit as st

    st.session_state[_OPENED] = values


def stamp(path: Path | None) -> int:
    """When a file was last written, in ns; 0 where there is none. Part of every cache's key."""
    try:
        return path.stat().st_mtime_ns if path else 0
    except OSError:
        return 0
