"""The run folder: what a training reads and writes, by name. Knows nothing of torch.

runs/NAME/
├── config.yaml        the resolved recipe
├── environment.json   versions, machine, command
├── data.json          class names, counts, fingerprint of the data
├── network.json       the layers, and the weights that were started from or learned from
├── manifest.csv       one row an image: label, split, pixel hash, or why it is left out
├── metrics.csv        one row an epoch
├── growing.json       what each epoch answered to twelve held-out pictures
├── tensorboard/       the same, to look at
├── checkpoints/       best.ckpt and last.ckpt
├── folds/1, 2, ...    with --folds: runs that judge the pictures in turn
└── result.json        written when the training is complete
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from scenelet.artefacts import make_folder, write_json, write_text
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.manifest import read_manifest, write_manifest
from scenelet.dataset.row import Row
from scenelet.errors import ConfigError, DataError
from scenelet.locks import held
from scenelet.runs.history import Epoch, read_history
from scenelet.runs.recipe import TrainConfig, from_values

_SPLITS = ("train", "val")
_FOLDS = "folds"  # the folder that holds the runs of folds


@dataclass(frozen=True)
class Judged:
    """What the networks of all folds answered to the pictures that each had not seen.

    Attributes:
        folds: How many.
        images: Judged, each once.
        top1_accuracy: Part answered rightly.
        log_loss: In nats.
        epochs: After which they were best, in the middle; as many as the final network gets.
        classes: Of each class, pictures answered rightly, and judged.
    """

    folds: int
    images: int
    top1_accuracy: float
    log_loss: float
    epochs: int
    classes: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """Figures of a complete training.

    Attributes:
        best_epoch: Whose weights were kept, from 1; that of lowest validation log loss. 0 of a
            linear head alone.
        epochs: That were trained; 0 of a linear head alone.
        val_top1_accuracy: Of the best epoch, on the validation images; with folds, out of fold.
        val_log_loss: Likewise, in nats.
        stopped_by: "patience", "watch" (somebody looking on), or "" at the planned end.
        peak_memory_mib: Of the last stretch's process; None where the system does not say.
        training_s: Seconds of all epochs.
        parameters: Number of trained values.
        validation_images: How many there were.
        last_stretch_s: Seconds since the last start.
        folds: Networks that judged all pictures in turn; 1: a validation part.
        classes: Of each class, validation images answered rightly, and how many there were.
    """

    best_epoch: int
    epochs: int
    val_top1_accuracy: float
    val_log_loss: float
    stopped_by: str
    peak_memory_mib: int | None
    training_s: float
    parameters: int
    validation_images: int
    last_stretch_s: float
    folds: int = 1
    classes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Run:
    """One run folder.

    Attributes:
        folder: `runs/NAME`.
    """

    folder: Path

    @property
    def name(self) -> str:
        """Of the run."""
        return self.folder.resolve().name

    @property
    def best_checkpoint(self) -> Path:
        """Weights of the epoch with the lowest validation log loss."""
        return self.folder / "checkpoints" / "best.ckpt"

    @property
    def last_checkpoint(self) -> Path:
        """State after the last complete epoch; training goes on from here."""
        return self.folder / "checkpoints" / "last.ckpt"

    def fold(self, number: int) -> "Run":
        """The run of one fold, counted from 1."""
        return Run(self.folder / _FOLDS / str(number))

    @property
    def is_fold(self) -> bool:
        """Whether it is the run of one fold of another run."""
        return self.folder.parent.name == _FOLDS and self.folder.name.isdecimal()

    @property
    def folds(self) -> list["Run"]:
        """Runs that judged the pictures of this one, each those that it had not seen."""
        count = self.config().folds
        return [self.fold(number) for number in range(1, count + 1)] if count > 1 else []

    @property
    def metrics_csv(self) -> Path:
        """One row an epoch."""
        return self.folder / "metrics.csv"

    @property
    def growing_json(self) -> Path:
        """What each epoch answered to a few held-out pictures."""
        return self.folder / "growing.json"

    def images_file(self, part: str, process: int) -> Path:
        """Decoded images of a split and of one process, where they are too many for memory."""
        return self.folder / f"images-{part}-{process}.uint8"

    @property
    def is_complete(self) -> bool:
        """Whether the training came to its end."""
        return (self.folder / "result.json").is_file()

    def result(self) -> Result:
        """Figures of the complete training.

        Raises:
            DataError: It is not complete, or was written by another version.
        """
        values = self._read_json("result.json")
        try:
            known = {each.name: values[each.name] for each in fields(Result) if each.name in values}
            counts = known.get("classes", {}).items()
            known["classes"] = {name: (int(right), int(images)) for name, (right, images) in counts}
            return Result(**known)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._damaged("result.json") from error

    def complete(self, result: Result) -> None:
        """Write the figures; from then on the run is complete.

        Raises:
            ArtefactError: They can't be written.
        """
        write_json(self.folder / "result.json", result.as_dict())

    def history(self) -> list[Epoch]:
        """What training has written, an epoch each, so far."""
        return read_history(self.metrics_csv)

    def data(self) -> dict[str, Any]:
        """Class names, counts and fingerprint; `source` is the data folder."""
        return dict(self._read_json("data.json"))

    def config(self) -> TrainConfig:
        """The resolved recipe."""
        import yaml

        path = self.folder / "config.yaml"
        try:
            return from_values(yaml.safe_load(path.read_text(encoding="utf-8")), origin=str(path))
        except OSError as error:
            found = f"{self.folder}: no run here (config.yaml missing)"
            raise DataError(f"{found}. Give the folder that `train` named.") from error
        except yaml.YAMLError as error:
            raise self._damaged("config.yaml") from error

    def architecture(self) -> dict[str, Any]:
        """The network's layers, for `build_network`."""
        return dict(self.network()["architecture"])

    def network(self) -> dict[str, Any]:
        """`architecture`, and of `init` and `teachers` the origin and a hash of the weights."""
        return dict(self._read_json("network.json"))

    def inherited(self) -> dict[str, str]:
        """Pixel hash -> perceptual hash of what `init` and `teachers` were trained on.

        Runs of earlier versions list the first alone; then the second is "".
        """
        known = self.network().get("inherited", {})
        return dict(known) if isinstance(known, dict) else dict.fromkeys(known, "")

    def rows(self) -> list[Row]:
        """The manifest."""
        return read_manifest(self.folder / "manifest.csv")

    def pictures(self) -> list[Row]:
        """Of the manifest, those that were trained on or held out to validate."""
        return [row for row in self.rows() if row.split in _SPLITS and not row.excluded]

    def open(
        self,
        config: TrainConfig,
        dataset: Dataset,
        network: dict[str, Any],
        environment: dict[str, Any],
    ) -> None:
        """Start the folder, or make sure that what stands there is the same training.

        Args:
            config: The resolved recipe.
            dataset: Images with their splits.
            network: `architecture`, and of `init` and `teachers` the origin and a hash of the
                weights.
            environment: What it is computed with.

        Raises:
            ConfigError: The folder holds a run with another recipe, other data, or other weights
                to start or learn from.
            ArtefactError: It can't be written.
        """
        import yaml

        data = describe_data(dataset)
        if (self.folder / "data.json").is_file():
            self._refuse_other(config, data, network)
            return
        make_folder(self.folder / "checkpoints")
        recipe = yaml.safe_dump(config.as_dict(), sort_keys=False, default_flow_style=None)
        write_text(self.folder / "config.yaml", recipe)
        write_json(self.folder / "environment.json", environment)
        write_json(self.folder / "network.json", network)
        write_manifest(self.folder / "manifest.csv", dataset.rows)
        write_json(self.folder / "data.json", data)  # last: then the folder is complete

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training here meanwhile, however this one ends.

        Raises:
            ConfigError: Another process is training here.
        """
        busy = (
            f"{self.folder}: another process is training here. Let it end, or give another --name."
        )
        with held(self.folder / ".lock", busy):
            yield

    def _refuse_other(
        self, config: TrainConfig, data: dict[str, Any], network: dict[str, Any]
    ) -> None:
        old, new = self.config().as_dict(), config.as_dict()
        differing = [key for key in old if old[key] != new[key] and key != "threads"]
        changes = [f"{key} {old[key]} v {new[key]}" for key in differing]
        if self.data()["fingerprint"] != data["fingerprint"]:
            changes.append("other images, labels or split")
        if not same_network(self.network(), network):
            changes.append("other layers, or other weights of --init or --teacher")
        if changes:
            raise ConfigError(
                f"{self.folder}: holds a run with other settings ({'; '.join(changes)})."
                " Give another --name, or remove the folder."
            )

    def _read_json(self, name: str) -> Any:
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise self._damaged(name) from error

    def _damaged(self, name: str) -> DataError:
        return DataError(
            f"{self.folder}: no complete run here ({name} missing or damaged). Run `train` first."
        )


def same_network(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether layers and weights are the same, whatever the folders are called they came from."""
    return bool(_essence(one) == _essence(other))


def _essence(network: dict[str, Any]) -> Any:
    weights = [source and source["weights"] for source in (network["init"], *network["teachers"])]
    return json.loads(json.dumps([network["architecture"], weights]))


def run_name(folder: Path, recipe: str | None) -> str:
    """Of a run or search that nobody named: its data and its recipe."""
    return f"{folder.resolve().name}-{Path(recipe).stem if recipe else 'default'}"


def trained(dataset: Dataset) -> Dataset:
    """What a training sees of a data set: never its test part."""
    return dataset.of(row for row in dataset.rows if row.split in _SPLITS)


def _by_class(dataset: Dataset) -> dict[str, int]:
    """How many images each class has, by name."""
    return dict(sorted(Counter(row.label for row in dataset.rows).items()))


def describe_data(dataset: Dataset) -> dict[str, Any]:
    """Class names, counts by split and class, and a fingerprint of pixels, labels and splits."""
    return {
        "source": dataset.source.name,
        "class_names": list(trained(dataset).class_names),
        "images": {split: _by_class(dataset.part(split)) for split in _SPLITS},
        "excluded": len(dataset.excluded),
        "fingerprint": dataset.fingerprint,
    }
