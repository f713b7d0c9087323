"""Training speed.

`scenelet train`'s loop beside a bare PyTorch loop of the same network, batches and augmentation, in
turn.

    python benchmarks/training.py [--steps 40] [--threads 2]

Prints medians of images/s and their ratio. Painted scenes; no disk, no checkpoints on either side.
"""

import argparse
import os
import statistics
import time
from typing import Any

import lightning as L
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback

from scenelet.dataset.load import Pixels
from scenelet.learn.callbacks import weight_averaging
from scenelet.learn.classifier import Classifier
from scenelet.learn.datamodule import Batches, ImagesInMemory, ShuffledBatches
from scenelet.learn.devices import lightning_precision, pick_precision
from scenelet.learn.fit import quiet_trainer
from scenelet.learn.networks import architecture_of, build_network
from scenelet.learn.targets import targets_of
from scenelet.runs.recipe import resolve


def clock(steps: int, batch_size: int, start_s: float) -> float:
    """Images/s since a moment."""
    return steps * batch_size / (time.perf_counter() - start_s)


class Stopwatch(Callback):
    """Times the steps after the third."""

    def __init__(self, steps: int, batch_size: int) -> None:
        self.steps, self.batch_size, self.images_per_s = steps, batch_size, 0.0

    def on_train_batch_end(self, trainer: L.Trainer, *_: Any) -> None:
        """Start after three steps, read at the end."""
        if trainer.global_step == 3:
            self.start_s = time.perf_counter()
        if trainer.global_step == self.steps + 3:
            self.images_per_s = clock(self.steps, self.batch_size, self.start_s)


def scenelet_loop(model: Classifier, pixels: Pixels, steps: int, precision: str) -> float:
    """Images/s of the loop that `scenelet train` runs."""
    watch = Stopwatch(steps, model.config.batch_size)
    trainer = quiet_trainer(
        max_steps=steps + 3, precision=lightning_precision(precision), accelerator="cpu", logger=False,
        enable_checkpointing=False, limit_val_batches=0, callbacks=[weight_averaging(0.998), watch],
    )  # fmt: skip
    targets = targets_of(pixels.labels, 6, model.config)
    trainer.fit(model, ImagesInMemory(pixels, targets, pixels, model.config.batch_size, 0))
    return watch.images_per_s


def bare_loop(model: Classifier, pixels: Pixels, steps: int, precision: str) -> float:
    """Images/s of the same without Lightning, metrics or averaging."""
    from torch.nn import functional

    from scenelet.learn.augment import augment
    from scenelet.learn.networks import normalise, parameter_groups

    config = model.config
    batches = Batches(pixels.images, targets_of(pixels.labels, 6, config))
    optimizer = torch.optim.AdamW(
        parameter_groups(model.network, config.learning_rate, config.weight_decay)
    )
    start_s = 0.0
    for step, indices in enumerate(ShuffledBatches(len(batches), config.batch_size, 0)):
        if step == 3:
            start_s = time.perf_counter()
        if step == steps + 3:
            break
        images, targets = batches[indices]
        images, targets = augment(images, targets, 96, config, torch.Generator().manual_seed(step))
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            logits = model.network(normalise(images).contiguous(memory_format=torch.channels_last))
        loss = functional.cross_entropy(logits.float(), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return clock(steps, config.batch_size, start_s)


def main() -> None:
    """Measure in turn and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    precision = pick_precision("auto", "cpu")
    config = resolve("small", {"epochs": 1, "train_sizes": "96"})
    count = (arguments.steps + 4) * config.batch_size
    pixels = Pixels(
        np.random.default_rng(0).integers(0, 256, (count, 150, 150, 3), np.uint8),
        np.arange(count) % 6,
    )
    speeds: dict[str, list[float]] = {"scenelet": [], "bare": []}
    for _ in range(arguments.rounds):
        for name, loop in (("scenelet", scenelet_loop), ("bare", bare_loop)):
            torch.manual_seed(0)
            model = Classifier(
                build_network(architecture_of(config), 6).to(memory_format=torch.channels_last),
                config,
                [1.0] * 6,
            )
            speeds[name].append(loop(model, pixels, arguments.steps, precision))
    ratios = [own / bare for own, bare in zip(speeds["scenelet"], speeds["bare"], strict=True)]
    print(
        f"small recipe at 96 px, batch {config.batch_size}, {precision}, {arguments.threads}"
        f" threads, {arguments.rounds} rounds"
    )
    for name, values in speeds.items():
        print(f"  {name:9} {statistics.median(values):6.0f} images/s")
    print(f"  ratio     {statistics.median(ratios):6.2f}")


if __name__ == "__main__":
    main()
