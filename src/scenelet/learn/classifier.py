"""The Lightning module: loss, optimiser, validation. Knows nothing of folders or files."""

from typing import Any

import lightning as L
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics.classification import MulticlassAccuracy

from scenelet.learn.augment import AugmentSpec, augment
from scenelet.learn.config import TrainConfig
from scenelet.learn.datamodule import Batch
from scenelet.learn.networks import normalise, parameter_groups


class Classifier(L.LightningModule):
    """Trains a network on uint8 batches.

    All randomness of a step is derived from the seed and the step's number: a resumed run repeats it bit for bit.
    """

    def __init__(self, network: nn.Module, config: TrainConfig, class_count: int) -> None:
        super().__init__()
        self.network, self.config, self.class_count = network, config, class_count
        self.val_top1_accuracy = MulticlassAccuracy(class_count, average="micro")

    def forward(self, pixels: Tensor) -> Tensor:
        """uint8 or float 0-255 (n, 3, height, width) to logits (n, classes)."""
        return self.network(normalise(pixels).contiguous(memory_format=torch.channels_last))

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """One augmented batch; cross-entropy against smoothed, perhaps mixed targets."""
        images, labels = batch
        generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + self.global_step)
        smoothing = self.config.label_smoothing
        targets = F.one_hot(labels, self.class_count).float() * (1 - smoothing) + smoothing / self.class_count
        images, targets = augment(images, targets, self._augmentation(), generator)
        loss = F.cross_entropy(self(images).float(), targets)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(labels))
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log loss and top-1 accuracy of the averaged weights on plain validation images."""
        images, labels = batch
        logits = self(images).float()
        self.val_top1_accuracy(logits, labels)
        self.log("val_log_loss", F.cross_entropy(logits, labels), batch_size=len(labels))
        self.log("val_top1_accuracy", self.val_top1_accuracy, batch_size=len(labels))

    def configure_optimizers(self) -> Any:
        """AdamW with a one-cycle schedule stepped every batch."""
        config = self.config
        optimizer = torch.optim.AdamW(
            parameter_groups(self.network, config.weight_decay), lr=config.learning_rate, betas=(0.9, 0.99)
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer,
            config.learning_rate,
            total_steps=int(self.trainer.estimated_stepping_batches),
            pct_start=0.15,
            div_factor=10,
            final_div_factor=100,
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _augmentation(self) -> AugmentSpec:
        config = self.config
        size = config.train_size_at(self.current_epoch)
        return AugmentSpec(size, config.min_crop_area, config.colour_jitter, config.mix_probability)
