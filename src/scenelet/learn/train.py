"""Train: from a folder of class folders (or a run cut short) to a complete run folder."""

from pathlib import Path

from scenelet.learn.callbacks import Watch
from scenelet.learn.fit import fit
from scenelet.learn.job import prepare, split_dataset
from scenelet.learn.place import here
from scenelet.progress import SILENT, Progress
from scenelet.runs.recipe import TrainConfig
from scenelet.runs.run import Result, Run


def train(
    folder: Path,
    config: TrainConfig,
    run: Run,
    progress: Progress = SILENT,
    manifest: Path | None = None,
    watch: Watch | None = None,
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

    Raises:
        DataError: The folder can't be trained on.
        ConfigError: The run folder holds another training, or the device is not here.
        ArtefactError: The run folder can't be written.
    """
    place = here(config)
    told = progress if place.writes else SILENT
    job = prepare(config, run, split_dataset(folder, manifest, config, told))
    return fit(job, place, told, watch)
