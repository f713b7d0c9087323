"""Train: from a folder of class folders (or a run cut short) to a complete run folder."""

import logging
import time
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger

from scenelet.artefacts import explained
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.load import load_pixels
from scenelet.dataset.split import split_validation
from scenelet.errors import ConfigError, DataError
from scenelet.images import PreprocessSpec
from scenelet.learn.callbacks import (
    History,
    ImagesPerSecond,
    SeedEachEpoch,
    Watch,
    Watching,
    WholeCheckpoints,
    weight_averaging,
)
from scenelet.learn.classifier import Classifier
from scenelet.learn.datamodule import ImagesInMemory
from scenelet.learn.devices import (
    describe_environment,
    lightning_precision,
    peak_memory_mib,
    pick_device,
    pick_precision,
    process_index,
)
from scenelet.learn.distill import Teachers, require_classes
from scenelet.learn.networks import architecture_of, build_network, parameter_count
from scenelet.learn.pretrained import (
    Pretrained,
    open_pretrained,
    refuse_leak,
    require_size,
    start_from,
)
from scenelet.progress import SILENT, Progress
from scenelet.runs.history import chosen
from scenelet.runs.recipe import TrainConfig
from scenelet.runs.run import Result, Run

GIB = 2**30


def prepare(
    folder: Path, manifest: Path | None, config: TrainConfig, progress: Progress = SILENT
) -> Dataset:
    """Open, examine and split a folder.

    Images that can't be used are excluded in the manifest, with the reason.

    Args:
        folder: Data set.
        manifest: Of `data audit` or `data split`, whose labels, exclusions, groups and splits are
            then taken.
        config: Validation fraction and seed.
        progress: Is told how it goes on.

    Raises:
        DataError: Too little in it to train on, or the manifest is of another folder.
    """
    found = Dataset.open(folder, manifest, progress)
    if manifest is not None:
        found = found.completed(progress)
        found = found.of(split_validation(found.rows, config.val_fraction, config.seed))
        return _without_doubtful(found, config.min_label_quality)
    if config.min_label_quality:
        raise ConfigError(
            "--set min_label_quality: needs an audit's view of the labels. Give its --manifest as"
            " well."
        )
    found = found.keeping(lambda row: row.split != "test", "of the test part")
    if not found.rows:
        raise DataError(
            f"{folder}: only a test part found, which is never trained on. Give the training part."
        )
    found = found.examined(progress)
    return found.of(split_validation(found.rows, config.val_fraction, config.seed))


def _without_doubtful(dataset: Dataset, min_quality: float) -> Dataset:
    """Training rows whose label an audit finds too unlikely are left out, with the reason."""
    doubted = [
        row
        for row in dataset.part("train").rows
        if row.label_quality is not None and row.label_quality < min_quality
    ]
    return dataset.without(doubted, f"label doubted by the audit: quality under {min_quality:g}")


def train(
    folder: Path,
    config: TrainConfig,
    run: Run,
    progress: Progress = SILENT,
    manifest: Path | None = None,
    watch: Watch | None = None,
) -> Result:
    """Train, or go on where a killed training stopped.

    Args:
        folder: Data set.
        config: Resolved recipe.
        run: Where to write; a run of the same recipe and data found there is continued.
        progress: Is told how it goes on.
        manifest: Which images of the folder to take, and with which label and split; None takes
            all.
        watch: Called after each epoch with its index and metrics; training ends when it returns
            True.

    Returns:
        The figures of `result.json`.

    Raises:
        DataError: The folder can't be trained on.
        ConfigError: The run folder holds another training, or the device is not here.
        ArtefactError: The run folder can't be written.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    progress = SILENT if process_index() else progress
    device = pick_device(config.device)
    precision = pick_precision(config.precision, device)
    prepared = prepare(folder, manifest, config, progress)
    sources = _open_sources(config, prepared)
    run.open(
        config,
        folder,
        prepared.rows,
        sources.described(config),
        describe_environment(device, precision),
    )
    if run.is_complete:
        return run.result()
    with run.locked() if process_index() == 0 else nullcontext():
        return _train_here(prepared, sources, config, run, (device, precision), progress, watch)


@dataclass(frozen=True)
class Sources:
    """Weights that a training starts from and learns from."""

    init: Pretrained | None
    teachers: list[Pretrained]

    def described(self, config: TrainConfig) -> dict[str, Any]:
        """For the run's record."""
        return {
            "architecture": self.init.architecture if self.init else architecture_of(config),
            "init": self.init.described if self.init else None,
            "teachers": [teacher.described for teacher in self.teachers],
        }


def _open_sources(config: TrainConfig, prepared: Dataset) -> Sources:
    """Open what `--init` and `--teacher` name; what was trained on validation images is refused."""
    teachers = [open_pretrained(origin, "--teacher") for origin in config.teachers]
    init = open_pretrained(config.start, "--init") if config.start else None
    require_classes(teachers, prepared.class_names)
    validation = prepared.part("val").rows
    for teacher in teachers:
        refuse_leak(teacher, validation, "--teacher")
    if init:
        refuse_leak(init, validation, "--init")
        require_size(init, (*config.train_sizes, config.input_size))
    return Sources(init, teachers)


