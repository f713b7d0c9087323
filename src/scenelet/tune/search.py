"""The search: trials of one recipe, in a study that any number of processes and machines may join, killed and resumed at will.

SEARCH/
├── study.db         Optuna's study, unless --storage names another place
├── manifest.csv     the split that all trials share
├── costs.json       size and latency of each architecture met so far
├── trials/0007/     the run of trial 7; 0007.lock is held by the process that works on it
└── report.html
"""

import json
import platform
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import optuna
import yaml
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from scenelet.artefacts import make_folder, write_text
from scenelet.dataset.manifest import class_names_of, read_manifest, write_manifest
from scenelet.errors import ConfigError, SceneletError
from scenelet.learn.callbacks import Watch
from scenelet.learn.networks import architecture_of
from scenelet.learn.train import prepare, train
from scenelet.locks import held
from scenelet.progress import SILENT, Progress
from scenelet.runs.recipe import TrainConfig, from_values
from scenelet.runs.run import Run
from scenelet.tune.cost import Cost, measure_cost
from scenelet.tune.sampler import RepeatableSampler
from scenelet.tune.space import suggest

OBJECTIVES: dict[str, Literal["maximize", "minimize"]] = {
    "accuracy": "maximize",
    "latency": "minimize",
    "size": "minimize",
}
STARTUP_TRIALS = 8
FAILURES_IN_A_ROW = 3
COUNTED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)


class TimeUp(Exception):  # noqa: N818  (not an error)
    """The time given is over; the trial stays open and goes on with the next start."""


@dataclass(frozen=True)
class SearchConfig:
    """What to search, and how long.

    Attributes:
        data: Folder of class folders.
        base: The recipe.
        space: Dials to vary.
        objectives: Some of `OBJECTIVES`, accuracy first.
        trials: Of the whole search, those of other processes included.
        timeout_min: Start nothing after so many minutes, and stop at the next end of an epoch; 0:
            no limit.
        max_size_mb: Larger float models are not trained; 0: no limit.
        max_latency_ms: Slower ones neither; 0: no limit.
        workers: Processes on this machine.
        storage: SQL URL; "" for a file in the search's folder.
        manifest: Of the data folder; None takes all.
    """

    data: Path
    base: TrainConfig
    space: Mapping[str, BaseDistribution]
    objectives: tuple[str, ...] = ("accuracy",)
    trials: int = 20
    timeout_min: float = 0.0
    max_size_mb: float = 0.0
    max_latency_ms: float = 0.0
    workers: int = 1
    storage: str = ""
    manifest: Path | None = None

    @property
    def needs_cost(self) -> bool:
        """Whether size and latency matter."""
        return len(self.objectives) > 1 or bool(self.max_size_mb or self.max_latency_ms)

    @property
    def asked(self) -> str:
        """What makes two searches the same: neither how long nor on how many workers."""
        return json.dumps(
            {
                "recipe": {
                    key: value for key, value in self.base.as_dict().items() if key != "threads"
                },
                "space": {
                    name: distribution_to_json(spread)
                    for name, spread in sorted(self.space.items())
                },
                "objectives": self.objectives,
                "budget": [self.max_size_mb, self.max_latency_ms],
            },
            sort_keys=True,
        )


