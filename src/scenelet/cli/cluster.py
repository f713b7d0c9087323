"""The options of commands that may run on a cluster, in one place."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from scenelet.cli.output import needs_extra, note, table
from scenelet.cli.signature import taking
from scenelet.errors import ConfigError

if TYPE_CHECKING:
    from scenelet.engine import Engine

Local = TypeVar("Local", bound="Engine | None")


class EngineName(StrEnum):
    """What does the work."""

    LOCAL = "local"
    RAY = "ray"


@dataclass(frozen=True)
class Machines:
    """Which machines a person wants a command to run on.

    Attributes:
        is_cluster: Ray's; else this one.
        address: Of the cluster.
        workers: Processes; 0: as many as there are CPUs.
        gpus_per_worker: Of each.
    """

    is_cluster: bool
    address: str
    workers: int
    gpus_per_worker: float

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Be a driver of the cluster while the block runs, whatever its nodes are like.

        Raises:
            MissingExtraError: Ray is not installed.
            ClusterError: The cluster can't be reached.
        """
        with needs_extra("ray"):
            from scenelet.cluster.connection import connected
        with connected(self.address):
            yield

    @contextmanager
    def engine(
        self,
        local: "Local",
        *places: str | Path,
        out: Path | None = None,
        at_once: int = 1,
        trains: bool = False,
    ) -> Iterator["Engine | Local"]:
        """What works on the parts of a job.

        Args:
            local: This machine's way; None where it needs no parts.
            places: That all machines must see.
            out: Likewise, to write to; a folder is made.
            at_once: Processes without which nothing goes on.
            trains: Whether the machines need what training needs.

        Raises:
            MissingExtraError: Ray is not installed.
            ClusterError: The cluster can't be reached, or its nodes are not fit for this.
            ArtefactError: The folder can't be made.
        """
        if not self.is_cluster:
            yield local
            return
        with self.connected():
            from scenelet.artefacts import make_folder
            from scenelet.cluster.engine import RayEngine
            from scenelet.cluster.nodes import TRAINING, require_fit, require_room

            waiting = require_room(at_once, self.gpus_per_worker)
            if waiting:
                note(waiting)
            if out and _is_folder(out):
                make_folder(out)
            seen = [each for each in (*places, out) if each]
            folders = [Path(each).resolve() for each in seen if _is_folder(each)]
            require_fit(folders, TRAINING if trains else ())
            yield RayEngine(self.workers, self.gpus_per_worker)


def _is_folder(place: str | Path) -> bool:
    """Whether it is one of this machine, or a file of it, and no address."""
    from scenelet.dataset.address import address_of

    return Path(place).exists() or not address_of(str(place))


_OPTIONS: dict[str, tuple[Any, Any]] = {
    "engine": (
        Annotated[
            EngineName, typer.Option(help="local: this machine; ray: a Ray cluster (extra `ray`).")
        ],
        EngineName.LOCAL,
    ),
    "address": (
        Annotated[
            str,
            typer.Option(
                metavar="auto|local|HOST:PORT",
                envvar="SCENELET_RAY_ADDRESS",
                help="For --engine ray: the cluster's head; local: a private one of this machine.",
            ),
        ],
        "auto",
    ),
    "workers": (
        Annotated[
            int, typer.Option(min=0, help="For --engine ray: processes; 0: one for each CPU.")
        ],
        0,
    ),
    "gpus_per_worker": (
        Annotated[float, typer.Option(min=0, help="For --engine ray: GPUs of each process.")],
        0.0,
    ),
}


def on_machines(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes `machines` the options that say which; its own `workers` stays."""
    own = inspect.signature(command, eval_str=True)
    kept = [each for each in own.parameters.values() if each.name != "machines"]
    rest = [each for each in kept if each.kind is each.VAR_KEYWORD]
    named = [each for each in kept if each.kind is not each.VAR_KEYWORD]
    mine = {name: each for name, each in _OPTIONS.items() if name not in own.parameters}
    keyword = inspect.Parameter.KEYWORD_ONLY
    added = [
        inspect.Parameter(name, keyword, default=default, annotation=kind)
        for name, (kind, default) in mine.items()
    ]

    @wraps(command)
    def with_options(**values: Any) -> None:
        if values["engine"] is EngineName.LOCAL and "workers" in mine and values["workers"]:
            raise ConfigError("--workers: is for --engine ray; this machine uses all its cores.")
        told = {name: values.pop(name) if name in mine else values[name] for name in _OPTIONS}
        command(**values, machines=_machines(**told))

    return taking(with_options, [*named, *added, *rest])


def _machines(engine: EngineName, address: str, workers: int, gpus_per_worker: float) -> Machines:
    if engine is EngineName.LOCAL and gpus_per_worker:
        raise ConfigError(
            "--gpus-per-worker: is for --engine ray; here, say --device and --devices"
        )
    return Machines(engine is EngineName.RAY, address, workers, gpus_per_worker)


def examine_cluster(machines: Machines, place: Path | None) -> None:
    """Say of each node whether it is fit; exit code 1 where one is not."""
    from scenelet.dataset.address import address_of

    named = str(place or "")
    with machines.connected():
        from scenelet.cluster.doctor import examine

        found = examine(address_of(named) or named)
    table(
        ("", "node", "runs"), [("ok" if each.ok else "!", each.node, each.detail) for each in found]
    )
    for each in found:
        if not each.ok:
            note(f"{each.node}: {each.detail}", "red")
    if not all(each.ok for each in found):
        raise typer.Exit(1)