def _train_here(
    prepared: Dataset,
    sources: Sources,
    config: TrainConfig,
    run: Run,
    computing: tuple[str, str],
    progress: Progress,
    watch: Watch | None,
) -> Result:
    """Train in a run folder that is opened and locked."""
    class_names = run.data()["class_names"]
    teachers = Teachers([each.network for each in sources.teachers]) if sources.teachers else None
    data = _load(prepared, config, class_names, run, progress)
    torch.manual_seed(config.seed)
    fresh = (
        start_from(sources.init, class_names)
        if sources.init
        else build_network(run.architecture(), len(class_names))
    )
    model = Classifier(
        fresh.to(memory_format=torch.channels_last), config, len(class_names), teachers
    )
    _announce(progress, config, prepared, model, *computing)
    start_s = time.perf_counter()
    with explained(run.folder):
        best = _fit(model, data, config, run, computing, progress, watch)
    run.images_file(process_index()).unlink(missing_ok=True)
    result = Result(
        **best,
        parameters=parameter_count(model.network),
        validation_images=len(data.val.labels),
        last_stretch_s=round(time.perf_counter() - start_s, 1),
    )
    if process_index() == 0:
        run.complete(result)
    return result


def _load(
    prepared: Dataset,
    config: TrainConfig,
    class_names: Sequence[str],
    run: Run,
    progress: Progress,
) -> ImagesInMemory:
    storage = PreprocessSpec(config.storage_size, config.storage_size)
    serving = PreprocessSpec(config.input_size, config.input_size)
    training, validation = prepared.part("train"), prepared.part("val")
    with progress.counting("decoding", len(training) + len(validation)) as advance:
        shape = (len(training), storage.height, storage.width, 3)
        too_large = int(np.prod(shape)) > config.memory_gib * GIB
        room = (
            np.memmap(run.images_file(process_index()), np.uint8, "w+", shape=shape)
            if too_large
            else None
        )
        train_pixels = load_pixels(training, class_names, storage, advance, exact=False, into=room)
        val_pixels = load_pixels(validation, class_names, serving, advance)
    return ImagesInMemory(train_pixels, val_pixels, config.batch_size, config.seed)


def _fit(
    model: Classifier,
    data: ImagesInMemory,
    config: TrainConfig,
    run: Run,
    computing: tuple[str, str],
    progress: Progress,
    watch: Watch | None,
) -> dict[str, Any]:
    history, watching = History(run.metrics_csv), Watching(watch)
    device, precision = computing
    trainer = quiet_trainer(
        accelerator={"cuda": "gpu"}.get(device, device),
        devices=config.devices or -1,
        strategy=_strategy(config),
        use_distributed_sampler=False,  # our batches are cut by `ShuffledBatches` itself
        precision=lightning_precision(precision),
        max_epochs=config.epochs,
        callbacks=[*_callbacks(config, run, history, progress), watching],
        plugins=[WholeCheckpoints()],
        logger=TensorBoardLogger(run.folder, name="", version="tensorboard"),
    )
    trainer.fit(
        model,
        data,
        ckpt_path=run.last_checkpoint if run.last_checkpoint.is_file() else None,
        weights_only=False,
    )
    best = chosen(history.epochs)
    if best is None:
        raise DataError(f"{run.folder}: no epoch came to its end. Run the same command again.")
    early = "patience" if len(history.epochs) < config.epochs else ""
    return {
        "best_epoch": best.number,
        "epochs": len(history.epochs),
        "val_top1_accuracy": best.val_top1_accuracy,
        "val_log_loss": best.val_log_loss,
        "stopped_by": "watch" if watching.stopped else early,
        "peak_memory_mib": peak_memory_mib(),
        "training_s": round(sum(epoch.epoch_s for epoch in history.epochs), 1),
    }


def _strategy(config: TrainConfig) -> str:
    """Lightning's name of how devices share a batch.

    What is held still is left without gradients.
    """
    if config.devices == 1:
        return "auto"
    return "ddp_find_unused_parameters_true" if config.head_epochs or config.held_part else "ddp"


def _callbacks(
    config: TrainConfig, run: Run, history: History, progress: Progress
) -> list[Callback]:
    folder = run.best_checkpoint.parent
    at_epoch_end = {
        "dirpath": folder,
        "save_on_train_epoch_end": True,
        "enable_version_counter": False,
    }
    stopping = (
        [EarlyStopping("val_log_loss", patience=config.patience_epochs)]
        if config.patience_epochs
        else []
    )
    return [
        weight_averaging(config.ema_decay),
        SeedEachEpoch(config.seed),
        history,
        ImagesPerSecond(progress),
        *stopping,
        ModelCheckpoint(filename="best", monitor="val_log_loss", mode="min", **at_epoch_end),
        ModelCheckpoint(filename="last", **at_epoch_end),
    ]


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


def _announce(
    progress: Progress,
    config: TrainConfig,
    prepared: Dataset,
    model: Classifier,
    device: str,
    precision: str,
) -> None:
    excluded = prepared.excluded
    for row in excluded[:5]:
        progress.say(f"left out: {row.path}: {row.excluded}")
    if len(excluded) > 5:
        progress.say(f"left out: {len(excluded) - 5} more, see manifest.csv")
    progress.say(prepared.account())
    progress.say(prepared.classes())
    progress.say(
        f"{len(prepared.part('train')):,} training and {len(prepared.part('val')):,} validation"
        f" images, {parameter_count(model.network):,} parameters, {device} {precision},"
        f" {torch.get_num_threads()} threads, {config.epochs} epochs"
    )
