"""What the app was started with: handed over from the command line in one variable.

Knows nothing of pages.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

VARIABLE = "SCENELET_APP"


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
    """

    bundle: str
    endpoint: str = ""
    runs: str = "runs"
    searches: str = "searches"
    data: str = ""
    manifest: str = "audit/manifest.csv"
    ledger: str = "runs/test-ledger.jsonl"
    trusted: tuple[str, ...] = ()

    def to_environment(self) -> dict[str, str]:
        """For the process that becomes the app."""
        return {VARIABLE: json.dumps(asdict(self))}

    @property
    def manifest_file(self) -> Path | None:
        """The manifest, if it is there."""
        path = Path(self.manifest)
        return path if path.is_file() else None


def sources() -> Sources:
    """Of this process: the inverse of `Sources.to_environment`."""
    values = json.loads(os.environ[VARIABLE])
    return Sources(**{**values, "trusted": tuple(values["trusted"])})


def stamp(path: Path | None) -> int:
    """When a file was last written, in ns; 0 where there is none. Part of every cache's key."""
    try:
        return path.stat().st_mtime_ns if path else 0
    except OSError:
        return 0