def open_study(folder: Path, config: SearchConfig) -> Study:
    """Open the study, or start it.

    Raises:
        ConfigError: It can't be reached, or is another search.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    make_folder(folder / "trials")
    url = config.storage or f"sqlite:///{(folder / 'study.db').resolve()}"
    try:
        study = optuna.create_study(
            storage=url,
            study_name=folder.resolve().name,
            directions=[OBJECTIVES[objective] for objective in config.objectives],
            sampler=RepeatableSampler(config.base.seed, STARTUP_TRIALS, config.workers > 1),
            pruner=optuna.pruners.MedianPruner(
                n_startup_trials=5, n_warmup_steps=config.base.epochs // 4
            ),
            load_if_exists=True,
        )
    except (
        optuna.exceptions.StorageInternalError,
        ImportError,
        ValueError,
        OSError,
        SQLAlchemyError,
    ) as error:
        raise ConfigError(
            f"{url}: the study can't be opened: {' '.join(str(error).split())[:200]}. Give"
            " --storage as sqlite:///FILE or another SQL URL whose driver is installed."
        ) from error
    if "search" not in study.user_attrs:
        study.set_user_attr("search", config.asked)
    if study.user_attrs["search"] == config.asked:
        return study
    raise ConfigError(
        f"{folder}: holds a search with other settings ({_changes(study, config)}). Give another"
        " --name."
    )


def run_search(folder: Path, config: SearchConfig, progress: Progress = SILENT) -> Study:
    """Work on the search until its trials are done, or its time is up.

    One process; start more to be faster.

    Raises:
        ConfigError: See `open_study`; or trial after trial fails.
        DataError: The folder can't be trained on.
    """
    study = open_study(folder, config)
    manifest = _shared_manifest(folder, config, progress)
    deadline_s = time.monotonic() + 60 * config.timeout_min if config.timeout_min else float("inf")
    failures = 0
    while failures < FAILURES_IN_A_ROW and time.monotonic() < deadline_s:
        with _next_trial(study, folder, config) as trial:
            if trial is None:
                return study
            try:
                _work(study, trial, folder, manifest, config, deadline_s, progress)
                failures = 0
            except TimeUp:
                return study
            except (
                SceneletError,
                RuntimeError,
                ValueError,
            ) as error:  # of this combination of dials, or of memory
                failures += 1
                trial.set_user_attr("why", " ".join(str(error).split())[:300])
                study.tell(trial, state=TrialState.FAIL)
                progress.say(f"trial {trial.number}: failed: {error}")
    if failures:
        raise ConfigError(
            f"{folder}: {failures} trials in a row failed, the last: {error_of(study)}. Mend"
            " that first."
        )
    return study


def error_of(study: Study) -> str:
    """Why the last failed trial failed."""
    failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
    return str(failed[-1].user_attrs.get("why", "")) if failed else ""


def config_of(trial: FrozenTrial, config: SearchConfig) -> TrainConfig:
    """The recipe of a trial."""
    return from_values({**config.base.as_dict(), **trial.params}, f"trial {trial.number}")


def best_trial(study: Study) -> FrozenTrial | None:
    """The most accurate complete trial; of equals that of lower log loss, then the earlier."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return min(
        done, key=lambda t: (-t.values[0], t.user_attrs["val_log_loss"], t.number), default=None
    )


def save_recipe(path: Path, trial: FrozenTrial, config: SearchConfig) -> None:
    """Write a trial's recipe, which `train` takes as it is.

    Raises:
        ArtefactError: It can't be written.
    """
    values = {
        key: value for key, value in config_of(trial, config).as_dict().items() if key != "threads"
    }
    remark = (
        f"# Trial {trial.number} of a search: validation accuracy {trial.values[0]:.2%}, chosen on"
        " that very validation part.\n"
    )
    write_text(path, remark + yaml.safe_dump(values, sort_keys=False, default_flow_style=None))


def _shared_manifest(folder: Path, config: SearchConfig, progress: Progress) -> Path:
    """The split of all trials, made once."""
    path = folder / "manifest.csv"
    with held(folder / ".manifest.lock"):
        if not path.is_file():
            write_manifest(path, prepare(config.data, config.manifest, config.base, progress).rows)
    return path


@contextmanager
def _next_trial(study: Study, folder: Path, config: SearchConfig) -> Iterator[Trial | None]:
    """A trial that a killed process left half done, else a new one, else None.

    Locked while it is worked on.
    """
    with ExitStack() as while_it_works:
        with held(folder / ".ask.lock"):
            trial = _orphan(study, folder)
            if trial is None:
                counted = study.get_trials(deepcopy=False, states=COUNTED)
                trial = study.ask() if len(counted) < config.trials else None
            if trial:
                while_it_works.enter_context(held(_lock_path(folder, trial.number)))
                trial.set_user_attr("host", platform.node())
                suggest(trial, config.space)
        yield trial


def _orphan(study: Study, folder: Path) -> Trial | None:
    """A trial begun on this machine that no living process works on."""
    for begun in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if begun.user_attrs.get("host", platform.node()) != platform.node():
            continue
        with suppress(ConfigError), held(_lock_path(folder, begun.number), "worked on"):
            return Trial(study, begun._trial_id)
    return None


