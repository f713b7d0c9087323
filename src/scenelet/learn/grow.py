"""Writes down what each epoch answers to a few held-out pictures, for people to watch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import Callback
from torch import Tensor

from scenelet.dataset.row import Row
from scenelet.runs.growing import Answered, Growing, read_growing, some_of_each, write_growing


class Grow(Callback):
    """Looks on while the validation images are answered."""

    def __init__(self, path: Path, validation: Sequence[Row], class_names: Sequence[str]) -> None:
        """Args: file to write, the validation images in order, names in the order of the logits."""
        places = {name: place for place, name in enumerate(class_names)}
        self._path, self._names = path, class_names
        self._watched = some_of_each([places[row.label] for row in validation])
        rows = [validation[place] for place in self._watched]
        self._pictures = tuple((row.path, row.label) for row in rows)
        self._truth = [places[row.label] for row in rows]
        self._logits: list[Tensor] = []

    def on_validation_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Forget the last epoch's answers."""
        self._logits = []

    def on_validation_batch_end(
        self,
        trainer: L.Trainer,
        pl_module: L.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep a batch's logits."""
        self._logits.append(outputs.detach().float().cpu())

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        """Add the epoch to the file."""
        if not (self._watched and self._logits and trainer.is_global_zero):
            return
        probabilities = torch.cat(self._logits)[self._watched].softmax(1)
        told = tuple(map(self._answered, probabilities, self._truth))
        before, now = read_growing(self._path), trainer.current_epoch
        epochs = before.epochs if before else {}
        kept = {number: each for number, each in epochs.items() if number < now}
        write_growing(self._path, Growing(self._pictures, {**kept, now: told}))

    def _answered(self, shares: Tensor, truth: int) -> Answered:
        best = int(shares.argmax())
        return Answered(
            self._names[best], round(float(shares[best]), 4), round(float(shares[truth]), 4)
        )
