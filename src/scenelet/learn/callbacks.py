"""What happens around the steps: checkpoints never half-written, a history, a progress bar."""

import io
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback, Checkpoint, WeightAveraging
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor

from scenelet.artefacts import write_bytes
from scenelet.progress import Progress
from scenelet.runs.history import Epoch, write_history

CURVE, _BLOCKS = 20, "▁▂▃▄▅▆▇█"  # epochs that are drawn
Watch = Callable[[int, Mapping[str, float]], bool]


class WholeCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint aside on the same disk, then renames it."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Save whole or not at all."""
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write_bytes(Path(path), buffer.getvalue())


def weight_averaging(decay: float) -> WeightAveraging:
    """Exponential moving average of weights and batch-normalisation statistics.

    A young average forgets faster.
    """

    def average(averaged: list[Tensor], current: list[Tensor], count: Tensor) -> None:
        keep = min(decay, (1 + int(count)) / (10 + int(count)))
        if averaged[0].is_floating_point():
            torch._foreach_lerp_(averaged, current, 1 - keep)
        else:  # batch counters
            for old, new in zip(averaged, current, strict=True):
                old.copy_(new)

    return WeightAveraging(multi_avg_fn=average)


class SeedEachEpoch(Callback):
    """Makes whatever draws from torch's global generator (dropout) a function of seed and epoch."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Seed."""
        torch.manual_seed(self.seed * 1_000_003 + trainer.current_epoch)


class History(Callback):
    """One row an epoch in metrics.csv.

    The epochs travel in the checkpoint, so a resumed run neither loses nor repeats any.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.epochs, self._start_s = path, list[Epoch](), 0.0

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self._start_s = time.perf_counter()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Add the row and write the file."""
        figures = trainer.callback_metrics
        this = Epoch(
            epoch=trainer.current_epoch,
            train_loss=round(float(figures["train_loss"]), 6),
            val_log_loss=_rounded(figures.get("val_log_loss")),
            val_top1_accuracy=_rounded(figures.get("val_top1_accuracy")),
            learning_rate=float(trainer.optimizers[0].param_groups[0]["lr"]),
            epoch_s=round(time.perf_counter() - self._start_s, 2),
        )
        self.epochs = [each for each in self.epochs if each.epoch < this.epoch] + [this]
        if trainer.is_global_zero:
            write_history(self.path, self.epochs)

    def only(self, epoch: Epoch) -> None:
        """Write the one row of a training that has no epochs."""
        self.epochs = [epoch]
        write_history(self.path, self.epochs)

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {"rows": [asdict(epoch) for epoch in self.epochs]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint."""
        self.epochs = [Epoch(**row) for row in state_dict["rows"]]


def _rounded(figure: Tensor | None) -> float | None:
    return None if figure is None else round(float(figure), 6)


class EndAfter(Callback):
    """Ends a training after some epochs, though its schedule may be for more."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """End it."""
        trainer.should_stop = trainer.should_stop or trainer.current_epoch + 1 >= self.epochs


class Watching(Callback):
    """Lets somebody outside look on after each epoch, and end the training."""

    def __init__(self, watch: Watch | None) -> None:
        self.watch, self.stopped = watch, False

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Show the epoch's metrics."""
        metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
        if self.watch and self.watch(trainer.current_epoch, metrics):
            trainer.should_stop = self.stopped = True


class Keeping(Checkpoint):
    """Sends the run folder home after each epoch.

    Lightning calls checkpoint callbacks last, in their order: the epoch's are written by then.
    """

    def __init__(self, keep: Callable[[], None]) -> None:
        self._keep = keep

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Send it."""
        self._keep()


class ImagesPerSecond(Callback):
    """Counts the pictures of all epochs, and says after each epoch how it went."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._counting = progress, ExitStack()
        self._advance: Callable[[], None] | None = None
        self._images, self._begun_s, self._first = 0, 0.0, 0
        self._start_s = self._speed = 0.0
        self._accuracies = list[float]()

    def on_fit_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock of the whole training, of which some epochs may be done."""
        self._begun_s, self._first = time.perf_counter(), trainer.current_epoch

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Start the clock."""
        self._images, self._start_s, self._speed = 0, time.perf_counter(), 0.0

    def on_train_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count the batch; all are of one size, so the first tells how many there will be."""
        images = len(batch[1])
        if self._advance is None:
            left = int(trainer.estimated_stepping_batches) - trainer.global_step + 1
            counting = self._progress.counting("training, all epochs", left * images)
            self._advance = self._counting.enter_context(counting)
        self._images += images
        for _ in range(images):
            self._advance()

    def on_validation_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Stop the clock: the speed is the training's."""
        self._speed = self._images_per_second()

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Say how the epoch went."""
        if not trainer.is_global_zero:
            return
        self._speed = self._speed or self._images_per_second()
        told = _told(trainer.callback_metrics)
        self._progress.say(
            f"epoch {trainer.current_epoch + 1}/{trainer.max_epochs}: {told},"
            f" {self._speed:.0f} images/s{self._left(trainer)}{self._curve(trainer)}"
        )

    def _left(self, trainer: L.Trainer) -> str:
        """About how long the rest takes, in words; "" after the last epoch."""
        done = trainer.current_epoch + 1
        left_s = (time.perf_counter() - self._begun_s) / (done - self._first)
        left_s *= (trainer.max_epochs or done) - done
        if left_s <= 0:
            return ""
        return f", {left_s:.0f} s left" if left_s < 100 else f", {left_s / 60:.0f} min left"

    def _curve(self, trainer: L.Trainer) -> str:
        """The accuracies of the last epochs, drawn in one line."""
        accuracy = trainer.callback_metrics.get("val_top1_accuracy")
        if accuracy is not None:
            self._accuracies.append(float(accuracy))
        return f"  {sparkline(self._accuracies[-CURVE:])}" if len(self._accuracies) > 1 else ""

    def teardown(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        """Take the bar away, also after an interrupt."""
        self._counting.close()

    def _images_per_second(self) -> float:
        return self._images / max(1e-9, time.perf_counter() - self._start_s)


def sparkline(values: Sequence[float]) -> str:
    """A letter a value: the lowest of them lies at the bottom, the highest at the top."""
    low, high = min(values), max(values)
    steps = (round((len(_BLOCKS) - 1) * (each - low) / (high - low or 1)) for each in values)
    return "".join(_BLOCKS[step] for step in steps)


def _told(metrics: Mapping[str, Tensor]) -> str:
    """How an epoch went, in words."""
    if "val_log_loss" not in metrics:
        return f"training loss {float(metrics['train_loss']):.3f}"
    accuracy, loss = float(metrics["val_top1_accuracy"]), float(metrics["val_log_loss"])
    return f"validation accuracy {accuracy:.2%}, log loss {loss:.3f}"
