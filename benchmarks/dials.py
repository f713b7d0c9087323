"""What the dials that a frozen backbone can judge are worth on a folder, by linear heads out of fold.

    python benchmarks/dials.py ../shared/other-folders/clothing --dial backbone fit balance
    python benchmarks/dials.py ../shared/other-folders/omniglot --group-by '_(\\d+)\\.png' --dial view

`taps` and `spread` are no dials, but how every head is fitted: on which features, and how little a
feature may vary.

Every other dial stands where `scenelet train FOLDER` has it by default, so a row differs from the
default in one dial. Features are computed once and kept. Prints accuracy, its mean over the
classes, log loss in nats, and which part of the answers that are right with the first value is
lost with this one: what `flip` and `turn` are chosen by.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.groups import grouped
from scenelet.dataset.split import assign_folds
from scenelet.learn.backbones import BACKBONES
from scenelet.learn.efficientnet import FEATURES
from scenelet.learn.features import VIEWS, Lens, features_of
from scenelet.learn.linear import BALANCES, LEAST_SPREAD, fit_head, log_loss
from scenelet.learn.plan import SIZES, STRENGTH, plan
from scenelet.learn.pretrained import open_pretrained
from scenelet.progress import SILENT, ConsoleProgress
from scenelet.runs.recipe import TrainConfig

FOLDS = 5
TRIED = {
    "backbone": tuple(BACKBONES),
    "size": SIZES,
    "fit": ("squash", "pad", "crop"),
    "balance": tuple(BALANCES),
    "view": tuple(VIEWS),
    "taps": ("with taps", "last layer alone"),
    "spread": (LEAST_SPREAD, 0.3, 2.0),
}


@dataclass(frozen=True)
class Setting:
    """A value that is tried.

    Attributes:
        value: As it is printed.
        config: The recipe with it.
        view: How the pictures to answer are seen.
        features: How many of each picture's are used.
        least_spread: As `fit_head` takes it.
    """

    value: str
    config: TrainConfig
    view: str = "as it is"
    features: int | None = None
    least_spread: float = LEAST_SPREAD


def settings(dial: str, config: TrainConfig) -> Iterator[Setting]:
    """Each value of a dial."""
    for value in TRIED[dial]:
        default = Setting(str(value), config)
        yield {
            "backbone": replace(default, config=replace(config, init=str(value))),
            "size": replace(default, config=replace(config, input_size=value)),
            "fit": replace(default, config=replace(config, fit=str(value))),
            "balance": replace(default, config=replace(config, balance=str(value))),
            "view": replace(default, view=str(value)),
            "taps": replace(default, features=FEATURES if value == "last layer alone" else None),
            "spread": replace(default, least_spread=value),
        }[dial]


def answers(
    pictures: Dataset, setting: Setting, folds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(n, classes) probabilities by heads that never saw the picture, and (n,) class indices."""
    labels, count = pictures.label_indices(pictures.class_names), len(pictures.class_names)
    config, used = setting.config, slice(setting.features)
    start = open_pretrained(config.start, "--init")
    lens = Lens.features(start, config.preprocess, "fp32")
    seen = features_of(pictures, lens, ConsoleProgress())[:, used]
    shown = features_of(pictures, replace(lens, view=setting.view), ConsoleProgress())[:, used]
    found = np.zeros((len(labels), count), np.float32)
    for fold in np.unique(folds):
        out = folds == fold
        head = fit_head(
            seen[~out], labels[~out], count, STRENGTH, config.balance, setting.least_spread
        )
        found[out] = head.probabilities(shown[out])
    return found, labels


def main() -> None:
    """Measure and print, a row a value."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dial", nargs="+", choices=TRIED, default=tuple(TRIED))
    parser.add_argument("--group-by", help="as `scenelet train` takes it")
    arguments = parser.parse_args()
    found = Dataset.open(arguments.folder).examined(ConsoleProgress()).used
    if arguments.group_by:
        found = grouped(found, arguments.group_by)
    everything = found.of(replace(row, split="train") for row in found.rows)
    config = plan(everything, {}, "fp32", SILENT)
    folds = np.array(assign_folds(everything.rows, FOLDS, 0))
    for dial in arguments.dial:
        first = None
        for setting in settings(dial, config):
            probabilities, labels = answers(everything, setting, folds)
            right = probabilities.argmax(1) == labels
            first = right if first is None else first
            balanced = np.mean([right[labels == label].mean() for label in np.unique(labels)])
            print(
                f"{dial:9} {setting.value:16} {right.mean():6.2%}, of the classes {balanced:6.2%},"
                f" log loss {log_loss(probabilities, labels):.3f},"
                f" lost {1 - right[first].mean():.0%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
