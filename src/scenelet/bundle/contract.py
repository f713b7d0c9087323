"""The contract between training and serving: what a bundle folder holds, and how it is checked.

Torch-free.

BUNDLE/
├── bundle.json         this module's `Contract`
├── model.tflite        uint8 (1, height, width, 3) in, logits (1, classes) and features (1, f) out
├── model.onnx          the same network, any batch size
├── MODEL_CARD.md       for people
├── trust.svg           its picture: of 100, how many are answered, how many of these rightly
├── distance.tflite     features in, how far the picture is from the training images out
├── training-data.csv   which pictures (by pixel hash) it was trained and validated on
└── golden/             painted pictures whose probabilities are recorded
"""

import hashlib
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

from scenelet.bundle.figures import (
    Figures,
    Measure,
    Parity,
    PredictionSets,
    Promise,
    Quantisation,
    Scale,
    Seen,
    Share,
    StrangerFigures,
)
from scenelet.bundle.logline import MEASURES
from scenelet.bundle.origin import SPLITS, Training
from scenelet.bundle.plain import PlainError, Range, as_plain, from_plain
from scenelet.bundle.scores import BOTH, ENERGY, STRANGER_SCORES
from scenelet.bundle.scores import DISTANCE as DISTANCE_SCORE
from scenelet.bundle.task import TASKS, Rules
from scenelet.errors import BundleFormatError, BundleTamperedError
from scenelet.images import PreprocessSpec

if TYPE_CHECKING:
    from dataclasses import dataclass
else:  # the same, made quickly
    from scenelet.records import dataclass

FORMAT_VERSION = 4
CONTRACT, LITERT, ONNX, CARD, TRUST, DISTANCE, TRAINING_DATA, GOLDEN = (
    "bundle.json",
    "model.tflite",
    "model.onnx",
    "MODEL_CARD.md",
    "trust.svg",
    "distance.tflite",
    "training-data.csv",
    "golden",
)


@dataclass(frozen=True)
class Golden:
    """A picture whose answer is recorded.

    Attributes:
        file: Path in the bundle.
        probabilities: By class name.
    """

    file: str
    probabilities: dict[str, Share]


@dataclass(frozen=True)
class Contract:
    """What `bundle.json` says.

    Attributes:
        name: Of the bundle.
        created: ISO date and time, UTC.
        scenelet_version: That wrote it.
        licence: Of the weights.
        task: What the network was trained for, one of `task.TASKS`.
        class_names: In the order of the logits.
        preprocess: From decoded image to model input.
        mirrored: Whether the graph averages the picture and its mirror image.
        temperature: Logits are divided by this before softmax; fitted on validation.
        abstain_below: Answers of lower probability are better not given; over 1: all of them.
        prediction_sets: Which classes are still possible.
        figures: Measured on the LiteRT model from raw bytes, with intervals.
        promises: What the thresholds keep on images that they were not fitted on.
        strangers: Of each score that was tried, the chosen one first.
        stranger_scales: Of distance and energy on pictures of the classes.
        seen: Beyond what is there nothing to see in a picture.
        training: From which data, how, and where.
        parity: Between checkpoint, LiteRT and ONNX.
        quantisation: Mode, and what it cost and gained against the float model.
        golden: Recorded answers.
        sha256: Of each other file, by path in the bundle.
        format_version: Of this contract.
    """

    name: str
    created: str
    scenelet_version: str
    licence: str
    task: str
    class_names: tuple[str, ...]
    preprocess: PreprocessSpec
    mirrored: bool
    temperature: Annotated[float, Range(above=0)]
    abstain_below: Measure
    prediction_sets: PredictionSets
    figures: Figures
    promises: Promise
    strangers: tuple[StrangerFigures, ...]
    stranger_scales: dict[str, Scale]
    seen: Seen
    training: Training
    parity: Parity
    quantisation: Quantisation
    golden: tuple[Golden, ...]
    sha256: dict[str, str]
    format_version: int = FORMAT_VERSION

    @cached_property
    def rules(self) -> Rules:
        """What turns probabilities into a decision."""
        return Rules(
            class_names=self.class_names,
            abstain_below=self.abstain_below,
            set_thresholds=self.prediction_sets.thresholds,
            stranger_above=self.stranger_above,
        )

    @property
    def stranger_score(self) -> str:
        """What tells pictures of none of the classes: one of `STRANGER_SCORES`."""
        return self.strangers[0].score

    @property
    def stranger_above(self) -> float:
        """Scores over this are out of distribution."""
        return self.strangers[0].threshold

    def as_dict(self) -> dict[str, Any]:
        """Plain values, `format_version` first."""
        values = as_plain(self)
        return {"format_version": values.pop("format_version"), **values}


def read_contract(folder: Path) -> Contract:
    """Read `bundle.json` and check that it fits together. Reads no other file.

    Raises:
        BundleFormatError: No bundle here, of another format version, or incomplete.
    """
    path = folder / CONTRACT
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BundleFormatError(
            f"{folder}: no bundle here ({CONTRACT} can't be read). Name a folder that `export`"
            " wrote."
        ) from error
    return parse_contract(content, str(path))


