"""Train: from a folder of class folders (or a run cut short) to a complete run folder."""

import logging
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from rich.console import Console

from scenelet.artefacts import explained, write_json
from scenelet.data.load import Pixels, examine, load_pixels
from scenelet.data.manifest import Row, rows_of
from scenelet.data.scan import scan
from scenelet.data.split import split_validation
from scenelet.errors import DataError
from scenelet.images import PreprocessSpec
from scenelet.learn.callbacks import History, ImagesPerSecond, SeedEachEpoch, WholeCheckpoints, weight_averaging
from scenelet.learn.classifier import Classifier
from scenelet.learn.config import TrainConfig
from scenelet.learn.datamodule import ImagesInMemory
from scenelet.learn.devices import describe_environment, lightning_precision, pick_device, pick_precision
from scenelet.learn.networks import build_network, parameter_count
from scenelet.learn.run import Run
from scenelet.progress import counting

GIB = 2**30


@dataclass(frozen=True)
class Prepared:
    """A data set that is ready to train on."""

    source: Path
    rows: list[Row]

    def part(self, split: str) -> list[Row]:
        """Rows in use of one split."""
        return [row for row in self.rows if row.split == split and not row.excluded]


def prepare(folder: Path, manifest: Path | None, config: TrainConfig, console: Console) -> Prepared:
    """Scan, examine and split a folder. Images that can't be used are excluded in the manifest, with the reason.

    Args:
        folder: Data set.
        manifest: Of `data audit` or `data split`, whose labels, exclusions, groups and splits are then taken.
        config: Validation fraction and seed.
        console: For progress.

    Raises:
        DataError: Too little in it to train on, or the manifest is of another folder.
    """
    if manifest is not None:
        return Prepared(folder, split_validation(rows_of(manifest, folder), config.val_fraction, config.seed))
    found = [image for image in scan(folder).images if image.split != "test"]
    if not found:
        raise DataError(f"{folder}: only a test part found, which is never trained on. Give the training part.")
    with counting(console, "examining", len(found)) as advance:
        rows = examine(folder, found, advance)
    return Prepared(folder, split_validation(rows, config.val_fraction, config.seed))


def train(folder: Path, config: TrainConfig, run: Run, console: Console, manifest: Path | None = None) -> dict[str, Any]:
    """Train, or go on where a killed training stopped.

    Args:
        folder: Data set.
        config: Resolved recipe.
        run: Where to write; a run of the same recipe and data found there is continued.
        console: For progress.
        manifest: Which images of the folder to take, and with which label and split; None takes all.

    Returns:
        The figures of `result.json`.

    Raises:
        DataError: The folder can't be trained on.
        ConfigError: The run folder holds another training, or the device is not here.
        ArtefactError: The run folder can't be written.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    device = pick_device(config.device)
    precision = pick_precision(config.precision, device)
    prepared = prepare(folder, manifest, config, console)
    run.open(config, folder, prepared.rows, describe_environment(device, precision))
    if run.is_complete:
        return run.result()
    with run.locked():
        return _train_here(prepared, config, run, device, precision, console)


def _train_here(
    prepared: Prepared, config: TrainConfig, run: Run, device: str, precision: str, console: Console
) -> dict[str, Any]:
    """Train in a run folder that is opened and locked."""
    class_names = run.data()["class_names"]
    data = _load(prepared, config, class_names, run, console)
    torch.manual_seed(config.seed)
    model = Classifier(build_network(config, len(class_names)).to(memory_format=torch.channels_last), config, len(class_names))
    _announce(console, config, prepared, model, device, precision)
    start_s = time.perf_counter()
    with explained(run.folder):
        best = _fit(model, data, config, run, device, precision, console)
    run.images_file.unlink(missing_ok=True)
    result = {
        **best,
        "parameters": parameter_count(model.network),
        "validation_images": len(data.val.labels),
        "last_stretch_s": round(time.perf_counter() - start_s, 1),
    }
    write_json(run.folder / "result.json", result)
    return result


def _load(prepared: Prepared, config: TrainConfig, class_names: Sequence[str], run: Run, console: Console) -> ImagesInMemory:
    storage = PreprocessSpec(config.storage_size, config.storage_size)
    serving = PreprocessSpec(config.input_size, config.input_size)
    train_rows, val_rows = prepared.part("train"), prepared.part("val")
    with counting(console, "decoding", len(train_rows) + len(val_rows)) as advance:
        shape = (len(train_rows), storage.height, storage.width, 3)
        too_large = int(np.prod(shape)) > config.memory_gib * GIB
        room = np.memmap(run.images_file, np.uint8, "w+", shape=shape) if too_large else None
        train_pixels = load_pixels(prepared.source, train_rows, class_names, storage, advance, exact=False, into=room)
        val_pixels: Pixels = load_pixels(prepared.source, val_rows, class_names, serving, advance)
    return ImagesInMemory(train_pixels, val_pixels, config.batch_size, config.seed)


def _fit(
    model: Classifier, data: ImagesInMemory, config: TrainConfig, run: Run, device: str, precision: str, console: Console
) -> dict[str, Any]:
    history = History(run.metrics_csv)
    trainer = quiet_trainer(
        accelerator={"cuda": "gpu"}.get(device, device),
        devices=1,
        precision=lightning_precision(precision),
        max_epochs=config.epochs,
        callbacks=_callbacks(config, run, history, console),
        plugins=[WholeCheckpoints()],
        logger=TensorBoardLogger(run.folder, name="", version="tensorboard"),
    )
    trainer.fit(model, data, ckpt_path=run.last_checkpoint if run.last_checkpoint.is_file() else None, weights_only=False)
    best = min(history.rows, key=lambda row: (row["val_log_loss"], row["epoch"]))
    return {
        "best_epoch": int(best["epoch"]) + 1,
        "epochs": len(history.rows),
        "val_top1_accuracy": best["val_top1_accuracy"],
        "val_log_loss": best["val_log_loss"],
        "training_s": round(sum(row["epoch_s"] for row in history.rows), 1),
    }


def _callbacks(config: TrainConfig, run: Run, history: History, console: Console) -> list[Callback]:
    folder = run.best_checkpoint.parent
    at_epoch_end = {"dirpath": folder, "save_on_train_epoch_end": True, "enable_version_counter": False}
    stopping = [EarlyStopping("val_log_loss", patience=config.patience_epochs)] if config.patience_epochs else []
    return [
        weight_averaging(config.ema_decay),
        SeedEachEpoch(config.seed),
        history,
        ImagesPerSecond(console),
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
        enable_progress_bar=False, enable_model_summary=False, log_every_n_steps=1, num_sanity_val_steps=0, **options
    )


def _announce(
    console: Console, config: TrainConfig, prepared: Prepared, model: Classifier, device: str, precision: str
) -> None:
    excluded = [row for row in prepared.rows if row.excluded]
    for row in excluded[:5]:
        console.print(f"left out: {row.path}: {row.excluded}", style="yellow", highlight=False, soft_wrap=True)
    if len(excluded) > 5:
        console.print(f"left out: {len(excluded) - 5} more, see manifest.csv", style="yellow", highlight=False)
    console.print(
        f"{len(prepared.part('train')):,} training and {len(prepared.part('val')):,} validation images, "
        f"{parameter_count(model.network):,} parameters, {device} {precision}, {torch.get_num_threads()} threads, "
        f"{config.epochs} epochs",
        highlight=False,
        soft_wrap=True,
    )
