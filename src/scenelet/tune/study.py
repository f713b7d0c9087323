"""Optuna's study of a search: what is asked, opening it, and what makes two searches the same."""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import optuna
import yaml
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.study import Study
from sqlalchemy.exc import SQLAlchemyError

from scenelet.artefacts import make_folder, write_text
from scenelet.errors import ConfigError
from scenelet.runs.recipe import TrainConfig, from_values
from scenelet.runs.search import RECIPE, STUDY, Trial
from scenelet.text import with_commas
from scenelet.tune.sampler import RepeatableSampler
from scenelet.tune.space import own_values
from scenelet.tune.trial import Budget

OBJECTIVES: dict[str, Literal["maximize", "minimize"]] = {
    "accuracy": "maximize",
    "latency": "minimize",
    "size": "minimize",
}
STARTUP_TRIALS = 8
_ASKED = "search"
_REFUSALS = (
    optuna.exceptions.StorageInternalError,
    ImportError,
    ValueError,
    OSError,
    SQLAlchemyError,
)


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
        fingerprint: Of the data's pixels, labels and split; "" as long as nobody looked.
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
    fingerprint: str = ""

    @property
    def prunes(self) -> bool:
        """Whether trials that fall behind are stopped: only where accuracy alone counts."""
        return len(self.objectives) == 1

    @property
    def budget(self) -> Budget:
        """Of one model."""
        is_measured = not self.prunes or bool(self.max_size_mb or self.max_latency_ms)
        return Budget(is_measured, self.max_size_mb, self.max_latency_ms)

    @property
    def asked(self) -> dict[str, Any]:
        """What makes two searches the same: neither how long nor on how many workers."""
        return {
            "recipe": _lasting(self.base),
            "space": {
                name: distribution_to_json(spread) for name, spread in sorted(self.space.items())
            },
            "objectives": list(self.objectives),
            "budget": [self.max_size_mb, self.max_latency_ms],
            "data": self.fingerprint,
        }


def objectives_of(text: str) -> tuple[str, ...]:
    """What `--objectives` names.

    Raises:
        ConfigError: Accuracy is not the first, or one is unknown or said twice.
    """
    wished = tuple(with_commas(text))
    known = set(wished) <= set(OBJECTIVES) and len(set(wished)) == len(wished)
    if wished[:1] != ("accuracy",) or not known:
        raise ConfigError(
            f"--objectives: found {text!r}, expected accuracy, then any of latency and size"
        )
    return wished


def open_study(folder: Path, config: SearchConfig) -> Study:
    """Open the study, or start it: the recipe itself will be its first trial.

    Raises:
        ConfigError: It can't be reached, or is another search: other dials, or other images.
    """
    study = reach_study(folder, config)
    if _ASKED not in study.user_attrs:
        own = own_values(config.base, config.space)
        study.enqueue_trial(own, user_attrs={RECIPE: own}, skip_if_exists=True)
        study.set_user_attr(_ASKED, json.dumps(config.asked, sort_keys=True))
    changes = _changes(json.loads(study.user_attrs[_ASKED]), config.asked)
    if changes:
        raise ConfigError(
            f"{folder}: holds a search with other settings ({changes}). Give another --name."
        )
    return study


def asked_of(study: Study) -> dict[str, Any]:
    """What a study was begun with."""
    return dict(json.loads(study.user_attrs[_ASKED]))


def recipe_of(number: int, dials: Mapping[str, Any], config: SearchConfig) -> TrainConfig:
    """The recipe of a trial.

    Raises:
        ConfigError: Its dials contradict one another.
    """
    one_part = {"folds": 1}  # all trials are judged on one validation part
    return from_values({**config.base.as_dict(), **dials, **one_part}, f"trial {number}")


def save_recipe(path: Path, trial: Trial, config: SearchConfig) -> None:
    """Write a complete trial's recipe, which `train` takes as it is.

    Raises:
        ArtefactError: It can't be written.
    """
    values = _lasting(recipe_of(trial.number, trial.dials, config))
    remark = (
        f"# Trial {trial.number} of a search: validation accuracy {trial.accuracy:.2%}, chosen on"
        " that very validation part.\n"
    )
    write_text(path, remark + yaml.safe_dump(values, sort_keys=False, default_flow_style=None))


def require_storage(url: str) -> None:
    """See to it that a database can be reached; "" is the search's own file.

    Raises:
        ConfigError: It can't be.
    """
    if not url:
        return
    try:
        optuna.storages.get_storage(url)
    except _REFUSALS as error:
        raise _unreachable(url, error) from error


def reach_study(folder: Path, config: SearchConfig) -> Study:
    """The study of this name, whatever it holds.

    Raises:
        ConfigError: It can't be reached.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
    make_folder(folder / "trials")
    url = config.storage or f"sqlite:///{(folder / STUDY).resolve()}"
    warmup_epochs = config.base.epochs // 4
    try:
        return optuna.create_study(
            storage=url,
            study_name=folder.resolve().name,
            directions=[OBJECTIVES[objective] for objective in config.objectives],
            sampler=RepeatableSampler(config.base.seed, STARTUP_TRIALS, config.workers > 1),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=warmup_epochs),
            load_if_exists=True,
        )
    except _REFUSALS as error:
        raise _unreachable(url, error) from error


def _unreachable(url: str, error: BaseException) -> ConfigError:
    return ConfigError(
        f"{url}: the study can't be opened: {' '.join(str(error).split())[:200]}. Give --storage as"
        " sqlite:///FILE or another SQL URL whose driver is installed."
    )


def _lasting(recipe: TrainConfig) -> dict[str, Any]:
    """Dials that change what is found."""
    return {key: value for key, value in recipe.as_dict().items() if key != "threads"}


def _changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    names = {"data": "other images, labels or split"}
    return ", ".join(names.get(part, part) for part in sorted(new) if old.get(part) != new[part])
