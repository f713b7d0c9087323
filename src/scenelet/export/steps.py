"""Export, step by step, each from values to values.

Convert > shrink > ask > fit > prove > describe > write.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from scenelet.answers import Answers, ask
from scenelet.artefacts import make_folder, whole_folder, write_files, write_json
from scenelet.assess.strangers import Labelled
from scenelet.assess.trust import trust
from scenelet.bundle.contract import (
    CARD,
    CONTRACT,
    DISTANCE,
    GOLDEN,
    TRAINING_DATA,
    TRUST,
    Contract,
    Golden,
    sha256,
)
from scenelet.bundle.figures import Figures, Interval, Parity, Quantisation
from scenelet.bundle.latency import latencies_ms
from scenelet.bundle.metrics import paired_difference
from scenelet.bundle.numeric import FeatureSpace
from scenelet.bundle.runtime import LiteRTModel
from scenelet.bundle.task import SINGLE_LABEL
from scenelet.bundle.training_data import training_data_csv
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.sources import source_of
from scenelet.dataset.strangers import strangers
from scenelet.errors import ConfigError, DataError, QuantisationError
from scenelet.export.card import model_card
from scenelet.export.convert import ServingNetwork, distance_to_litert
from scenelet.export.describe import Material, Measured, describe
from scenelet.export.fit import HeldOut, Told, fit
from scenelet.export.formats import CALIBRATION_IMAGES, FORMATS, MODES, SERVED, Format
from scenelet.export.golden import golden_files, nasty_files
from scenelet.export.parity import Candidate, checkpoint_logits, measure_parity
from scenelet.images import PreprocessSpec, to_input
from scenelet.learn.pretrained import load_run_network
from scenelet.progress import SILENT, Progress
from scenelet.quiet import quiet
from scenelet.report.dots import dots_svg
from scenelet.runs.run import Run

PARITY_VALIDATION_IMAGES = 64
FEATURE_IMAGES = 3000
STRANGERS_PER_KIND = 40
Models = dict[str, bytes]  # name of a format -> content of its file


@dataclass(frozen=True)
class ExportOptions:
    """What to export, and how.

    Attributes:
        name: Of the bundle.
        licence: Of the weights, as the card says it.
        quantize: "none", "fp16" or "int8".
        max_drop: Most accuracy that quantising may cost, in percentage points.
        mirror: Whether the exported graph averages the picture and its mirror image: a little more
            accurate, twice as slow.
        wished_accuracy: Of the answers that the bundle does not abstain from; None: the most of 98,
            95, 90 and 80 % that the validation images can show.
        coverage: Part of the pictures whose prediction set is to hold the true class.
        data: The data folder, if it is no longer where `train` found it.
    """

    name: str
    licence: str = "not stated"
    quantize: str = "none"
    max_drop: float = 0.5
    mirror: bool = False
    wished_accuracy: float | None = None
    coverage: float = 0.95
    data: Path | None = None

    def check(self) -> None:
        """Refuse what can't be.

        Raises:
            ConfigError: No such quantisation, or no such share.
        """
        if self.quantize not in MODES:
            raise ConfigError(f"--quantize: found {self.quantize!r}, expected {', '.join(MODES)}")
        shares = {"--wished-accuracy": self.wished_accuracy, "--coverage": self.coverage}
        for flag, value in shares.items():
            if value is not None and not 0 < value < 1:
                raise ConfigError(f"{flag}: found {value:g}, expected more than 0 and less than 1")


@dataclass(frozen=True)
class Exported:
    """What `export_bundle` made."""

    folder: Path
    contract: Contract
    size_bytes: dict[str, int]

    @property
    def parity(self) -> Parity:
        """Of all files."""
        return self.contract.parity

    @property
    def quantisation(self) -> Quantisation:
        """Of the served model."""
        return self.contract.quantisation

    @property
    def figures(self) -> Figures:
        """Of the served model on the validation images."""
        return self.contract.figures


def export_bundle(
    run: Run, out: Path, options: ExportOptions, progress: Progress = SILENT
) -> Exported:
    """Export a complete run.

    Args:
        run: To export.
        out: Folder of the bundle; replaced as a whole if it is there.
        options: Name, licence, quantisation.
        progress: Is told how it goes on.

    Raises:
        ConfigError: No such quantisation.
        DataError: The run is not complete, or its images are gone.
        ParityError: Checkpoint and files disagree; nothing is written.
        QuantisationError: It costs more accuracy than allowed; nothing is written.
        ArtefactError: `out` can't be written.
    """
    options.check()
    make_folder(out.parent)  # what can't be written is said before the work, not after it
    material = open_material(run, options)
    network = load_network(run, options.mirror)
    progress.say(f"converting to {' and '.join(each.name for each in FORMATS)}")
    floats = convert(network, material.spec)
    shipped = shrink(floats, options.quantize, material)
    litert = _loaded(shipped)
    told = ask_all(litert, material, progress, options.mirror)
    quantisation = weigh(options, floats, shipped, told, material)
    progress.say("fitting temperature and thresholds")
    fitted = fit(told, options.wished_accuracy, options.coverage)
    parity = prove(network, floats, shipped, material, options.quantize, fitted.temperature)
    probabilities = SINGLE_LABEL.probabilities_of_many(told.logits, fitted.temperature)
    figures = SINGLE_LABEL.figures(told.labels, probabilities, material.class_names, told.kin)
    golden = record_golden(litert, material, fitted.temperature)
    measured = Measured(fitted, figures, parity, quantisation, golden)
    contract = describe(material, measured, options.name, options.licence, options.mirror)
    files = gather(contract, shipped, fitted.space.features, material)
    write(out, contract, files)
    return Exported(out, contract, {file: len(content) for file, content in files.items()})


def open_material(run: Run, options: ExportOptions) -> Material:
    """A run and the images that it was made from.

    Raises:
        DataError: The run is not complete, or its images are gone.
    """
    run.result()
    described, spec = run.data(), run.config().preprocess
    place = options.data or Path(described["source"])
    images = Dataset(source_of(place), tuple(run.pictures()))
    if not _are_there(images):
        raise DataError(
            f"{place}: the run's images are not there. Say where they are now with --data FOLDER."
        )
    return Material(run, images, tuple(described["class_names"]), spec)


def _are_there(images: Dataset) -> bool:
    try:
        there = {entry.path for entry in images.source.entries()}
    except DataError:
        return False
    return all(row.path in there for row in images.rows)


def load_network(run: Run, mirror: bool = False) -> ServingNetwork:
    """The run's best checkpoint (averaged weights), ready to export.

    Raises:
        DataError: The run has no checkpoint.
    """
    return ServingNetwork(load_run_network(run), mirror)


def convert(network: ServingNetwork, spec: PreprocessSpec) -> Models:
    """Every format's float file."""
    return {each.name: each.convert(network, spec.width) for each in FORMATS}


