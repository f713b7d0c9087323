"""Evaluate a bundle on labelled images: from raw bytes, through the bundle's LiteRT model, on all cores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from scenelet.assess.ledger import entry, record
from scenelet.assess.metrics import evaluate
from scenelet.bundle.contract import LITERT, TRAINING_DATA
from scenelet.bundle.figures import Figures
from scenelet.bundle.numeric import softmax
from scenelet.bundle.runtime import BundleModel
from scenelet.bundle.training_data import read_training_data
from scenelet.dataset.load import examine
from scenelet.dataset.manifest import rows_of
from scenelet.dataset.row import Row
from scenelet.dataset.scan import Found, scan
from scenelet.errors import BundleFormatError, ConfigError, DataError
from scenelet.images import read, to_pixels
from scenelet.parallel import Advance, cores, in_parallel, silent
from scenelet.progress import SILENT, Progress
from scenelet.quiet import quiet

PARTS = ("auto", "all", "train", "val", "test")
PART_NAMES = {
    "val": "the held-out validation part of the training data",
    "test": "the test part",
    "train": "images that were TRAINED ON: no measure of quality",
    "other": "images the bundle has not seen",
}


@dataclass(frozen=True)
class Chosen:
    """Images to evaluate on.

    Attributes:
        root: The rows' paths are relative to this.
        rows: In use.
        excluded: Left out, with the reason in each.
        part: What they are to the bundle: "val", "train", "test" or "other".
        seen_in_training: How many of `rows` were trained on, by their pixels.
    """

    root: Path
    rows: list[Row]
    excluded: list[Row]
    part: str
    seen_in_training: int


def choose(bundle: BundleModel, source: Path, rows: Sequence[Row], part: str) -> Chosen:
    """Decide which images of a folder to evaluate on, and refuse to flatter.

    The bundle knows by pixel hash what it was trained on. "auto" takes the test part where the
    layout has one (as it is published, with the number of its pictures that were trained on); the
    held-out validation part of the data the bundle was made from; and of anything else what was not
    trained on, the rest being left out by name.

    Args:
        bundle: To be evaluated.
        source: The folder.
        rows: Of `examine_source`.
        part: One of `PARTS`.

    Raises:
        DataError: Nothing to evaluate on, classes that the bundle does not know, or "all" would
            include training images.
    """
    _check_classes(bundle, source, rows)
    excluded = [row for row in rows if row.excluded]
    usable = [row for row in rows if not row.excluded]
    known = read_training_data(bundle.folder / TRAINING_DATA)
    place, chosen, unfit = _choose_part(usable, known, part, source)
    excluded += [
        replace(row, excluded="was trained on: the same pixels are in the training data")
        for row in unfit
    ]
    if not chosen:
        raise DataError(
            f"{source}: no usable image in part {part!r}; {len(excluded)} could not be used. Give"
            " another --part."
        )
    return Chosen(
        source,
        chosen,
        excluded,
        place,
        sum(1 for row in chosen if known.get(row.pixel_hash) == "train"),
    )


def examine_source(
    source: Path, part: str, advance: Advance = silent, manifest: Path | None = None
) -> list[Row]:
    """Rows of the manifest or of the folder.

    Where there is a test part and it may be meant, of that alone.

    Args:
        source: Folder of class folders.
        part: One of `PARTS`.
        advance: Called after each image.
        manifest: Of the folder, whose labels and exclusions are then taken.

    Raises:
        ConfigError: No such part.
        DataError: No test part there, though one was asked for.
    """
    if part not in PARTS:
        raise ConfigError(f"--part: found {part!r}, expected {', '.join(PARTS)}")
    candidates: Sequence[Row | Found] = (
        rows_of(manifest, source) if manifest else scan(source).images
    )
    if part in ("auto", "test") and any(candidate.split == "test" for candidate in candidates):
        candidates = [candidate for candidate in candidates if candidate.split == "test"]
    elif part == "test":
        raise DataError(f"{source}: no test part found (seg_test/ or test/). Give another --part.")
    listed = [candidate for candidate in candidates if isinstance(candidate, Row)]
    return listed or examine(
        source, [candidate for candidate in candidates if isinstance(candidate, Found)], advance
    )


def _choose_part(
    usable: list[Row], known: Mapping[str, str], part: str, source: Path
) -> tuple[str, list[Row], list[Row]]:
    """What the images are to the bundle, those to evaluate on, and those to leave out because they were trained on."""
    trained = [row for row in usable if known.get(row.pixel_hash) == "train"]
    held_out = [row for row in usable if known.get(row.pixel_hash) == "val"]
    if part in ("train", "val"):
        return part, trained if part == "train" else held_out, []
    if part in ("auto", "test") and {row.split for row in usable} == {"test"}:
        return "test", usable, []
    is_its_own_data = 2 * (len(trained) + len(held_out)) > len(usable)
    if part == "auto" and is_its_own_data and held_out:
        return "val", held_out, []
    if trained and (part != "auto" or is_its_own_data):
        raise DataError(
            f"{source}: {len(trained):,} of {len(usable):,} images were trained on, so a figure on"
            " all would flatter. Give --part val for the held-out ones (or --part train, knowing"
            " what it is)."
        )
    return "other", [row for row in usable if known.get(row.pixel_hash) != "train"], trained


def _check_classes(bundle: BundleModel, source: Path, rows: Sequence[Row]) -> None:
    names = bundle.contract.class_names
    unknown = sorted({row.label for row in rows} - set(names))
    if unknown:
        raise DataError(
            f"{source}: class {', '.join(unknown)} is not among the bundle's ({', '.join(names)}). "
            "Rename the folder, or evaluate another bundle."
        )


@dataclass(frozen=True)
class Answers:
    """What a bundle said.

    Attributes:
        labels: (n,) true class indices.
        logits: (n, classes).
        features: (n, features).
    """

    labels: np.ndarray
    logits: np.ndarray
    features: np.ndarray


def answer(
    bundle: BundleModel, root: Path, rows: Sequence[Row], advance: Advance = silent
) -> Answers:
    """Logits and features of each row's image, from its bytes.

    Raises:
        UnreadableImageError: A file changed since it was examined.
        BundleFormatError: The model answers with something that is not a number.
    """
    names, spec = bundle.contract.class_names, bundle.contract.preprocess
    answers = in_parallel(
        lambda row: bundle.answer(to_pixels(read(root / row.path), spec)), rows, advance
    )
    logits, features = (np.array(column, np.float32) for column in zip(*answers, strict=True))
    broken = np.flatnonzero(~np.isfinite(logits).all(1))
    if len(broken):
        raise BundleFormatError(
            f"{bundle.folder}: the model answers {len(broken):,} of {len(rows):,} images with"
            f" something that is not a number, first {rows[broken[0]].path}. No figure can be"
            " trusted; export the bundle again."
        )
    return Answers(np.array([names.index(row.label) for row in rows]), logits, features)


def open_bundle(folder: Path, copies: int = 0) -> BundleModel:
    """A bundle's model, with a copy a core unless told otherwise.

    Raises:
        BundleError: It can't be trusted or read.
    """
    with quiet():
        return BundleModel(folder, copies=copies or cores())


@dataclass(frozen=True)
class Evaluated:
    """A bundle, the images it was asked about, what it said, and the figures.

    Attributes:
        bundle: That was asked.
        chosen: Images, and what they are to it.
        answers: In the order of `chosen.rows`.
        probabilities: (n, classes), calibrated.
        figures: Of these.
        looks: At this test split so far, this one included; 0 if it is no test split.
    """

    bundle: BundleModel
    chosen: Chosen
    answers: Answers
    probabilities: np.ndarray
    figures: Figures
    looks: int


def evaluate_bundle(
    folder: Path,
    source: Path,
    part: str,
    ledger: Path,
    progress: Progress = SILENT,
    manifest: Path | None = None,
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

    Raises:
        BundleError: The bundle can't be trusted or read.
        DataError: See `choose`.
        ArtefactError: The ledger can't be written.
    """
    bundle = open_bundle(folder)
    with progress.counting("examining") as advance:
        candidates = examine_source(source, part, advance, manifest)
    chosen = choose(bundle, source, candidates, part)
    with progress.counting("evaluating", len(chosen.rows)) as advance:
        answers = answer(bundle, chosen.root, chosen.rows, advance)
    probabilities = softmax(answers.logits, bundle.contract.temperature)
    figures = evaluate(answers.labels, probabilities, bundle.contract.class_names)
    looks = 0
    if chosen.part == "test":
        accuracy = figures.top1_accuracy.value or 0.0
        looks = record(
            ledger,
            entry(bundle.contract.name, bundle.contract.sha256[LITERT], chosen.rows, accuracy),
        )
    return Evaluated(bundle, chosen, answers, probabilities, figures, looks)
