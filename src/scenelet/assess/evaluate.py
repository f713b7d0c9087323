"""Evaluate a bundle on labelled images.

From raw bytes, through the bundle's LiteRT model, on all cores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from scenelet.answers import Answers, ask, ask_by, open_bundle
from scenelet.assess.ledger import is_known, record
from scenelet.bundle.contract import LITERT, TRAINING_DATA
from scenelet.bundle.figures import Figures
from scenelet.bundle.runtime import BundleModel
from scenelet.bundle.training_data import LEARNED, read_shown, read_training_data
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.row import Row
from scenelet.dataset.source import Source
from scenelet.engine import Engine
from scenelet.errors import ConfigError, DataError, NothingHeldOutError
from scenelet.image_likeness import same_looking
from scenelet.progress import SILENT, Progress

PARTS = ("auto", "all", "train", "val", "test")
PART_NAMES = {
    "val": "the held-out validation part of the training data",
    "test": "the test part",
    "train": "images that were TRAINED ON: no measure of quality",
    "other": "images the bundle has not seen",
}


def choose(bundle: BundleModel, found: Dataset, part: str) -> tuple[Dataset, str]:
    """Decide which images of a data set to evaluate on, and refuse to flatter.

    The bundle knows by pixel hash what it was trained on. "auto" takes the test part where the
    layout has one (as it is published, with the number of its pictures that were trained on); the
    held-out validation part of the data the bundle was made from; and of anything else what was not
    trained on, the rest being left out by name.

    Args:
        bundle: To be evaluated.
        found: Of `open_part`.
        part: One of `PARTS`.

    Returns:
        The images chosen and those left out, and what they are to the bundle: "val", "train",
        "test" or "other".

    Raises:
        DataError: Nothing to evaluate on, classes that the bundle does not know, or "all" would
            include training images.
    """
    name = found.source.name
    _check_classes(bundle, name, found.rows)
    known = training_data(bundle, found.used.rows)
    place, chosen, unfit = _choose_part(found.used.rows, known, part, name)
    paths = {row.path for row in chosen}
    found = found.without(unfit, "was trained on: the same picture is in the training data")
    found = found.keeping(lambda row: bool(row.excluded) or row.path in paths, "of another part")
    if not chosen:
        raise _none_chosen(found, part, held_out="val" in known.values())
    return found, place


def _none_chosen(found: Dataset, part: str, held_out: bool) -> DataError:
    name = found.source.name
    if not held_out:
        return _judged_in_folds(name)
    return DataError(
        f"{name}: no usable image in part {part!r}; {len(found):,} could not be used. Give"
        " another --part."
    )


def _judged_in_folds(name: str) -> NothingHeldOutError:
    return NothingHeldOutError(
        f"{name}: the bundle learned from all of its pictures and was judged in folds; its card"
        " has these figures. Give pictures that it has not seen."
    )


def training_data(bundle: BundleModel, rows: Sequence[Row] = ()) -> Mapping[str, str]:
    """Pixel hash -> "train", "val" or "inherited" of the pictures that a bundle was made from.

    Args:
        bundle: That was made.
        rows: Pictures of which those that are copies, saved again, are to be there too.
    """
    path = bundle.folder / TRAINING_DATA
    parts, shown = read_training_data(path), read_shown(path)
    unknown = [row for row in rows if row.pixel_hash not in parts]
    places = same_looking([row.perceptual_hash for row in unknown], list(shown))
    known = list(shown.values())
    copies = {
        row.pixel_hash: known[place]
        for row, place in zip(unknown, places, strict=True)
        if place is not None
    }
    return parts | copies


def open_part(
    place: Path | Source,
    part: str,
    manifest: Path | None = None,
    progress: Progress = SILENT,
    engine: Engine | None = None,
) -> Dataset:
    """Open and examine a data set; where there is a test part and it may be meant, that alone.

    Args:
        place: Of the data set.
        part: One of `PARTS`.
        manifest: Of the place, whose labels and exclusions are then taken.
        progress: Is told how it goes on.
        engine: That decodes; None for this process.

    Raises:
        ConfigError: No such part.
        DataError: No test part there, though one was asked for.
    """
    if part not in PARTS:
        raise ConfigError(f"--part: found {part!r}, expected {', '.join(PARTS)}")
    found = Dataset.open(place, manifest, progress)
    if part in ("auto", "test") and any(row.split == "test" for row in found.rows):
        found = found.keeping(lambda row: row.split == "test", "of another part")
    elif part == "test":
        name = found.source.name
        raise DataError(f"{name}: no test part found (seg_test/ or test/). Give another --part.")
    return found.examined(progress, engine)


def _choose_part(
    usable: Sequence[Row], known: Mapping[str, str], part: str, source: str
) -> tuple[str, Sequence[Row], Sequence[Row]]:
    """What the images are to the bundle: to evaluate on, or left out as trained on."""
    trained = [row for row in usable if known.get(row.pixel_hash) in LEARNED]
    held_out = [row for row in usable if known.get(row.pixel_hash) == "val"]
    if part in ("train", "val"):
        return part, trained if part == "train" else held_out, []
    if part in ("auto", "all", "test") and {row.split for row in usable} == {"test"}:
        return "test", usable, []
    is_its_own_data = 2 * (len(trained) + len(held_out)) > len(usable)
    if part == "auto" and is_its_own_data and held_out:
        return "val", held_out, []
    if trained and (part != "auto" or is_its_own_data):
        if "val" not in known.values():
            raise _judged_in_folds(source)
        raise _flattering(source, len(trained), len(usable))
    return "other", [row for row in usable if known.get(row.pixel_hash) not in LEARNED], trained


def _flattering(source: str, trained: int, images: int) -> DataError:
    return DataError(
        f"{source}: {trained:,} of {images:,} images were trained on, so a figure on all would"
        " flatter. Give --part val for the held-out ones (or --part train, knowing what it is)."
    )


def _check_classes(bundle: BundleModel, source: str, rows: Sequence[Row]) -> None:
    names = bundle.contract.class_names
    unknown = sorted({row.label for row in rows} - set(names))
    if unknown:
        raise DataError(
            f"{source}: class {', '.join(unknown)} is not among the bundle's ({', '.join(names)}). "
            "Rename the folder, say by --label-level which of nested folders name the classes, or"
            " evaluate another bundle."
        )


@dataclass(frozen=True)
class Evaluated:
    """A bundle, the images it was asked about, what it said, and the figures.

    Attributes:
        bundle: That was asked.
        dataset: Images chosen and left out.
        part: What those chosen are to it: "val", "train", "test" or "other".
        answers: In the order of `chosen.rows`.
        labels: (n,) true class indices.
        probabilities: (n, classes), calibrated.
        figures: Of these.
        looks: At this test split so far, this one included; 0 if it is no test split.
    """

    bundle: BundleModel
    dataset: Dataset
    part: str
    answers: Answers
    labels: np.ndarray
    probabilities: np.ndarray
    figures: Figures
    looks: int

    @cached_property
    def chosen(self) -> Dataset:
        """The images that were asked about."""
        return self.dataset.used

    @property
    def seen_in_training(self) -> int:
        """How many of them were trained on, copies that were saved again included."""
        known = training_data(self.bundle, self.chosen.rows)
        return sum(1 for row in self.chosen.rows if known.get(row.pixel_hash) in LEARNED)


def in_short(figures: Figures) -> list[tuple[str, str]]:
    """Name and value of the figures that say most, each with its interval."""
    return [
        ("top-1 accuracy", figures.top1_accuracy.percent),
        ("balanced accuracy", figures.balanced_accuracy.percent),
        ("macro F1", figures.macro_f1.percent),
        ("log loss, nats", figures.log_loss.number),
    ]


def evaluate_bundle(
    folder: Path,
    source: Path | Source,
    part: str,
    ledger: Path,
    progress: Progress = SILENT,
    manifest: Path | None = None,
    engine: Engine | None = None,
) -> Evaluated:
    """Choose the images, ask the bundle, compute the figures.

    A look at a test split is recorded before anybody sees them.

    Args:
        folder: Of the bundle.
        source: Folder of class folders.
        part: One of `PARTS`.
        ledger: Where looks at a test split are recorded.
        progress: Is told how it goes on.
        manifest: Of the folder, whose labels and exclusions are then taken.
        engine: That decodes and asks; None for this process.

    Raises:
        BundleError: The bundle can't be trusted or read.
        DataError: See `choose`.
        ArtefactError: The ledger can't be written.
    """
    bundle = open_bundle(folder)
    found, place = choose(bundle, open_part(source, part, manifest, progress, engine), part)
    contract, chosen = bundle.contract, found.used
    answers = (
        ask(bundle, chosen, contract.preprocess, progress)
        if engine is None
        else ask_by(engine, folder, chosen, contract.preprocess, progress)
    )
    labels = bundle.task.targets(chosen, contract.class_names)
    probabilities = bundle.task.probabilities_of_many(answers.logits, contract.temperature)
    kin = [row.kin for row in chosen.rows]
    figures = bundle.task.figures(labels, probabilities, contract.class_names, kin)
    looks = 0
    if place == "test" or is_known(ledger, chosen.rows):
        accuracy = figures.top1_accuracy.value or 0.0
        looks = record(ledger, chosen.rows, contract.name, contract.sha256[LITERT], accuracy)
    return Evaluated(bundle, found, place, answers, labels, probabilities, figures, looks)
