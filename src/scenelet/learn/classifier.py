"""The Lightning module: loss, optimiser, validation. Knows nothing of folders or files."""

from collections.abc import Sequence
from typing import Any

import lightning as L
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.classification import MulticlassAccuracy

from scenelet.bundle.task import SINGLE_LABEL
from scenelet.learn.augment import augment
from scenelet.learn.datamodule import Batch
from scenelet.learn.distill import Teachers
from scenelet.learn.log_loss import CalibratedLogLoss
from scenelet.learn.networks import hold, normalise, parameter_groups
from scenelet.runs.recipe import TrainConfig


class Classifier(L.LightningModule):
    """Trains a network on uint8 batches.

    All randomness of a step is derived from the seed and the step's number: a resumed run repeats
    it bit for bit.
    """

    def __init__(
        self,
        network: nn.Module,
        config: TrainConfig,
        class_weights: Sequence[float],
        teachers: Teachers | None = None,
    ) -> None:
        """Args: what to train, how, the weight of each class's pictures, and who teaches."""
        super().__init__()
        self.network, self.config, self.teachers = network, config, teachers
        self.class_weights = nn.Buffer(torch.tensor(class_weights), persistent=False)
        self.loss = getattr(F, SINGLE_LABEL.loss)
        self.val_top1_accuracy = MulticlassAccuracy(len(class_weights), average="micro")
        self.val_log_loss = CalibratedLogLoss()

    def forward(self, pixels: Tensor) -> Tensor:
        """uint8 or float 0-255 (n, 3, height, width) to logits (n, classes)."""
        return self.network(normalise(pixels).contiguous(memory_format=torch.channels_last))

    def on_train_epoch_start(self) -> None:
        """Hold still what is not trained: a start's first layers, and at first all but the head."""
        config = self.config
        if config.start:
            only_head = self.current_epoch < config.head_epochs
            hold(self.network, 1.0 if only_head else config.held_part, config.batch_norm)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """One augmented batch; cross-entropy against its targets, perhaps mixed."""
        images, targets = batch
        own = 7_368_787 * self.global_rank  # processes that train together augment differently
        generator = torch.Generator().manual_seed(
            self.config.seed * 1_000_003 + self.global_step + own
        )
        size = self.config.train_size_at(self.current_epoch)
        images, targets = augment(images, targets, size, self.config, generator)
        if self.teachers:
            targets = torch.lerp(
                targets, self.teachers.probabilities(images), self.config.teacher_weight
            )
        loss = self.loss(self(images).float(), targets, self.class_weights)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(targets))
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Calibrated log loss, weighted as the classes are, and top-1 accuracy.

        Both of the averaged weights.

        Returns:
            (n, classes) logits, for whoever looks on.
        """
        images, labels = batch
        logits = self(images).float()
        self.val_top1_accuracy(logits, labels)
        self.val_log_loss(logits, labels, self.class_weights[labels])
        self.log("val_log_loss", self.val_log_loss, batch_size=len(labels))
        self.log("val_top1_accuracy", self.val_top1_accuracy, batch_size=len(labels))
        return logits

    def configure_optimizers(self) -> Any:
        """AdamW with a one-cycle schedule stepped every batch."""
        config = self.config
        early_rate = config.early_rate if config.start else 1.0
        groups = parameter_groups(
            self.network, config.learning_rate, config.weight_decay, early_rate
        )
        optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.99))
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            [group["lr"] for group in groups],
            total_steps=int(self.trainer.estimated_stepping_batches),
            pct_start=0.15,
            div_factor=10,
            final_div_factor=100,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
