"""One trial of a search, in plain values: any process may do it, and knows nothing of studies."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scenelet.dataset.manifest import class_names_of, read_manifest
from scenelet.learn.networks import architecture_of
from scenelet.learn.train import train
from scenelet.locks import held
from scenelet.runs.recipe import TrainConfig
from scenelet.runs.run import Result, Run
from scenelet.tune.cost import Cost, measure_cost

Report = Callable[[int, float], bool]


class TimeUp(Exception):  # noqa: N818  (not an error)
    """The time given is over; the trial stays open and goes on with the next start."""


@dataclass(frozen=True)
class Budget:
    """What a model of the search may cost at most.

    Attributes:
        is_measured: Whether size and latency are asked for at all.
        size_mb: Megabytes (10^6 bytes) of the float model; 0: no limit.
        latency_ms: Of one image on one thread; 0: no limit.
    """

    is_measured: bool = False
    size_mb: float = 0.0
    latency_ms: float = 0.0

    def allows(self, cost: Cost) -> bool:
        """Whether a model may cost that much."""
        fits = not self.size_mb or cost.size_mb <= self.size_mb
        return fits and (not self.latency_ms or cost.latency_ms <= self.latency_ms)


@dataclass(frozen=True)
class TrialJob:
    """One trial.

    Attributes:
        recipe: With the trial's dials.
        data: Data set.
        manifest: Of the data set, shared by all trials.
        run: Folder to write.
        budget: Of a model.
        costs: JSON file of costs measured before.
        keep: As `learn.place.Place` has it.
    """

    recipe: TrainConfig
    data: Path
    manifest: Path
    run: Run
    budget: Budget
    costs: Path
    keep: Callable[[], None] | None = None


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        state: "too costly" is never trained, "fell behind" was stopped early.
        result: Of the training; None where there was none.
        cost: None where nobody asked.
    """

    state: Literal["complete", "fell behind", "too costly"]
    result: Result | None = None
    cost: Cost | None = None


def run_trial(job: TrialJob, report: Report, deadline_s: float = float("inf")) -> Outcome:
    """Train a trial's recipe, or go on with it, unless it would cost too much.

    Args:
        job: The trial.
        report: Called after each epoch with its number (from 0) and accuracy; the trial is
            stopped when it returns True.
        deadline_s: By the clock of `time.monotonic`; the trial is left as it is afterwards.

    Raises:
        TimeUp: The deadline has passed.
        SceneletError: This combination of dials can't be trained.
    """
    cost = _cost(job) if job.budget.is_measured else None
    if cost and not job.budget.allows(cost):
        return Outcome("too costly", cost=cost)

    def watch(epoch: int, metrics: Mapping[str, float]) -> bool:
        if time.monotonic() > deadline_s:
            raise TimeUp
        return report(epoch, metrics["val_top1_accuracy"])

    result = train(job.data, job.recipe, job.run, manifest=job.manifest, watch=watch, keep=job.keep)
    state: Literal["complete", "fell behind"] = (
        "fell behind" if result.stopped_by == "watch" else "complete"
    )
    return Outcome(state, result, cost)


def _cost(job: TrialJob) -> Cost:
    class_count = len(class_names_of(read_manifest(job.manifest)))
    architecture = architecture_of(job.recipe)
    with held(job.costs.with_name(".costs.lock")):
        return measure_cost(architecture, class_count, job.recipe.input_size, job.costs)
