"""Fit: do a job at a place, or go on where a killed process stopped. Any process may call it."""

import logging
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pickle import UnpicklingError
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import Logger

from scenelet.artefacts import explained
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.load import Pixels, load_pixels
from scenelet.errors import ConfigError, DataError
from scenelet.images import PreprocessSpec
from scenelet.learn.callbacks import (
    EndAfter,
    History,
    ImagesPerSecond,
    Keeping,
    SeedEachEpoch,
    Watch,
    Watching,
    WholeCheckpoints,
    weight_averaging,
)
from scenelet.learn.classifier import Classifier
from scenelet.learn.datamodule import ImagesInMemory
from scenelet.learn.devices import lightning_precision, peak_memory_mib
from scenelet.learn.distill import Teachers
from scenelet.learn.grow import Grow
from scenelet.learn.job import Job, Sources
from scenelet.learn.judging import by_class, logits_of
from scenelet.learn.linear import LinearHead, class_weights
from scenelet.learn.linear_start import linear_head, only_head, set_head
from scenelet.learn.networks import build_network, parameter_count
from scenelet.learn.place import Place
from scenelet.learn.pretrained import not_weights, start_from
from scenelet.learn.targets import answers_once, targets_of
from scenelet.learn.tracking import loggers_of, tell_result
from scenelet.progress import SILENT, Progress
from scenelet.runs.history import chosen
from scenelet.runs.recipe import TrainConfig
from scenelet.runs.run import Result, same_network
from scenelet.text import counted

Fit = Callable[[Job, Place, Progress, Watch | None], Result]


def fit(job: Job, place: Place, progress: Progress = SILENT, watch: Watch | None = None) -> Result:
    """Do a training, or what is left of it.

    Args:
        job: What to train; plain values.
        place: Where.
        progress: Is told how it goes on.
        watch: Called after each epoch with its index and metrics; training ends when it returns
            True.

    Raises:
        ConfigError: The run folder holds another training, or what is started from has changed.
        DataError: An image has changed since the job was made.
        ArtefactError: The run folder can't be written.
    """
    progress = progress if place.writes else SILENT
    if job.config.threads:
        torch.set_num_threads(job.config.threads)  # the bits hang on their number
    job.run.open(job.config, job.dataset, job.network, place.described())
    if job.run.is_complete:
        progress.say(f"{job.run.folder}: complete already; another --name trains anew")
        return job.run.result()
    with place.alone(job.run):
        return _fit(job, place, progress, watch)


def _fit(job: Job, place: Place, progress: Progress, watch: Watch | None) -> Result:
    """Train in a run folder that is opened and locked."""
    start_s = time.perf_counter()
    sources = _sources(job)
    head = _linear(job, sources, place, progress)
    data = _decoded(job, place, sources, progress)
    model = _model(job, sources, head)
    _announce(job, place, model, progress)
    loggers = loggers_of(job.run, job.config, place.tracker)
    history, watching = History(job.run.metrics_csv), Watching(watch)
    if head and not job.config.epochs:
        trainer = _trainer(job, place, _grow(job), loggers)
        history.only(only_head(trainer, model, data, job.run, head))
    else:
        callbacks = [*_callbacks(job, history, progress), watching, *_kept(place)]
        trainer = _trainer(job, place, callbacks, loggers)
        _run(trainer, model, data, job, progress)
    place.vacate(job.run)
    result = Result(
        **_outcome(job, history, watching),
        **_judges(job, place, data),
        peak_memory_mib=peak_memory_mib(),
        parameters=parameter_count(model.network),
        last_stretch_s=round(time.perf_counter() - start_s, 1),
    )
    if place.writes:
        job.run.complete(result)
        tell_result(loggers, job.run, result)
        if place.keep:
            place.keep()
    return result


def _judges(job: Job, place: Place, data: ImagesInMemory) -> dict[str, Any]:
    """How many images the figures are of, of each class too, and how many networks judged them."""
    judged, labels = job.judged, data.val.labels
    if judged:
        told = {"validation_images": judged.images, "folds": judged.folds}
        return {**told, "classes": judged.classes}
    classes = {}
    if place.writes and len(labels):
        logits = logits_of(job.run, data.val.images, place.device)
        classes = by_class(labels, logits, job.class_names)
    return {"validation_images": len(labels), "folds": 1, "classes": classes}