def shrink(floats: Models, mode: str, material: Material) -> Models:
    """Every format's file as it will stand in the bundle."""
    if mode == "none":
        return floats
    some = material.some_training_images(CALIBRATION_IMAGES)
    calibration = list(some.inputs(material.spec)) if mode == "int8" else []
    return {each.name: each.shrunk(floats[each.name], mode, calibration) for each in FORMATS}


def ask_all(
    model: LiteRTModel, material: Material, progress: Progress = SILENT, mirror: bool = False
) -> Told:
    """What the bundle's model says of validation and training images, and of strangers.

    With folds, their networks say what is said of all images, each of those it had not seen.
    """
    spec, folds = material.spec, material.folds
    painted = strangers(STRANGERS_PER_KIND)
    training = material.some_training_images(FEATURE_IMAGES)
    seen = ask(model, training, spec, progress, measured=True)
    if folds:
        held_out = [_by_fold(each, len(folds), mirror, progress) for each in folds]
    else:
        told = ask(model, material.judged, spec, progress, measured=True)
        held_out = [_held_out(material, told, training, seen)]
    return Told(
        class_names=material.class_names,
        kin=[row.kin for row in material.judged.rows],
        held_out=tuple(held_out),
        training=seen,
        strangers={kind: ask(model, pictures, spec) for kind, pictures in painted.items()},
    )


