"""Jobs: one training in plain values, for any process; and how to make one of a folder.

Knows nothing of devices.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.groups import count_groups, grouped
from scenelet.dataset.manifest import read_manifest
from scenelet.dataset.source import Source
from scenelet.dataset.split import split_validation
from scenelet.engine import Engine
from scenelet.errors import ConfigError, DataError
from scenelet.learn.distill import require_classes
from scenelet.learn.networks import architecture_of, require_room
from scenelet.learn.pretrained import Pretrained, open_pretrained, refuse_leak, require_size
from scenelet.progress import SILENT, Progress
from scenelet.runs.recipe import TrainConfig
from scenelet.runs.run import Judged, Run, trained
from scenelet.text import listed


@dataclass(frozen=True)
class Job:
    """One training. Plain values all the way: it pickles, and any process may do it.

    Attributes:
        config: The resolved recipe.
        run: Folder to write; a run of the same recipe and data found there is continued.
        dataset: Images with their splits.
        network: `architecture`, of `init` and `teachers` the origin and a hash of the weights, and
            `inherited`: what they were trained on, pixel hash -> perceptual hash.
        judged: By the networks of several folds; then there is no validation part, and training
            ends after as many epochs as they took.
    """

    config: TrainConfig
    run: Run
    dataset: Dataset
    network: dict[str, Any]
    judged: Judged | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """In the order of the logits."""
        return trained(self.dataset).class_names


@dataclass(frozen=True)
class Sources:
    """Weights that a training starts from and learns from."""

    init: Pretrained | None
    teachers: list[Pretrained]

    @classmethod
    def open(cls, config: TrainConfig) -> "Sources":
        """Open what a recipe's `init` and `teacher` name.

        Raises:
            ConfigError: It is nothing that can be started from.
            BundleError: It is a bundle that can't be trusted or read.
        """
        teachers = [open_pretrained(origin, "--teacher") for origin in config.teachers]
        return cls(open_pretrained(config.start, "--init") if config.start else None, teachers)

    def described(self, config: TrainConfig) -> dict[str, Any]:
        """For the run's record."""
        return {
            "architecture": self.init.architecture if self.init else architecture_of(config),
            "init": self.init.described if self.init else None,
            "teachers": [teacher.described for teacher in self.teachers],
            "inherited": self.trained_on,
        }

    @property
    def trained_on(self) -> dict[str, str]:
        """What start and teachers, and those before them, learned: pixel -> perceptual hash."""
        known = [source.trained_on for source in (self.init, *self.teachers) if source]
        return dict(sorted(pair for each in known for pair in each.items()))


def prepare(config: TrainConfig, run: Run, dataset: Dataset) -> Job:
    """Make the job of training a recipe on a data set whose splits are decided.

    Raises:
        ConfigError: What is started or learned from does not fit, or knows the validation images.
        BundleError: It is a bundle that can't be trusted or read.
    """
    if not config.epochs and not (config.start and config.head == "linear"):
        raise ConfigError("--epochs 0: expected a linear head (--init lite0 --set head=linear).")
    sources = Sources.open(config)
    require_classes(sources.teachers, trained(dataset).class_names, config.asks_once)
    training, validation = dataset.part("train").rows, dataset.part("val").rows
    for teacher in sources.teachers:
        refuse_leak(teacher, training, validation, "--teacher")
    if sources.init:
        refuse_leak(sources.init, training, validation, "--init")
        require_size(sources.init, (*config.train_sizes, config.input_size))
    else:
        require_room(architecture_of(config), min((*config.train_sizes, config.input_size)))
    return Job(config, run, dataset, sources.described(config))


def split_dataset(
    folder: Path | Source,
    manifest: Path | None,
    config: TrainConfig,
    progress: Progress = SILENT,
    engine: Engine | None = None,
) -> Dataset:
    """Open, examine and split a folder.

    Images that can't be used are left out, with the reason.

    Args:
        folder: Data set: a folder, or another source.
        manifest: Of `data audit` or `data split`, whose labels, exclusions, groups and splits are
            then taken.
        config: Validation fraction and seed.
        progress: Is told how it goes on.
        engine: That decodes; None for this process.

    Raises:
        DataError: Too little in it to train on, or the manifest is of another folder.
    """
    found = Dataset.open(folder, manifest, progress)
    if manifest is not None:
        found = _split(found.completed(progress, engine), manifest, config, progress)
        return _without_doubtful(found, config.min_label_quality)
    if config.min_label_quality:
        raise ConfigError(
            "--set min_label_quality: needs an audit's view of the labels. Give its --manifest as"
            " well."
        )
    found = found.keeping(lambda row: row.split != "test", "of the test part")
    if not found.rows:
        raise DataError(
            f"{found.source.name}: only a test part found, which is never trained on. Give the"
            " training part."
        )
    return _split(found.examined(progress, engine), None, config, progress)


def _split(
    found: Dataset, manifest: Path | None, config: TrainConfig, progress: Progress
) -> Dataset:
    """Hold a validation part out, pictures that belong together on one side."""
    if config.group_by:
        found = grouped(found, config.group_by, manifest)
        progress.say(f"{count_groups(found.rows):,} groups by {config.group_by}")
    return found.of(split_validation(found.rows, config.val_fraction, config.seed))


def is_split_by_a_person(dataset: Dataset, manifest: Path | None, config: TrainConfig) -> bool:
    """Whether manifest or folder, and not `split_dataset`, decided which images validate."""
    if manifest is not None:
        return any(row.split == "val" for row in read_manifest(manifest))
    free = [row.with_split("train") if row.split == "val" else row for row in dataset.rows]
    ours = split_validation(free, config.val_fraction, config.seed)
    return [row.split for row in ours] != [row.split for row in dataset.rows]


def _without_doubtful(dataset: Dataset, min_quality: float) -> Dataset:
    """Training rows whose label an audit finds too unlikely are left out, with the reason."""
    doubted = [
        row
        for row in dataset.part("train").rows
        if row.label_quality is not None and row.label_quality < min_quality
    ]
    kept = dataset.without(doubted, f"label doubted by the audit: quality under {min_quality:g}")
    lost = sorted(set(dataset.part("train").class_names) - set(kept.part("train").class_names))
    if lost:
        raise DataError(
            f"--set min_label_quality={min_quality:g}: no training image of class"
            f" {listed(lost)} is left. Give a lower one."
        )
    return kept