def _decoded(job: Job, place: Place, sources: Sources, progress: Progress) -> ImagesInMemory:
    config, names = job.config, job.class_names
    training = job.dataset.part("train")
    training = training if config.epochs else training.of(())
    train, val = _pixels(job, training, place, progress)
    answers = None
    if sources.teachers and config.asks_once:
        answers = answers_once(sources.teachers, training, names, config, progress)
    targets = targets_of(train.labels, len(names), config, answers)
    return ImagesInMemory(train, targets, val, config.batch_size, config.seed)


def _pixels(job: Job, training: Dataset, place: Place, progress: Progress) -> tuple[Pixels, Pixels]:
    """Training images as they are stored, validation images as a service would see them."""
    config, names, serving = job.config, job.class_names, job.config.preprocess
    storage = replace(serving, width=config.storage_size, height=config.storage_size)
    validation = job.dataset.part("val")
    shapes = {
        "train": (len(training), storage.height, storage.width, 3),
        "val": (len(validation), serving.height, serving.width, 3),
    }
    rooms = place.rooms(job.run, shapes, config.memory_gib)
    with progress.counting("decoding", len(training) + len(validation)) as advance:

        def held(part: str, images: Dataset, spec: PreprocessSpec, exact: bool) -> Pixels:
            def decode(room: np.ndarray) -> None:
                load_pixels(images, names, spec, advance, exact, room)

            filled = place.fill(job.run, part, rooms[part], decode)
            return Pixels(filled, images.label_indices(names))

        return held("train", training, storage, False), held("val", validation, serving, True)


def _sources(job: Job) -> Sources:
    """What is started and learned from, opened again.

    Raises:
        ConfigError: Its weights are not those that the job was made with.
    """
    sources = Sources.open(job.config)
    if not same_network(sources.described(job.config), job.network):
        raise ConfigError(
            "--init, --teacher: the weights have changed. Run the same command again."
        )
    return sources


def _linear(job: Job, sources: Sources, place: Place, progress: Progress) -> LinearHead | None:
    """The linear head to start with; None where there is a head already, or it shall be fresh."""
    config, names = job.config, job.class_names
    if config.head != "linear" or not sources.init or sources.init.class_names == names:
        return None
    return linear_head(sources.init, job.dataset, names, config, place.precision, progress)


def _model(job: Job, sources: Sources, head: LinearHead | None) -> Classifier:
    """The network with the weights to start from, and its teachers."""
    names = job.class_names
    in_step = [] if job.config.asks_once else [each.network for each in sources.teachers]
    torch.manual_seed(job.config.seed)
    if sources.init:
        network = start_from(sources.init, names)
    else:
        network = build_network(job.network["architecture"], len(names))
    if head:
        set_head(network, head)
    network = network.to(memory_format=torch.channels_last)
    labels = job.dataset.part("train").label_indices(names)
    weights = class_weights(labels, len(names), job.config.balance)
    return Classifier(network, job.config, weights.tolist(), Teachers(in_step) if in_step else None)


def _trainer(job: Job, place: Place, callbacks: list[Callback], loggers: list[Logger]) -> L.Trainer:
    return quiet_trainer(
        accelerator=place.accelerator,
        devices=place.devices,
        strategy=place.strategy,
        use_distributed_sampler=False,  # our batches are cut by `ShuffledBatches` itself
        precision=lightning_precision(place.precision),
        max_epochs=job.config.epochs,
        callbacks=callbacks,
        plugins=[WholeCheckpoints(), *place.plugins],
        limit_val_batches=0 if job.judged else None,
        logger=loggers,
    )


def _run(
    trainer: L.Trainer, model: Classifier, data: ImagesInMemory, job: Job, progress: Progress
) -> None:
    """Train from the last checkpoint, if there is one.

    Raises:
        DataError: The checkpoint would run code of others.
        KeyboardInterrupt: Somebody pressed Ctrl-C, of which Lightning makes an exit without a word.
    """
    run = job.run
    last = run.last_checkpoint if run.last_checkpoint.is_file() else None
    try:
        with explained(run.folder):
            trainer.fit(model, data, ckpt_path=last, weights_only=True)
    except UnpicklingError as error:
        raise not_weights(run.last_checkpoint) from error
    except SystemExit:
        if not trainer.interrupted:
            raise
        done = f"{len(run.history())} of {job.config.epochs} epochs"
        progress.say(f"{run.name}: {done} are done and kept; the same command goes on")
        raise KeyboardInterrupt from None


