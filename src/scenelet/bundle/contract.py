"""The contract between training and serving: what a bundle folder holds, and how it is checked.

Torch-free.

BUNDLE/
├── bundle.json         this module's `Contract`
├── model.tflite        uint8 (1, height, width, 3) in, logits (1, classes) and features (1, f) out
├── model.onnx          the same network, any batch size
├── MODEL_CARD.md       for people
├── distance.tflite     features in, how far the picture is from the training images out
├── training-data.csv   which pictures (by pixel hash) it was trained and validated on
└── golden/             painted pictures whose probabilities are recorded
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from scenelet.errors import BundleFormatError, BundleTamperedError
from scenelet.images import PreprocessSpec

FORMAT_VERSION = 3
CONTRACT, LITERT, ONNX, CARD, DISTANCE, TRAINING_DATA, GOLDEN = (
    "bundle.json",
    "model.tflite",
    "model.onnx",
    "MODEL_CARD.md",
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
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Contract:
    """What `bundle.json` says.

    Attributes:
        name: Of the bundle.
        created: ISO date and time, UTC.
        scenelet_version: That wrote it.
        class_names: In the order of the logits.
        preprocess: From decoded image to model input.
        temperature: Logits are divided by this before softmax; fitted on validation.
        abstain_below: Answers of lower probability are better not given; over 1: all of them.
        prediction_set_thresholds: By class name: classes at least this probable belong to the
            prediction set.
        thresholds: What the two above promise, and what was measured on images they were not fitted
            on.
        stranger_score: "feature distance" or "energy": what tells pictures of none of the classes.
        stranger_above: Scores over this are called out of distribution.
        metrics: Measured on the LiteRT model from raw bytes, with intervals.
        training: Recipe, counts, fingerprint and profile of the training data.
        parity: Largest differences of probability between checkpoint, LiteRT and ONNX.
        quantisation: Mode, and what it cost and gained against the float model.
        licence: Of the weights.
        golden: Recorded answers.
        sha256: Of each other file, by path in the bundle.
        mirrored: Whether the graph averages the picture and its mirror image.
        format_version: Of this contract.
    """

    name: str
    created: str
    scenelet_version: str
    class_names: tuple[str, ...]
    preprocess: PreprocessSpec
    temperature: float
    abstain_below: float
    metrics: dict[str, Any]
    training: dict[str, Any]
    parity: dict[str, float]
    quantisation: dict[str, Any]
    licence: str
    golden: tuple[Golden, ...]
    sha256: dict[str, str]
    prediction_set_thresholds: dict[str, float] = field(default_factory=dict)
    thresholds: dict[str, Any] = field(default_factory=dict)
    stranger_score: str = "feature distance"
    stranger_above: float | None = None
    mirrored: bool = False
    format_version: int = field(default=FORMAT_VERSION)

    def as_dict(self) -> dict[str, Any]:
        """Plain values, `format_version` first."""
        values = asdict(self)
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
        return _check(origin, _parse(values))
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise BundleFormatError(
            f"{origin}: incomplete or malformed ({error}). Export the bundle again."
        ) from error


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


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def _parse(values: dict[str, Any]) -> Contract:
    known = {field.name for field in fields(Contract)}
    kept = {key: value for key, value in values.items() if key in known}
    return Contract(
        **{
            **kept,
            "class_names": tuple(kept["class_names"]),
            "preprocess": PreprocessSpec(**kept["preprocess"]),
            "golden": tuple(Golden(**golden) for golden in kept["golden"]),
        }
    )


def _check(path: str, contract: Contract) -> Contract:
    names = contract.class_names
    if (
        len(names) < 2
        or len(set(names)) != len(names)
        or not all(isinstance(name, str) and name for name in names)
    ):
        raise BundleFormatError(
            f"{path}: class_names found {list(names)}, expected at least 2 different names."
        )
    if not contract.temperature > 0:
        raise BundleFormatError(
            f"{path}: temperature found {contract.temperature}, expected a number above 0."
        )
    for golden in contract.golden:
        if set(golden.probabilities) != set(names):
            raise BundleFormatError(
                f"{path}: {golden.file}: its classes do not fit class_names. Export the bundle"
                " again."
            )
    return contract
