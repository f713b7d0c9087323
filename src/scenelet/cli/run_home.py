"""Where a run or search has its home, a folder or a bucket, and who works on it."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenelet.cli.cluster import Machines
from scenelet.cli.output import needs_extra
from scenelet.errors import ConfigError
from scenelet.parallel import silent
from scenelet.progress import Progress

if TYPE_CHECKING:
    from optuna.study import Study

    from scenelet.tune.study import SearchConfig


@dataclass(frozen=True)
class AtHome:
    """A run that is worked on.

    Attributes:
        folder: Here.
        costs: JSON file of costs measured before.
        how: Arguments of `learn.train.train`: who does it, and how it is kept.
        send: Sends what is new in the folder home.
    """

    folder: Path
    costs: Path
    how: Mapping[str, Any] = field(default_factory=dict)
    send: Callable[[], None] = silent


def shared_out(given: dict[str, Any], machines: Machines) -> dict[str, Any]:
    """Dials with the number of processes, which is a recipe's: the bits hang on it.

    With folds each network is trained by one process, and several of them at once.

    Raises:
        ConfigError: No number, or another one than `--devices` says.
    """
    if not machines.is_cluster:
        return given
    if is_folded(given):
        return {**given, "devices": "1"}
    if not machines.workers:
        raise ConfigError("--engine ray: say --workers N; a training has a fixed number of them.")
    workers = str(machines.workers)
    if str(given.get("devices") or workers) != workers:
        raise ConfigError(
            f"--devices: found {given['devices']}, --workers {workers}. Leave it out."
        )
    return {**given, "devices": workers, "folds": "1"}


def is_folded(given: Mapping[str, Any]) -> bool:
    """Whether several networks are asked for that judge the pictures in turn."""
    return str(given.get("folds") or "1") not in ("0", "1")


@contextmanager
def at_home(
    home: Path, machines: Machines, place: Path, is_apart: bool = False
) -> Iterator[AtHome]:
    """Work on a run while the block runs.

    Args:
        home: Of the run: a folder, or an address.
        machines: That train.
        place: Of the pictures, which all of them must see.
        is_apart: Whether each training is one process's.

    Raises:
        ClusterError: The cluster can't be reached.
        ConfigError: Another process is at the run.
    """
    from scenelet.dataset.address import address_of
    from scenelet.dataset.bucket import shelf_at
    from scenelet.runs.kept import kept

    is_far = bool(address_of(str(home)))
    if not (is_far or machines.is_cluster):
        yield AtHome(home, home.parent / "costs.json")
        return
    at_once = 1 if is_apart else machines.workers
    with (
        machines.engine(None, place, out=home, at_once=at_once, trains=True) as engine,
        kept(shelf_at(home if is_far else home.resolve()), home.name, "training there") as run,
    ):
        costs = run.folder.parent / "costs.json"
        if engine is None:
            yield AtHome(run.folder, costs, {"keep": run.send}, run.send)
            return
        with needs_extra("ray"):
            from scenelet.cluster.engine import RayEngine
            from scenelet.cluster.training import Apart, Together
        words = ("scenelet", *sys.argv[1:])
        apart = Apart(run, engine, words)
        together = Together(run, machines.workers, machines.gpus_per_worker, words)
        do = apart.fit if is_apart else together.fit
        how = {"do": do, "do_all": apart.fit_all, "engine": RayEngine()}
        yield AtHome(run.folder, costs, how, run.send)


@contextmanager
def searched_at(
    home: Path, config: "SearchConfig", machines: Machines, told: Progress
) -> Iterator[tuple[Path, "Study"]]:
    """Search on a cluster; yields a folder here for the report, which goes home, and the study.

    Raises:
        ClusterError: The cluster can't be reached.
        ConfigError: Another process is at the search, or the home holds another one.
    """
    from scenelet.artefacts import make_folder
    from scenelet.dataset.address import address_of
    from scenelet.dataset.bucket import shelf_at
    from scenelet.lease import leased
    from scenelet.scratch import scratch

    is_far = bool(address_of(str(home)))
    shelf = shelf_at(home if is_far else home.resolve())
    with (
        machines.engine(None, config.data, out=home, trains=True),
        leased(shelf, "searching there") as lease,
        scratch("search") as aside,
    ):
        from scenelet.cluster.searching import search_on_cluster

        if not address_of(str(config.data)):
            config = replace(config, data=config.data.resolve())
        out = make_folder(aside / home.name)
        study = search_on_cluster(out, shelf, config, lease, machines.gpus_per_worker, told)
        yield out, study
        shelf.write("report.html", (out / "report.html").read_bytes())
