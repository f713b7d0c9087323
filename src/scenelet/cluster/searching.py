"""Search on a cluster: one keeper of the study, trials as tasks that are retried where they die.

The keeper alone asks and tells Optuna; after each answer the study is on the shelf, beside it each
trial's run after each of its epochs. A trial whose process or machine dies goes on elsewhere from
its last epoch; after the death of the driver, trials that were left open come first.
"""

import time
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
from optuna.study import Study
from optuna.trial import Trial, TrialState

from scenelet.artefacts import make_folder, write_bytes
from scenelet.cluster.connection import beside_driver
from scenelet.cluster.engine import TRIES, RayEngine, caused
from scenelet.cluster.nodes import Origin
from scenelet.cluster.told import Telling, heard
from scenelet.dataset.bucket import shelf_at
from scenelet.errors import ClusterError, ConfigError
from scenelet.lease import Lease
from scenelet.progress import Progress
from scenelet.resources import ended
from scenelet.runs.kept import Kept
from scenelet.runs.run import Run
from scenelet.runs.search import STUDY
from scenelet.scratch import scratch
from scenelet.shelf import Shelf
from scenelet.tune.search import (
    FAILURES_IN_A_ROW,
    FAULTS,
    Search,
    begun_anew,
    looked_at,
    reporter,
    tell,
    tell_failed,
)
from scenelet.tune.space import suggest
from scenelet.tune.study import SearchConfig, open_study
from scenelet.tune.trial import Outcome, TimeUp, TrialJob, run_trial

_MANIFEST = "manifest.csv"


class Keeper:
    """An actor: the study, one answer at a time.

    All that it must not forget is on the shelf: where its process dies, ray starts another one and
    asks again.
    """

    def __init__(self, shelf: Shelf, name: str, config: SearchConfig, telling: Telling) -> None:
        """Open the study that is on the shelf."""
        self._shelf, self._aside = shelf, ExitStack()
        folder = make_folder(self._aside.enter_context(scratch("keeper")) / name)
        _fetch(shelf, folder)
        self._search = Search(folder, config, open_study(folder, config), telling)
        self._trials: dict[int, Trial] = {}

    def next(self, busy: Collection[int]) -> "Begun | None":
        """A trial that is not worked on: left open by another driver, else a new one.

        Args:
            busy: Numbers of those that are worked on.
        """
        trial = self._left_open(busy) or begun_anew(self._search)
        if trial is None:
            return None
        suggest(trial, self._search.config.space)
        self._trials[trial.number] = trial
        self._keep()
        begun = self._search.study.trials[trial.number]
        is_behind = self._search.config.prunes and trial.should_prune()
        return Begun(self._search.job_of(begun), trial.number, is_behind)

    def report(self, number: int, epoch: int, accuracy: float) -> bool:
        """Whether a trial falls behind, after an epoch that may have been told before."""
        done = set(self._search.study.trials[number].intermediate_values)
        is_behind = reporter(self._search, self._trial(number), done)(epoch, accuracy)
        self._keep()
        return is_behind

    def tell(self, number: int, outcome: Outcome | str) -> None:
        """How a trial ended; in words where it failed."""
        if self._search.study.trials[number].state.is_finished():
            return
        trial = self._trial(number)
        if isinstance(outcome, str):
            tell_failed(self._search, trial, outcome)
        else:
            tell(self._search, trial, outcome)
        self._keep()

    def end(self) -> None:
        """Leave nothing on its machine."""
        self._aside.close()

    def _trial(self, number: int) -> Trial:
        if number not in self._trials:
            study = self._search.study
            self._trials[number] = Trial(study, study.trials[number]._trial_id)
        return self._trials[number]

    def _left_open(self, busy: Collection[int]) -> Trial | None:
        begun = self._search.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        left = (trial.number for trial in begun if trial.number not in busy)
        number = next(left, None)
        return None if number is None else self._trial(number)

    def _keep(self) -> None:
        self._shelf.write(STUDY, (self._search.folder / STUDY).read_bytes())


@dataclass(frozen=True)
class Begun:
    """A trial to work on.

    Attributes:
        job: Its folders are those of the keeper.
        number: Of the trial.
        is_behind: Whether it fell behind before it was left open.
    """

    job: TrialJob
    number: int
    is_behind: bool


