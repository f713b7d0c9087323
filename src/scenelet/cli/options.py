"""Arguments and options that several commands share, each with its help."""

import os
from pathlib import Path
from typing import Annotated

import typer

from scenelet.errors import ConfigError

HUB = "hub:"
DEFAULT_LEDGER = Path("runs") / "test-ledger.jsonl"


def told_to(tracker: str) -> None:
    """Let this process and its workers know who is told of their trainings."""
    if tracker:
        os.environ["SCENELET_TRACKER"] = tracker


def bundle_at(place: Path | None) -> Path | None:
    """The folder of a bundle that somebody named; one of the hub is fetched first.

    Raises:
        BundleError: It can't be had, or is none.
    """
    if place is None or not str(place).startswith(HUB):
        return place
    from scenelet.bundle.hub import fetch_bundle

    return fetch_bundle(str(place))


def to_write(place: Path | None) -> Path | None:
    """A place that somebody named for a result; what can't be written there is said at once.

    Raises:
        ArtefactError: Nothing can be written there.
    """
    from scenelet.artefacts import require_writable
    from scenelet.dataset.address import address_of

    if place is not None and not address_of(str(place)):
        require_writable(place)
    return place


def hosts_and_ports(values: list[str] | None) -> list[str] | None:
    """Servers that somebody named.

    Raises:
        ConfigError: One of them is no HOST:PORT.
    """
    for value in values or ():
        host, _, port = value.rpartition(":")
        if not (host and "/" not in host and port.isascii() and port.isdecimal()):
            raise ConfigError(
                f"--trust-host: found {value!r}, expected HOST:PORT, such as 10.0.0.5:80"
            )
    return values


Folder = Annotated[
    Path,
    typer.Argument(
        help="Folder of class folders; or a table of paths and labels, a zip, an address (s3://...)."
    ),
]
LabelLevel = Annotated[
    str,
    typer.Option(
        metavar="N|leaf|path",
        help="Which of nested folders name the classes: 1 the outermost, leaf the innermost.",
    ),
]
Images = Annotated[
    Path | None,
    typer.Option(metavar="ROOT", help="Of a table: folder or address that its paths start from."),
]
Column = Annotated[
    list[str] | None,
    typer.Option(
        metavar="OURS=THEIRS",
        help="What a table calls path, label, split, group or label_quality; may be repeated.",
    ),
]
Bundle = Annotated[
    Path | None,
    typer.Option(
        callback=bundle_at,
        help="Bundle folder, or hub:OWNER/NAME; default: the Intel scenes bundle.",
    ),
]
NamedBundle = Annotated[
    Path, typer.Argument(callback=bundle_at, help="Bundle folder, or hub:OWNER/NAME.")
]
Looker = Annotated[
    Path | None,
    typer.Option(
        "--bundle",
        callback=bundle_at,
        help="Bundle that looks at the pictures; default: a backbone pretrained on ImageNet.",
    ),
]
Manifest = Annotated[
    Path | None, typer.Option(help="manifest.csv of `data audit`: its labels and exclusions.")
]
Part = Annotated[
    str,
    typer.Option(
        help="auto, all, val, train or test; auto takes what the bundle was not trained on, and"
        " says so."
    ),
]
Ledger = Annotated[
    Path, typer.Option(envvar="SCENELET_LEDGER", help="Where looks at test splits are recorded.")
]
Report = Annotated[Path | None, typer.Option(callback=to_write, help="HTML file to write.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]
Seed = Annotated[int, typer.Option(min=0, help="Another seed, another choice.")]
TrustHost = Annotated[
    list[str] | None,
    typer.Option(
        callback=hosts_and_ports,
        metavar="HOST:PORT",
        help="Server in your own network that URLs may name; may be repeated.",
    ),
]
Tracker = Annotated[
    str,
    typer.Option(
        envvar="SCENELET_TRACKER",
        metavar="tensorboard|mlflow|wandb",
        help="Who besides the run folder is told: recipe, metrics with intervals, records.",
    ),
]
Prepared = Annotated[
    Path | None, typer.Option(help="manifest.csv of `data audit` or `data split`.")
]