def _work(
    study: Study,
    trial: Trial,
    folder: Path,
    manifest: Path,
    config: SearchConfig,
    deadline_s: float,
    progress: Progress,
) -> None:
    """Train the trial's recipe, or go on with it, and tell the study how it went."""
    begun = study.trials[trial.number]
    recipe = config_of(begun, config)
    cost = _cost(recipe, folder, manifest) if config.needs_cost else None
    if cost and _over_budget(cost, config):
        _tell_too_costly(study, trial, cost, progress)
        return
    run = Run(folder / "trials" / f"{trial.number:04d}")
    prunes = len(config.objectives) == 1
    fell_behind = (
        prunes and trial.should_prune()
    )  # true here if killed between that decision and its telling
    if not fell_behind:
        watch = _watch(trial, set(begun.intermediate_values), prunes, deadline_s)
        result = train(config.data, recipe, run, SILENT, manifest, watch)
        fell_behind = result.stopped_by == "watch"
    if fell_behind:
        _tell_pruned(study, trial, run, progress)
    else:
        _tell_complete(study, trial, run, cost, config, progress)


def _watch(trial: Trial, reported: set[int], prunes: bool, deadline_s: float) -> Watch:
    """What is done after each epoch: report it, unless that was done before a kill.

    Stop what falls behind; mind the time.
    """

    def watch(epoch: int, metrics: Mapping[str, float]) -> bool:
        if time.monotonic() > deadline_s:
            raise TimeUp
        if prunes and epoch not in reported:
            trial.report(metrics["val_top1_accuracy"], epoch)
        return prunes and trial.should_prune()

    return watch


def _tell_complete(
    study: Study,
    trial: Trial,
    run: Run,
    cost: Cost | None,
    config: SearchConfig,
    progress: Progress,
) -> None:
    result = run.result()
    values = {"accuracy": result.val_top1_accuracy}
    for key in ("val_log_loss", "parameters", "training_s"):
        trial.set_user_attr(key, getattr(result, key))
    if cost:
        values |= {"latency": cost.latency_ms, "size": cost.size_mb}
        trial.set_user_attr("cost", [cost.size_mb, cost.latency_ms])
    study.tell(trial, [values[objective] for objective in config.objectives])
    run.last_checkpoint.unlink(missing_ok=True)
    best = best_trial(study)
    progress.say(
        f"trial {trial.number}: accuracy {values['accuracy']:.2%}, {result.training_s:.0f} s"
        + (f"; best {best.values[0]:.2%} (trial {best.number})" if best else "")
    )


def _tell_too_costly(study: Study, trial: Trial, cost: Cost, progress: Progress) -> None:
    trial.set_user_attr("why", f"over the budget: {cost.size_mb:g} MB, {cost.latency_ms:g} ms")
    study.tell(trial, state=TrialState.PRUNED)
    progress.say(
        f"trial {trial.number}: not trained, {cost.size_mb:g} MB and {cost.latency_ms:g} ms"
    )


def _tell_pruned(study: Study, trial: Trial, run: Run, progress: Progress) -> None:
    study.tell(trial, state=TrialState.PRUNED)
    for checkpoint in (run.best_checkpoint, run.last_checkpoint):
        checkpoint.unlink(missing_ok=True)
    progress.say(f"trial {trial.number}: stopped early, it fell behind the others")


def _cost(recipe: TrainConfig, folder: Path, manifest: Path) -> Cost:
    classes = len(class_names_of(read_manifest(manifest)))
    with held(folder / ".costs.lock"):
        return measure_cost(
            architecture_of(recipe), classes, recipe.input_size, folder / "costs.json"
        )


def _over_budget(cost: Cost, config: SearchConfig) -> bool:
    return bool(
        (config.max_size_mb and cost.size_mb > config.max_size_mb)
        or (config.max_latency_ms and cost.latency_ms > config.max_latency_ms)
    )


def _changes(study: Study, config: SearchConfig) -> str:
    old, new = json.loads(study.user_attrs["search"]), json.loads(config.asked)
    return ", ".join(sorted(part for part in new if old.get(part) != new[part]))


def _lock_path(folder: Path, number: int) -> Path:
    return folder / "trials" / f"{number:04d}.lock"
