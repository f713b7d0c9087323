"""The search: trials of one recipe, in a study that any number of processes may join.

Killed and resumed at will, it ends with the same trials.

SEARCH/
├── study.db         Optuna's study, unless --storage names another place
├── manifest.csv     the split that all trials share
├── costs.json       size and latency of each architecture met so far
├── trials/0007/     the run of trial 7; 0007.lock is held by the process that works on it
└── report.html
"""

import platform
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from scenelet.dataset.manifest import write_manifest
from scenelet.engine import Engine
from scenelet.errors import ConfigError, SceneletError
from scenelet.learn.job import split_dataset
from scenelet.locks import held
from scenelet.progress import SILENT, Progress
from scenelet.resources import ended
from scenelet.runs.run import Run
from scenelet.runs.search import best, trials_of
from scenelet.tune.space import suggest
from scenelet.tune.study import SearchConfig, open_study, reach_study, recipe_of
from scenelet.tune.trial import Outcome, Report, TimeUp, TrialJob, run_trial

FAILURES_IN_A_ROW = 3
FAULTS = (SceneletError, RuntimeError, ValueError)  # of a trial's dials, or of memory
COUNTED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)
_NAMELESS_S = 60  # a trial whose worker has not said for so long who it is, is nobody's


@dataclass(frozen=True)
class Search:
    """A search under way, as one process sees it.

    Attributes:
        folder: Of the search.
        config: What is asked.
        study: Where all processes meet.
        progress: Is told how it goes on.
    """

    folder: Path
    config: SearchConfig
    study: Study
    progress: Progress = SILENT

    @property
    def worker(self) -> str:
        """Machine and folder: whose locks tell whether a trial is worked on."""
        return f"{platform.node()}:{self.folder.resolve()}"

    @property
    def manifest(self) -> Path:
        """The split of all trials."""
        return self.folder / "manifest.csv"

    def lock_of(self, number: int) -> Path:
        """Held by the process that works on a trial."""
        return self.folder / "trials" / f"{number:04d}.lock"

    def run_of(self, number: int) -> Run:
        """The run of a trial."""
        return Run(self.folder / "trials" / f"{number:04d}")

    def job_of(self, begun: FrozenTrial) -> TrialJob:
        """A trial in plain values."""
        return TrialJob(
            recipe=recipe_of(begun.number, begun.params, self.config),
            data=self.config.data,
            manifest=self.manifest,
            run=self.run_of(begun.number),
            budget=self.config.budget,
            costs=self.folder / "costs.json",
        )


def looked_at(
    folder: Path, config: SearchConfig, progress: Progress = SILENT, engine: Engine | None = None
) -> SearchConfig:
    """Decode the data once: the split of all trials is written, and the data's fingerprint known.

    Args:
        folder: Of the search.
        config: What is asked.
        progress: Is told how it goes on.
        engine: That decodes; None for this process.

    Raises:
        DataError: The folder can't be trained on.
        ConfigError: The search in this folder was begun with other images, labels or split.
    """
    reach_study(folder, config)  # before the data is decoded
    dataset = split_dataset(config.data, config.manifest, config.base, progress, engine)
    dataset = dataset.examined(progress, engine)
    config = replace(config, fingerprint=dataset.fingerprint)
    open_study(folder, config)
    with held(folder / ".manifest.lock"):
        if not (folder / "manifest.csv").is_file():
            write_manifest(folder / "manifest.csv", dataset.rows)
    return config


def run_search(folder: Path, config: SearchConfig, progress: Progress = SILENT) -> Study:
    """Work on the search until its trials are done, or its time is up.

    One process; start more to be faster.

    Args:
        folder: Of the search.
        config: As `looked_at` returns it.
        progress: Is told how it goes on.

    Raises:
        ConfigError: See `open_study`; or trial after trial fails.
    """
    search = Search(folder, config, open_study(folder, config), progress)
    limit_s = 60 * config.timeout_min if config.timeout_min else float("inf")
    deadline_s, failures = time.monotonic() + limit_s, 0
    while failures < FAILURES_IN_A_ROW and time.monotonic() < deadline_s:
        with next_trial(search) as trial:
            if trial is None:
                break
            try:
                failures = 0 if _worked(search, trial, deadline_s) else failures + 1
            except TimeUp:
                break
    if failures >= FAILURES_IN_A_ROW:
        raise ConfigError(
            f"{folder}: {failures} trials in a row failed, the last: {_why(search)}. Mend that"
            " first."
        )
    return search.study


def _why(search: Search) -> str:
    """Why the last failed trial failed."""
    return [trial.why for trial in trials_of(search.study) if trial.state == "fail"][-1]