def search_on_cluster(
    folder: Path,
    shelf: Shelf,
    config: SearchConfig,
    lease: Lease,
    gpus_per_worker: float,
    progress: Progress,
) -> Study:
    """Work on a search until its trials are done, or its time is up.

    Args:
        folder: Of the search, here; an empty one.
        shelf: Its home.
        config: What is asked; its `workers` trials run at once.
        lease: Of the home.
        gpus_per_worker: Of each trial.
        progress: Is told how it goes on.

    Raises:
        ConfigError: The home holds another search, or trial after trial fails.
        ClusterError: Who keeps the study was lost.
    """
    _fetch(shelf, folder)
    threads = config.base.threads or 1
    config = replace(config, base=replace(config.base, threads=threads))
    config = looked_at(folder, config, progress, RayEngine())  # on all CPUs, without GPUs
    for name in (STUDY, _MANIFEST):
        shelf.write(name, (folder / name).read_bytes())
    with heard(progress) as telling:
        keeper = _keeper().remote(shelf, folder.name, config, telling)
        try:
            _work_off(keeper, shelf, config, lease, gpus_per_worker)
            ray.get(keeper.end.remote())
        except ray.exceptions.RayActorError as error:
            raise ClusterError(
                f"{shelf.name}: the process that keeps the study was lost. What was found is kept;"
                " the same command goes on."
            ) from error
        ray.kill(keeper)
    _fetch(shelf, folder)
    return open_study(folder, config)


def _keeper() -> Any:
    return ray.remote(Keeper).options(
        num_cpus=0, scheduling_strategy=beside_driver(), max_restarts=TRIES, max_task_retries=TRIES
    )


def _work_off(keeper: Any, shelf: Shelf, config: SearchConfig, lease: Lease, gpus: float) -> None:
    task = ray.remote(_trial).options(num_cpus=1, num_gpus=gpus, max_retries=TRIES - 1)
    end_s = time.monotonic() + (60 * config.timeout_min or float("inf"))
    begun: dict[Any, int] = {}
    origin, failures, why = Origin.here(), 0, ""
    while failures < FAILURES_IN_A_ROW:
        lease.check()
        while len(begun) < config.workers and time.monotonic() < end_s:
            found = ray.get(keeper.next.remote(list(begun.values())))
            if found is None:
                break
            left_s = end_s - time.monotonic()
            begun[task.remote(origin, keeper, shelf, found, left_s)] = found.number
        if not begun:
            return
        (first, *_), _ = ray.wait(list(begun), num_returns=1)
        outcome, number = _outcome(first), begun.pop(first)
        if outcome is not None:
            ray.get(keeper.tell.remote(number, outcome))
        is_failure = isinstance(outcome, str)
        failures, why = (failures + 1, str(outcome)) if is_failure else (0, why)
    raise ConfigError(
        f"{shelf.name}: {failures} trials in a row failed, the last: {why}. Mend that first."
    )


def _outcome(reference: Any) -> Outcome | str | None:
    """How a trial ended; in words where it failed; None where its time was up."""
    try:
        found: Outcome | str | None = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise caused(error) from error
    except ray.exceptions.RayError as error:
        return f"its process was lost {TRIES} times ({type(error).__name__})"
    return found


def _trial(
    origin: Origin, keeper: Any, shelf: Shelf, begun: Begun, left_s: float
) -> Outcome | str | None:
    """In a process of the cluster: do a trial, or what is left of it."""
    origin.enter()
    if begun.is_behind:
        return Outcome("fell behind")
    with scratch("trial") as folder:
        write_bytes(folder / _MANIFEST, shelf.read(_MANIFEST))
        home = shelf_at(f"{shelf.name}/trials/{begun.number:04d}")
        own = Kept(make_folder(folder / f"{begun.number:04d}"), home)
        own.fetch()
        job = replace(
            begun.job,
            manifest=folder / _MANIFEST,
            run=Run(own.folder),
            costs=folder / "costs.json",
            keep=own.send,
        )

        def report(epoch: int, accuracy: float) -> bool:
            return bool(ray.get(keeper.report.remote(begun.number, epoch, accuracy)))

        try:
            outcome = run_trial(job, report, time.monotonic() + left_s)
        except TimeUp:
            return None
        except FAULTS as error:
            return ended(error) or str(error)
        _tidied(own, outcome)
        return outcome


def _tidied(own: Kept, outcome: Outcome) -> None:
    """What `run_search` removes on a disk is removed from the home too."""
    run = Run(own.folder)
    gone: Mapping[str, list[Path]] = {
        "complete": [run.last_checkpoint],
        "fell behind": [run.last_checkpoint, run.best_checkpoint],
    }
    for path in gone.get(outcome.state, []):
        path.unlink(missing_ok=True)
    own.send()


def _fetch(shelf: Shelf, folder: Path) -> None:
    """The study, its split and what its trials found; not their weights."""
    wanted = [name for name in shelf.names("trials") if name.endswith("/result.json")]
    for name in (STUDY, _MANIFEST, *wanted):
        try:
            data = shelf.read(name)
        except KeyError:
            continue
        make_folder((folder / name).parent)
        write_bytes(folder / name, data)