def _by_fold(fold: Material, folds: int, mirror: bool, progress: Progress) -> HeldOut:
    """What a fold's network says of the images that it had not seen, and of some that it had."""
    network = Checkpoint(load_network(fold.run, mirror))
    seen = fold.some_training_images(FEATURE_IMAGES // folds)
    judged = fold.images.part("val")
    told, learned = (
        ask(network, images, fold.spec, progress, measured=True) for images in (judged, seen)
    )
    return _held_out(fold, told, seen, learned)


def _held_out(material: Material, told: Answers, training: Dataset, learned: Answers) -> HeldOut:
    """With the labels of the images that a network judged, and of those that it learned."""
    return HeldOut(
        images=_labelled(material.images.part("val"), told, material.class_names),
        measures=told.measures,
        training=_labelled(training, learned, material.class_names),
    )


def _labelled(images: Dataset, answers: Answers, class_names: Sequence[str]) -> Labelled:
    targets = SINGLE_LABEL.targets(images, class_names)
    return Labelled(targets, answers.logits, answers.features)


class Checkpoint:
    """A network to be asked as a bundle's model is."""

    def __init__(self, network: ServingNetwork) -> None:
        self._network = network

    def answer(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(1, height, width, 3) uint8 to (classes,) logits and (features,)."""
        with torch.inference_mode():
            logits, features = self._network(torch.from_numpy(pixels.copy()))
        return logits[0].numpy(), features[0].numpy()


def weigh(
    options: ExportOptions, floats: Models, shipped: Models, told: Told, material: Material
) -> Quantisation:
    """The served model beside its float original, on the same validation images.

    Raises:
        QuantisationError: It costs more accuracy than allowed.
    """
    before, after = _loaded(floats), _loaded(shipped)
    judged, labels = material.judged, told.labels
    served = original = told.logits
    if floats is not shipped or material.folds:
        original = ask(before, judged, material.spec).logits
        served = ask(after, judged, material.spec).logits
    answers = [each.argmax(1) for each in (original, served)]
    lost = paired_difference(answers[1] == labels, answers[0] == labels)
    float_ms, ms = latencies_ms((before, after))
    weighed = Quantisation(
        mode=options.quantize,
        float_accuracy=float(np.mean(answers[0] == labels)),
        accuracy=float(np.mean(answers[1] == labels)),
        agreement=float(np.mean(answers[0] == answers[1])),
        size_ratio=round(len(shipped[SERVED.name]) / len(floats[SERVED.name]), 4),
        latency_ratio=round(ms / float_ms, 3),
        float_latency_ms=float_ms,
        latency_ms=ms,
    )
    _require_small_drop(options, lost)
    return weighed


def prove(
    network: ServingNetwork,
    floats: Models,
    shipped: Models,
    material: Material,
    mode: str,
    temperature: float,
) -> Parity:
    """That checkpoint, float files and the bundle's files agree, from raw bytes.

    Raises:
        ParityError: They don't.
    """
    checkpoint = Candidate("checkpoint", checkpoint_logits(network))
    groups = [[checkpoint, *(_candidate(each, shipped, mode) for each in FORMATS)]]
    if floats is not shipped:
        groups.append([checkpoint, *(_candidate(each, floats) for each in FORMATS)])
    images = material.judged
    some = images.rows[:: max(1, len(images) // PARITY_VALIDATION_IMAGES)]
    files = [*nasty_files().values(), *map(images.read, some)]
    return measure_parity(groups, files, material.spec, temperature)


def _candidate(one: Format, models: Models, mode: str = "") -> Candidate:
    """A file to compare; without a mode, the float one."""
    logits = one.logits(models[one.name])
    name = one.name if mode else f"float {one.name}"
    return Candidate(name, logits, one.tolerance(mode))


def record_golden(model: LiteRTModel, material: Material, temperature: float) -> tuple[Golden, ...]:
    """Painted pictures with the model's answers."""
    found = []
    for file, content in golden_files().items():
        logits = model.logits(to_input(content, material.spec))
        values = SINGLE_LABEL.probabilities_of_many(logits, temperature)
        found.append(Golden(f"{GOLDEN}/{file}", _recorded(material.class_names, values)))
    return tuple(found)


def _recorded(names: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return {name: round(float(value), 6) for name, value in zip(names, values, strict=True)}


def gather(
    contract: Contract, models: Models, space: FeatureSpace, material: Material
) -> dict[str, bytes]:
    """Every file of the bundle but the contract: path -> content."""
    inherited, rows = material.run.inherited(), material.images.rows
    parts = dict.fromkeys(inherited, "inherited") | {row.pixel_hash: row.split for row in rows}
    shown = inherited | {row.pixel_hash: row.perceptual_hash for row in rows}
    sizes = {each.file: len(models[each.name]) for each in FORMATS}
    return {
        **{each.file: models[each.name] for each in FORMATS},
        **for_people(contract, sizes),
        DISTANCE: distance_to_litert(space),
        TRAINING_DATA: training_data_csv(parts, shown).encode(),
        **{f"{GOLDEN}/{file}": content for file, content in golden_files().items()},
    }


def for_people(contract: Contract, sizes: dict[str, int]) -> dict[str, bytes]:
    """What the bundle tells people: path -> content."""
    return {
        CARD: model_card(contract, sizes).encode(),
        TRUST: dots_svg(trust(contract)).encode(),
    }


def write(out: Path, contract: Contract, files: dict[str, bytes]) -> None:
    """The bundle, whole or not at all; the contract with the checksums of the other files.

    Raises:
        ArtefactError: It can't be written.
    """
    checksums = {file: sha256(content) for file, content in files.items()}
    with whole_folder(out) as folder:
        (folder / GOLDEN).mkdir()
        write_files(folder, files)
        write_json(folder / CONTRACT, replace(contract, sha256=checksums).as_dict())


def _loaded(models: Models) -> LiteRTModel:
    with quiet():
        return LiteRTModel(models[SERVED.name], SERVED.file)


def _require_small_drop(options: ExportOptions, lost: Interval) -> None:
    """Of a few images a single one is points of accuracy.

    Only what chance does not explain is refused.
    """
    if 100 * lost.low > options.max_drop:
        raise QuantisationError(
            f"{options.quantize}: found a drop of {100 * (lost.value or 0):.2f} points of"
            f" validation accuracy (at least {100 * lost.low:.2f} with 95 %), at most"
            f" {options.max_drop:g} allowed; no bundle was written. Allow more with --max-drop, or"
            " take --quantize fp16."
        )