@contextmanager
def next_trial(search: Search) -> Iterator[Trial | None]:
    """A trial that a killed process left half done, else a new one, else None.

    Locked while it is worked on.
    """
    with ExitStack() as while_it_works:
        with held(search.folder / ".ask.lock"):
            trial = _orphan(search) or begun_anew(search)
            if trial:
                while_it_works.enter_context(held(search.lock_of(trial.number)))
                trial.set_user_attr("worker", search.worker)
                suggest(trial, search.config.space)
        yield trial


def begun_anew(search: Search) -> Trial | None:
    """A new trial, without its dials yet; None where there are as many as are wished."""
    counted = search.study.get_trials(deepcopy=False, states=COUNTED)
    return search.study.ask() if len(counted) < search.config.trials else None


def _orphan(search: Search) -> Trial | None:
    """A trial begun in this folder that no living process works on."""
    for begun in search.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if not _is_ours(search, begun):
            continue
        with suppress(ConfigError), held(search.lock_of(begun.number), "worked on"):
            return Trial(search.study, begun._trial_id)
    return None


def _is_ours(search: Search, begun: FrozenTrial) -> bool:
    """Whether a trial was begun here; nobody's counts, unless another may just begin it."""
    worker = begun.user_attrs.get("worker")
    if worker is not None or not search.config.storage:
        return worker in (None, search.worker)
    begun_at = begun.datetime_start or datetime.min
    return datetime.now() - begun_at > timedelta(seconds=_NAMELESS_S)


def _worked(search: Search, trial: Trial, deadline_s: float) -> bool:
    """Do a trial and tell the study how it went; False where it failed.

    Raises:
        TimeUp: The deadline has passed; the trial stays open.
    """
    try:
        tell(search, trial, _outcome(search, trial, deadline_s))
    except FAULTS as error:
        tell_failed(search, trial, ended(error) or str(error))
        return False
    return True


def tell_failed(search: Search, trial: Trial, why: str) -> None:
    """Tell the study that a trial failed, and why."""
    why = " ".join(why.split())[:300]
    trial.set_user_attr("why", why)
    search.study.tell(trial, state=TrialState.FAIL)
    search.progress.say(f"trial {trial.number}: failed: {why}")


def _outcome(search: Search, trial: Trial, deadline_s: float) -> Outcome:
    begun = search.study.trials[trial.number]
    if search.config.prunes and trial.should_prune():  # killed between that and its telling
        return Outcome("fell behind")
    report = reporter(search, trial, set(begun.intermediate_values))
    return run_trial(search.job_of(begun), report, deadline_s)


def reporter(search: Search, trial: Trial, reported: set[int]) -> Report:
    """What is done after each epoch: report it, unless that was done before a kill."""

    def report(epoch: int, accuracy: float) -> bool:
        if not search.config.prunes:
            return False
        if epoch not in reported:
            trial.report(accuracy, epoch)
        return trial.should_prune()

    return report


def tell(search: Search, trial: Trial, outcome: Outcome) -> None:
    """Tell the study how a trial ended, and whoever listens."""
    if outcome.state == "complete":
        _tell_complete(search, trial, outcome)
    elif outcome.state == "too costly":
        _tell_too_costly(search, trial, outcome)
    else:
        _tell_fell_behind(search, trial)


def _tell_complete(search: Search, trial: Trial, outcome: Outcome) -> None:
    result, cost = outcome.result, outcome.cost
    assert result is not None  # noqa: S101  (what "complete" means)
    values = {"accuracy": result.val_top1_accuracy}
    for key in ("val_log_loss", "parameters", "training_s"):
        trial.set_user_attr(key, getattr(result, key))
    if cost:
        values |= {"latency": cost.latency_ms, "size": cost.size_mb}
        trial.set_user_attr("cost", [cost.size_mb, cost.latency_ms])
    search.study.tell(trial, [values[objective] for objective in search.config.objectives])
    search.run_of(trial.number).last_checkpoint.unlink(missing_ok=True)
    search.progress.say(
        f"trial {trial.number}: accuracy {result.val_top1_accuracy:.2%},"
        f" {result.training_s:.0f} s{_so_far(search)}"
    )


def _so_far(search: Search) -> str:
    leader = best(trials_of(search.study))
    return f"; best {leader.accuracy:.2%} (trial {leader.number})" if leader else ""


def _tell_too_costly(search: Search, trial: Trial, outcome: Outcome) -> None:
    cost = outcome.cost
    spent = f"{cost.size_mb:g} MB, {cost.latency_ms:g} ms" if cost else ""
    trial.set_user_attr("why", f"over the budget: {spent}")
    search.study.tell(trial, state=TrialState.PRUNED)
    search.progress.say(f"trial {trial.number}: not trained, {spent}")


def _tell_fell_behind(search: Search, trial: Trial) -> None:
    search.study.tell(trial, state=TrialState.PRUNED)
    run = search.run_of(trial.number)
    for checkpoint in (run.best_checkpoint, run.last_checkpoint):
        checkpoint.unlink(missing_ok=True)
    search.progress.say(f"trial {trial.number}: stopped early, it fell behind the others")
