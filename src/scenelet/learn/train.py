"""Train: from a folder of class folders (or a run cut short) to a complete run folder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from scenelet.dataset.source import Source
from scenelet.engine import Engine
from scenelet.learn.callbacks import Watch
from scenelet.learn.fit import Fit, fit
from scenelet.learn.folds import fit_folds, folds_for
from scenelet.learn.job import Sources, is_split_by_a_person, prepare, split_dataset
from scenelet.learn.place import here
from scenelet.learn.plan import MOST_EPOCHS, SIZES, plan, say_how_long
from scenelet.learn.several import FitAll, one_by_one
from scenelet.progress import SILENT, Progress
from scenelet.runs.recipe import TrainConfig, from_values
from scenelet.runs.run import Result, Run

STEPS, LEAST_BATCH = 8, 4  # of an epoch, and pictures of one


def train(
    folder: Path | Source,
    config: TrainConfig,
    run: Run,
    progress: Progress = SILENT,
    manifest: Path | None = None,
    watch: Watch | None = None,
    given: Mapping[str, Any] | None = None,
    few_steps: bool = True,
    sizes: Sequence[int] = SIZES,
    keep: Callable[[], None] | None = None,
    do: Fit = fit,
    do_all: FitAll = one_by_one,
    engine: Engine | None = None,
) -> Result:
    """Train in this process, or go on where a killed training stopped.

    Args:
        folder: Data set.
        config: Resolved recipe.
        run: Where to write; a run of the same recipe and data found there is continued.
        progress: Is told how it goes on.
        manifest: Which images of the folder to take, and with which label and split; None takes
            all.
        watch: Called after each epoch with its index and metrics; training ends when it returns
            True.
        given: Dials that somebody set, where the others shall be chosen by what the pictures show;
            None trains `config` as it is.
        few_steps: Whether a batch may hold most of the pictures, so that an epoch is few steps.
        sizes: Of the input in pixels, to choose from where it shall be chosen.
        keep: As `Place` has it.
        do: That does the job; another one has it done elsewhere.
        do_all: That does those of folds, likewise.
        engine: That decodes the pictures to examine them; None for this process.

    Raises:
        DataError: The folder can't be trained on.
        ConfigError: The run folder holds another training, or the device is not here.
        ArtefactError: The run folder can't be written.
    """
    place = replace(here(config), keep=keep)
    Sources.open(config)  # what is not there is said before anything is computed
    told = progress if place.writes else SILENT
    dataset = split_dataset(folder, manifest, config, told, engine)
    if given is not None:
        config = plan(dataset, given, place.precision, told, sizes)
    elif not few_steps:
        config = in_steps(config, len(dataset.part("train")), told)
    is_decided = is_split_by_a_person(dataset, manifest, config)
    config = replace(config, folds=folds_for(config, dataset, is_decided, told))
    if given is not None and place.device == "cpu":
        say_how_long(dataset, config, place.precision, told)
    if config.folds > 1:
        return fit_folds(config, run, dataset, place, told, do, do_all)
    return do(prepare(config, run, dataset), place, told, watch)


def in_steps(config: TrainConfig, pictures: int, progress: Progress) -> TrainConfig:
    """A batch of an eighth of the pictures at most: a network learns by steps, not by epochs."""
    most = max(LEAST_BATCH, pictures // STEPS)
    if config.batch_size <= most:
        return config
    progress.say(
        f"batch size {most} instead of {config.batch_size}: of {pictures:,} training images, an"
        f" epoch would be too few steps ({max(1, pictures // config.batch_size)})"
    )
    return replace(config, batch_size=most)


def planned(
    folder: Path | Source,
    manifest: Path | None,
    given: Mapping[str, Any],
    progress: Progress = SILENT,
) -> TrainConfig:
    """The recipe that `train` would choose for a folder, for a search to change.

    It fine-tunes however few the pictures are: of a linear head alone, nothing can be searched.

    Raises:
        DataError: The folder can't be trained on.
        ConfigError: A given dial makes no sense.
    """
    config = from_values(given, "the command line")
    dataset = split_dataset(folder, manifest, config, progress)
    chosen = plan(dataset, given, here(config).precision, progress)
    return chosen if chosen.epochs else replace(chosen, epochs=MOST_EPOCHS)