def parse_contract(content: bytes, origin: str) -> Contract:
    """Read the content of a `bundle.json`, and check that it fits together.

    Raises:
        BundleFormatError: Of another format version, or incomplete.
    """
    try:
        values = json.loads(content)
    except ValueError as error:
        raise BundleFormatError(
            f"{origin}: not valid JSON: {error}. Export the bundle again."
        ) from error
    version = values.get("format_version") if isinstance(values, dict) else None
    if version != FORMAT_VERSION:
        raise BundleFormatError(
            f"{origin}: found format version {version}, expected {FORMAT_VERSION}. "
            + (
                "Update scenelet."
                if isinstance(version, int) and version > FORMAT_VERSION
                else "Export the bundle again."
            )
        )
    try:
        contract = from_plain(Contract, values)
    except PlainError as error:
        raise BundleFormatError(f"{origin}: {error}. Export the bundle again.") from error
    for fault in _faults(contract):
        raise BundleFormatError(f"{origin}: {fault}. Export the bundle again.")
    return contract


def verify_files(
    folder: Path, contract: Contract, only: tuple[str, ...] | None = None
) -> dict[str, bytes]:
    """Compare the files' SHA-256 with the recorded ones.

    Args:
        folder: Of the bundle.
        contract: Of the bundle.
        only: Paths in the bundle to check; None for all.

    Returns:
        Their contents, as they were checked.

    Raises:
        BundleFormatError: A file is missing.
        BundleTamperedError: A file is not the one that was exported.
    """
    contents = {}
    for name in contract.sha256 if only is None else only:
        expected = contract.sha256.get(name)
        if expected is None:
            raise BundleFormatError(
                f"{folder / CONTRACT}: no checksum of {name}. Export the bundle again."
            )
        try:
            contents[name] = (folder / name).read_bytes()
        except OSError as error:
            raise BundleFormatError(
                f"{folder / name}: missing from the bundle ({error.strerror}). Export it again."
            ) from error
        found = sha256(contents[name])
        if found != expected:
            raise BundleTamperedError(
                f"{folder / name}: checksum differs (found {found[:12]}, expected {expected[:12]})."
                " The file is not the one that was exported; export or download the bundle again."
            )
    return contents


def fingerprint(folder: Path) -> str:
    """What tells a bundle from all others: the beginning of its contract's SHA-256.

    The contract holds the checksums of all other files.
    """
    return f"sha256 {sha256((folder / CONTRACT).read_bytes())[:12]}"


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def _faults(contract: Contract) -> Iterator[str]:
    """What does not fit together, though each value by itself may be right."""
    if contract.task not in TASKS:
        yield f"task: found {contract.task!r}, expected {', '.join(TASKS)}"
    yield from _class_name_faults(contract.class_names)
    yield from _training_faults(contract.training)
    yield from _class_faults(contract)
    if not contract.strangers or contract.stranger_score not in STRANGER_SCORES:
        yield f"strangers: expected figures of {' or '.join(STRANGER_SCORES)}"
    if contract.stranger_scales.keys() not in (set(), {DISTANCE_SCORE, ENERGY}):
        yield f"stranger_scales: expected {DISTANCE_SCORE} and {ENERGY}"
    if contract.stranger_score == BOTH and not contract.stranger_scales:
        yield f"stranger_scales: {BOTH} needs them"
    if not all(each.auroc and each.auroc.keys() == each.told.keys() for each in contract.strangers):
        yield "strangers: expected the same kinds of strangers in auroc and told, at least one"
    if not contract.parity.differences:
        yield "parity.differences: expected at least one pair"
    yield from _path_faults(contract)


def _class_name_faults(names: tuple[str, ...]) -> Iterator[str]:
    if len(names) < 2 or len(set(names)) != len(names) or not all(names):
        yield f"class_names: found {list(names)}, expected at least 2 different names"


def _class_faults(contract: Contract) -> Iterator[str]:
    names = contract.class_names
    for where, found in _class_lists(contract):
        if set(found) != set(names):
            yield f"{where}: its classes do not fit class_names"
    if contract.figures.class_names != names:
        yield "figures.per_class: its classes do not fit class_names"
    if sum(map(sum, contract.figures.confusion_matrix)) != contract.figures.images:
        yield "figures.confusion: does not add up to figures.images over class_names"
    trained_on = {name for split in SPLITS for name in contract.training.images[split]}
    if trained_on != set(names):
        yield "training.images: its classes do not fit class_names"


def _class_lists(contract: Contract) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each part that says something of every class, with its place."""
    if contract.prediction_sets.thresholds or not contract.prediction_sets.why_none:
        yield "prediction_sets.thresholds", contract.prediction_sets.thresholds
    for place, golden in enumerate(contract.golden):
        yield f"golden[{place}].probabilities", golden.probabilities


def _training_faults(training: Training) -> Iterator[str]:
    for split in SPLITS if training.folds == 1 else ("train",):
        if not training.count(split):
            yield f"training.images.{split}: expected at least one image"
    for name, found in (("network", training.network), ("recipe", training.recipe)):
        if not found:
            yield f"training.{name}: empty"
    if training.profile.measures.keys() != MEASURES.keys():
        yield f"training.profile.measures: expected {', '.join(MEASURES)}"
    for name, histogram in training.profile.measures.items():
        if len(histogram.shares) != len(histogram.edges) + 1:
            yield f"training.profile.measures.{name}: expected one share more than edges"


def _path_faults(contract: Contract) -> Iterator[str]:
    if not contract.golden:
        yield "golden: expected at least one picture"
    for name in contract.sha256:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name:
            yield f"sha256: found {name!r}, expected a path inside the bundle"
    for place, golden in enumerate(contract.golden):
        if golden.file not in contract.sha256:
            yield f"golden[{place}].file: no checksum of {golden.file}"
