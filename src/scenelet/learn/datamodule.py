"""Batches from images that lie decoded in memory.

Order hangs on seed and epoch alone, so a resumed run repeats it.
"""

from collections.abc import Iterator

import lightning as L
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from scenelet.dataset.load import Pixels

Batch = tuple[Tensor, Tensor]


class Batches(Dataset[Batch]):
    """Item = whole batch by an index tensor: uint8 (n, 3, height, width), and what to answer.

    That is (n, classes) of `targets_of` in training, (n,) labels in validation.
    """

    def __init__(self, images: np.ndarray, answers: np.ndarray) -> None:
        self.images, self.answers = torch.from_numpy(images), torch.from_numpy(answers)

    def __getitem__(self, indices: Tensor) -> Batch:
        """Gather a batch; channels_last in memory, as decoded."""
        return self.images[indices].permute(0, 3, 1, 2), self.answers[indices]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.answers)


class ShuffledBatches(Sampler[Tensor]):
    """Index tensors of one epoch.

    A last batch smaller than the others is left for another epoch's order.

    Where several processes train together, each takes its share of every batch.
    """

    def __init__(
        self, count: int, batch_size: int, seed: int, process: int = 0, processes: int = 1
    ) -> None:
        self.count, self.batch_size, self.seed, self.epoch = count, min(batch_size, count), seed, 0
        self.process, self.processes = process, processes

    def set_epoch(self, epoch: int) -> None:
        """Called by Lightning before each epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[Tensor]:
        """Yield the epoch's batches."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
        order = torch.randperm(self.count, generator=generator)
        for batch in order[: len(self) * self.batch_size].split(self.batch_size):
            yield batch[self.process :: self.processes]

    def __len__(self) -> int:
        """Batches an epoch."""
        return self.count // self.batch_size


class ImagesInMemory(L.LightningDataModule):
    """Training batches shuffled, validation batches in order."""

    def __init__(
        self, train: Pixels, targets: np.ndarray, val: Pixels, batch_size: int, seed: int
    ) -> None:
        """Args: training images, (n, classes) what to answer, validation images, their order."""
        super().__init__()
        self.train, self.targets, self.val = train, targets, val
        self.batch_size, self.seed = batch_size, seed

    def train_dataloader(self) -> DataLoader[Batch]:
        """Whole batches; decoding is done, augmentation happens on the device."""
        place = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        sampler = ShuffledBatches(len(self.train.labels), self.batch_size, self.seed, *place)
        return DataLoader(
            Batches(self.train.images, self.targets), batch_size=None, sampler=sampler
        )

    def val_dataloader(self) -> DataLoader[Batch]:
        """All validation images, in order, in batches of 128."""
        parts = torch.from_numpy(np.arange(len(self.val.labels))).split(128)
        return DataLoader(
            Batches(self.val.images, self.val.labels), batch_size=None, sampler=list(parts)
        )
