"""Folds: every picture judged by a network that did not see it, and a final network that saw all.

With few pictures a validation part says little and costs much. Each of K networks holds another
part out; what they answer there, out of fold, stands for what the final one would answer to new
pictures.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import torch

from scenelet.artefacts import write_json
from scenelet.bundle.metrics import wilson_interval
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.load import load_pixels
from scenelet.dataset.split import split_folds
from scenelet.errors import DataError
from scenelet.learn.fit import Fit, fit
from scenelet.learn.job import Job, Sources, prepare
from scenelet.learn.judging import by_class, logits_of
from scenelet.learn.log_loss import calibrated_log_loss
from scenelet.learn.place import Place
from scenelet.learn.pretrained import count_known
from scenelet.learn.several import FitAll, one_by_one
from scenelet.progress import SILENT, Progress
from scenelet.runs.recipe import TrainConfig
from scenelet.runs.run import Judged, Result, Run, trained

FOLDS, ENOUGH = 5, 100  # folds where nobody said how many; validation pictures that need none


def folds_for(
    config: TrainConfig,
    dataset: Dataset,
    is_decided: bool,
    progress: Progress = SILENT,
) -> int:
    """How many folds to train; 1 is a validation part as it stands.

    Args:
        config: Whose `folds` is taken, if it says any.
        dataset: Images with their splits.
        is_decided: Whether somebody decided which images validate.
        progress: Is told what was decided, and why.
    """
    held_out = len(dataset.part("val"))
    if config.folds or is_decided or held_out >= ENOUGH or config.devices != 1:
        return config.folds or 1
    folds = min(FOLDS, _fewest_kin(dataset))
    if folds < 2 or _is_known(config, dataset):
        return 1
    progress.say(
        f"{held_out} validation pictures would say little: {folds} networks hold another part out"
        " each, so that every picture is judged by one that did not see it, and a final one learns"
        f" from all. That takes {folds + 1} times as long; --folds 1 holds one part out instead."
    )
    return folds


def fit_folds(
    config: TrainConfig,
    run: Run,
    dataset: Dataset,
    place: Place,
    progress: Progress = SILENT,
    do: Fit = fit,
    do_all: FitAll = one_by_one,
) -> Result:
    """Train the networks of all folds, then the final one; what is done already is taken.

    Args:
        config: Whose `folds` says how many.
        run: Of the final network; those of the folds lie in it.
        dataset: Images in use; their validation part takes part in the folds.
        place: Where.
        progress: Is told how it goes on.
        do: That does the final job.
        do_all: That does those of the folds.

    Raises:
        DataError: A class has fewer different pictures than there are folds.
        ConfigError: See `prepare` and `fit`.
    """
    single = replace(config, folds=1)
    parts = [dataset.of(rows) for rows in split_folds(dataset.rows, config.folds, config.seed)]
    jobs = {
        f"fold {number} of {config.folds}": prepare(single, run.fold(number), part)
        for number, part in enumerate(parts, 1)
    }
    do_all(jobs, place, progress, _held_out)
    results = [job.run.result() for job in jobs.values()]
    answers = [_held_out(job) for job in jobs.values()]
    judged = _judged(answers, results, trained(dataset).class_names)
    _say(judged, progress)
    last = prepare(config, run, _with_nothing_held_out(dataset))
    return do(replace(last, judged=judged), place, progress, None)


def _with_nothing_held_out(dataset: Dataset) -> Dataset:
    return dataset.of(
        row.with_split("train") if row.split == "val" else row for row in dataset.rows
    )


def _fewest_kin(dataset: Dataset) -> int:
    """Different pictures (or groups) of the class that has the fewest."""
    kin: dict[str, set[str]] = {}
    for row in trained(dataset).used.rows:
        kin.setdefault(row.label, set()).add(row.kin)
    return min(map(len, kin.values()))


def _is_known(config: TrainConfig, dataset: Dataset) -> bool:
    """Whether what is started or learned from has seen some of these pictures, or copies."""
    if not (config.start or config.teachers):
        return False
    sources = Sources.open(config)
    known = [sources.init, *sources.teachers] if sources.init else sources.teachers
    return any(any(count_known(source, (), dataset.rows)) for source in known)


def _held_out(job: Job) -> tuple[np.ndarray, np.ndarray]:
    """(n,) labels and (n, classes) logits of a fold's own validation part; computed once."""
    path = job.run.folder / "held_out.json"
    if not path.is_file():
        pixels = load_pixels(job.dataset.part("val"), job.class_names, job.config.preprocess)
        logits = logits_of(job.run, pixels.images).round(6).tolist()
        write_json(path, {"labels": pixels.labels.tolist(), "logits": logits})
    return _read(path)


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return np.array(values["labels"]), np.array(values["logits"])
    except (ValueError, KeyError) as error:
        raise DataError(f"{path}: damaged. Remove it and run the same command again.") from error


def _judged(
    answers: Sequence[tuple[np.ndarray, np.ndarray]],
    results: Sequence[Result],
    class_names: Sequence[str],
) -> Judged:
    labels = torch.from_numpy(np.concatenate([each[0] for each in answers]))
    logits = torch.from_numpy(np.concatenate([each[1] for each in answers]))
    right = (logits.argmax(1) == labels).double().mean()
    return Judged(
        folds=len(results),
        images=len(labels),
        top1_accuracy=round(float(right), 6),
        log_loss=round(calibrated_log_loss(logits, labels), 6),
        epochs=max(1, round(median(result.best_epoch for result in results))),
        classes=by_class(labels.numpy(), logits.numpy(), class_names),
    )


def _say(judged: Judged, progress: Progress) -> None:
    found = wilson_interval(round(judged.top1_accuracy * judged.images), judged.images)
    progress.say(
        f"out of fold: accuracy {judged.top1_accuracy:.2%} (95 % interval {found.low:.2%} to"
        f" {found.high:.2%}) of {judged.images:,} images; now a network that learns from all"
    )
