"""Where a training runs: devices, how they share a batch, which process this is, what it holds.

Handed in to `fit`, so that another kind of place (a cluster) is another `Place`. Knows nothing of
data or networks.
"""

import math
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scenelet.artefacts import explained
from scenelet.dataset.row import SPLITS
from scenelet.learn.devices import describe_environment, pick_device, pick_precision
from scenelet.learn.tracking import chosen_tracker
from scenelet.runs.recipe import TrainConfig
from scenelet.runs.run import Run

GIB = 2**30
_ACCELERATORS = {"cuda": "gpu"}  # Lightning's names, where they differ from torch's


@dataclass(frozen=True)
class Place:
    """Where a training runs.

    Attributes:
        device: "cpu", "cuda" or "mps".
        precision: "fp32", "bf16" or "fp16".
        devices: How many share each batch; -1 for all.
        strategy: Lightning's, or its name: how they share it.
        plugins: Lightning's, of a cluster.
        rank: Of this process among those that train together; 0 writes the run folder.
        tracker: Who besides the run folder is told, one of `tracking.TRACKERS`; "" for nobody.
        keep: Called by that one after each epoch and at the end, when all is written: to send the
            run folder home, say.
    """

    device: str
    precision: str
    devices: int = 1
    strategy: Any = "auto"
    plugins: tuple[Any, ...] = ()
    rank: int = 0
    tracker: str = ""
    keep: Callable[[], None] | None = None

    @property
    def accelerator(self) -> str:
        """Lightning's name of the device."""
        return _ACCELERATORS.get(self.device, self.device)

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes the run folder and speaks."""
        return self.rank == 0

    def described(self) -> dict[str, Any]:
        """For the run's record: versions, machine, threads, command."""
        return describe_environment(self.device, self.precision)

    def alone(self, run: Run) -> AbstractContextManager[None]:
        """Keep trainings that do not belong together out of one run folder."""
        return run.locked() if self.writes else nullcontext()

    def rooms(
        self, run: Run, shapes: Mapping[str, tuple[int, ...]], memory_gib: float
    ) -> dict[str, np.ndarray]:
        """uint8 arrays, in memory or, beyond the budget of all, in files of the run folder.

        Args:
            run: Whose folder it is.
            shapes: Part -> shape, in the order in which they get memory.
            memory_gib: For all of them.

        Raises:
            ArtefactError: There is no space for a file.
        """
        left, found = memory_gib * GIB, {}
        for part, shape in shapes.items():
            size = math.prod(shape)
            if size <= left:
                found[part], left = np.empty(shape, np.uint8), left - size
            else:
                found[part] = mapped(run.images_file(part, self.rank), shape)
        return found

    def fill(
        self, run: Run, part: str, room: np.ndarray, decode: Callable[[np.ndarray], Any]
    ) -> np.ndarray:
        """The array with a part's decoded images.

        Args:
            run: That they are for.
            part: "train" or "val".
            room: Of `rooms`.
            decode: Fills an array.
        """
        del run, part
        decode(room)
        return room

    def vacate(self, run: Run) -> None:
        """Remove what `rooms` may have left in the run folder."""
        for part in SPLITS:
            run.images_file(part, self.rank).unlink(missing_ok=True)


def here(config: TrainConfig) -> Place:
    """The place of this process on this machine, with the devices that the recipe asks for.

    Raises:
        ConfigError: The device is not here.
    """
    device = pick_device(config.device)
    rank = int(os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or 0)
    precision = pick_precision(config.precision, device)
    devices, shared = config.devices or -1, strategy(config)
    return Place(device, precision, devices, shared, rank=rank, tracker=chosen_tracker())


def strategy(config: TrainConfig) -> str:
    """Lightning's name of how devices share a batch.

    What is held still is left without gradients.
    """
    if config.devices == 1:
        return "auto"
    return "ddp_find_unused_parameters_true" if config.head_epochs or config.held_part else "ddp"


def mapped(path: Path, shape: tuple[int, ...]) -> np.memmap:
    """A file as an array, its space on the disk taken before the first byte is written.

    A file with holes would kill the process (SIGBUS) when the disk is full.
    """
    with explained(path), open(path, "w+b") as file:
        size = math.prod(shape)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
        return np.memmap(file, np.uint8, "r+", shape=shape)
