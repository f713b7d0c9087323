"""Trackers: who besides the run folder is told of a training, by Lightning's own loggers.

TensorBoard's files lie in every run; MLflow and Weights & Biases are servers of somebody, found by
their own environment variables. A training that goes on tells the same run of the tracker.
"""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger, WandbLogger

from scenelet.artefacts import write_json
from scenelet.bundle.metrics import wilson_interval
from scenelet.errors import ConfigError, MissingExtraError
from scenelet.runs.recipe import TrainConfig
from scenelet.runs.run import Result, Run

TRACKERS = ("tensorboard", "mlflow", "wandb")
TRACKER = "SCENELET_TRACKER"  # the environment's word, which worker processes inherit
PROJECT = "scenelet"
_KEPT = "tracker.json"
_MLFLOW = {  # unless somebody has said otherwise
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def chosen_tracker() -> str:
    """Who is told, as the environment says; "" for nobody but the run folder.

    Raises:
        ConfigError: No such tracker.
        MissingExtraError: Its package is not installed.
    """
    found = os.environ.get(TRACKER, "")
    if found and found not in TRACKERS:
        raise ConfigError(f"--tracker: found {found!r}, expected {', '.join(TRACKERS)}")
    if found and find_spec(found) is None:
        raise _missing(found)
    return found


def loggers_of(run: Run, config: TrainConfig, tracker: str) -> list[Logger]:
    """Lightning's loggers of a run; the tracker knows its recipe.

    Raises:
        MissingExtraError: The tracker's package is not installed.
        ConfigError: Its server does not answer, or does not let us in.
    """
    board = TensorBoardLogger(run.folder, name="", version="tensorboard")
    told: list[Logger] = [] if tracker in ("", "tensorboard") else [_logger(run, tracker)]
    if tracker == "tensorboard":
        board.log_hyperparams(asdict(config))
    for each in told:
        each.log_hyperparams(asdict(config))
    return [board, *told]


def tell_result(loggers: Sequence[Logger], run: Run, result: Result) -> None:
    """The figures of a complete training, accuracy with its interval, and the run's records."""
    files = [
        path for path in sorted(run.folder.iterdir()) if path.suffix in (".json", ".csv", ".yaml")
    ]
    for each in loggers[1:]:
        tell(each, final_metrics(result), [path for path in files if path.name != _KEPT])


def final_metrics(result: Result) -> dict[str, float]:
    """Of a complete training, by name."""
    right = round(result.val_top1_accuracy * result.validation_images)
    accuracy = wilson_interval(right, result.validation_images)
    return {
        "final/val_top1_accuracy": result.val_top1_accuracy,
        "final/val_top1_accuracy_low": accuracy.low,
        "final/val_top1_accuracy_high": accuracy.high,
        "final/val_log_loss": result.val_log_loss,
        "final/validation_images": result.validation_images,
        "final/best_epoch": result.best_epoch,
        "final/parameters": result.parameters,
        "final/training_s": result.training_s,
    }


def tell(logger: Logger, metrics: Mapping[str, float], files: Sequence[Path]) -> None:
    """The last of a run: metrics, and files as artefacts."""
    logger.log_metrics(dict(metrics))
    if isinstance(logger, MLFlowLogger):
        for path in files:
            logger.experiment.log_artifact(logger.run_id, str(path))
    if isinstance(logger, WandbLogger):
        _finish(logger, files)


def _finish(logger: WandbLogger, files: Sequence[Path]) -> None:
    for path in files:
        logger.experiment.save(str(path), base_path=str(path.parent), policy="now")
    logger.experiment.finish()


def tell_report(folder: Path, metrics: Mapping[str, float], files: Sequence[Path]) -> None:
    """A run of the tracker's own for what a search or a comparison found; if one is chosen."""
    tracker = chosen_tracker()
    if tracker in ("mlflow", "wandb"):
        logger = _logger(Run(folder), tracker)
        tell(logger, metrics, files)
        logger.finalize("success")


def _logger(run: Run, tracker: str) -> Logger:
    """That of an earlier stretch of the run, if there was one."""
    kept, name = run.folder / _KEPT, "/".join(run.folder.resolve().parts[-3:])
    known = {}
    with suppress(OSError, ValueError):
        known = json.loads(kept.read_text(encoding="utf-8"))
    make = _mlflow if tracker == "mlflow" else _wandb
    try:
        logger = make(run, name, known.get(tracker))
        write_json(kept, known | {tracker: logger.version})
    except ModuleNotFoundError as error:
        raise _missing(tracker) from error
    return logger


def _missing(tracker: str) -> MissingExtraError:
    return MissingExtraError(
        f"--tracker {tracker}: {tracker} is not installed. Install it: pip install"
        f" 'scenelet[{tracker}]'"
    )


def _mlflow(run: Run, name: str, run_id: str | None) -> Logger:
    from mlflow.exceptions import MlflowException

    for variable, value in _MLFLOW.items():
        os.environ.setdefault(variable, value)
    beside = run.folder.resolve().parent  # without a server, files that `mlflow ui` shows
    place = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{beside / 'mlflow.db'}"
    logger = MLFlowLogger(
        experiment_name=os.environ.get("MLFLOW_EXPERIMENT_NAME", PROJECT),
        run_name=name,
        tracking_uri=place,
        run_id=run_id,
        artifact_location=str(beside / "mlflow") if place.startswith("sqlite:") else None,
    )
    try:
        logger.experiment.set_tag(logger.run_id, "scenelet.run", str(run.folder))
    except MlflowException as error:
        raise ConfigError(
            f"--tracker mlflow: {place} does not answer as MLflow. Set MLFLOW_TRACKING_URI to your"
            " server's address."
        ) from error
    return logger


def _wandb(run: Run, name: str, run_id: str | None) -> Logger:
    import wandb

    project = os.environ.get("WANDB_PROJECT", PROJECT)
    logger = WandbLogger(name, run.folder, id=run_id, project=project, resume="allow")
    try:
        _ = logger.experiment
    except wandb.Error as error:
        raise ConfigError(
            f"--tracker wandb: {' '.join(str(error).split())} Log in (`wandb login`,"
            " WANDB_API_KEY), or set WANDB_MODE=offline."
        ) from error
    return logger