def _outcome(job: Job, history: History, watching: Watching) -> dict[str, Any]:
    """What the epochs say, and why there are no more of them."""
    best = chosen(history.epochs)
    if best is None:
        raise DataError(f"{job.run.folder}: no epoch came to its end. Run the same command again.")
    planned = job.judged.epochs if job.judged else job.config.epochs
    early = "patience" if len(history.epochs) < planned else ""
    judge = job.judged
    return {
        "best_epoch": best.number if job.config.epochs else 0,
        "epochs": len(history.epochs) if job.config.epochs else 0,
        "val_top1_accuracy": judge.top1_accuracy if judge else best.val_top1_accuracy,
        "val_log_loss": judge.log_loss if judge else best.val_log_loss,
        "stopped_by": "watch" if watching.stopped else early,
        "training_s": round(sum(epoch.epoch_s for epoch in history.epochs), 1),
    }


def _callbacks(job: Job, history: History, progress: Progress) -> list[Callback]:
    config, folder = job.config, job.run.best_checkpoint.parent
    at_epoch_end = {
        "dirpath": folder,
        "save_on_train_epoch_end": True,
        "enable_version_counter": False,
    }
    return [
        weight_averaging(config.ema_decay),
        SeedEachEpoch(config.seed),
        history,
        ImagesPerSecond(progress),
        *_grow(job),
        *([] if job.judged else _patience(config)),
        *_keeping(job, at_epoch_end),
        ModelCheckpoint(filename="last", **at_epoch_end),
    ]


def _grow(job: Job) -> list[Callback]:
    """One process sees all validation images in order; of several, each sees its share."""
    validation = job.dataset.part("val").rows
    if job.config.devices != 1 or not validation:
        return []
    return [Grow(job.run.growing_json, validation, job.class_names)]


def _kept(place: Place) -> list[Callback]:
    return [Keeping(place.keep)] if place.keep and place.writes else []


def _keeping(job: Job, at_epoch_end: dict[str, Any]) -> list[Callback]:
    """Keep the weights of the best epoch; where nothing validates, of the last of those planned."""
    if job.judged:  # the mode says nothing here; Lightning wants the two to differ in something
        kept = ModelCheckpoint(filename="best", mode="max", **at_epoch_end)
        return [EndAfter(job.judged.epochs), kept]
    return [ModelCheckpoint(filename="best", monitor="val_log_loss", mode="min", **at_epoch_end)]


def _patience(config: TrainConfig) -> list[Callback]:
    if not config.patience_epochs:
        return []
    return [EarlyStopping("val_log_loss", patience=config.patience_epochs)]


def quiet_trainer(**options: Any) -> L.Trainer:
    """A Trainer that leaves talking to our own progress."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    return L.Trainer(
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
        num_sanity_val_steps=0,
        **options,
    )


def _announce(job: Job, place: Place, model: Classifier, progress: Progress) -> None:
    if not job.run.is_fold:  # the pictures are those of the run that they belong to
        _account(job, progress)
    training, validation = (len(job.dataset.part(split)) for split in ("train", "val"))
    epochs = job.config.epochs
    how = counted(epochs, "epoch") if epochs else "a linear head alone"
    progress.say(
        f"{training:,} training and {validation or 'no'} validation images,"
        f" {parameter_count(model.network):,} parameters, {place.device} {place.precision},"
        f" {counted(torch.get_num_threads(), 'thread')}, {how}"
    )


def _account(job: Job, progress: Progress) -> None:
    excluded = job.dataset.excluded
    for row in excluded[:5]:
        progress.say(f"left out: {row.path}: {row.excluded}")
    if len(excluded) > 5:
        progress.say(f"left out: {len(excluded) - 5} more, see manifest.csv")
    progress.say(job.dataset.account())
    progress.say(job.dataset.classes())
