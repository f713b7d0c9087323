"""Write a bundle from a run: convert, quantise, check parity, measure on validation, record golden answers, sign."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from scenelet import __version__
from scenelet.answers import ask
from scenelet.artefacts import whole_folder, write_bytes, write_json
from scenelet.assess.metrics import evaluate
from scenelet.bundle.contract import (
    CARD,
    CONTRACT,
    DISTANCE,
    GOLDEN,
    LITERT,
    ONNX,
    TRAINING_DATA,
    Contract,
    Golden,
    sha256,
)
from scenelet.bundle.figures import Figures, Histogram, Parity, Quantisation, Wished
from scenelet.bundle.latency import latencies_ms
from scenelet.bundle.numeric import softmax
from scenelet.bundle.origin import (
    Ancestor,
    Environment,
    History,
    Learned,
    Outcome,
    Profile,
    Training,
)
from scenelet.bundle.runtime import LiteRTModel
from scenelet.bundle.training_data import training_data_csv
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.sources import source_of
from scenelet.errors import ConfigError, DataError, QuantisationError
from scenelet.export.card import model_card
from scenelet.export.convert import ServingNetwork, distance_to_litert, to_litert, to_onnx
from scenelet.export.fit import fit
from scenelet.export.golden import golden_files, nasty_files
from scenelet.export.parity import (
    HALF_PRECISION_TOLERANCE,
    TOLERANCE,
    checkpoint_logits,
    measure_parity,
    onnx_logits,
    require_parity,
)
from scenelet.export.quantize import (
    CALIBRATION_IMAGES,
    MODES,
    litert_to_fp16,
    litert_to_int8,
    onnx_to_fp16,
)
from scenelet.images import PreprocessSpec, to_input
from scenelet.learn.pretrained import load_run_network
from scenelet.progress import SILENT, Progress
from scenelet.quiet import quiet
from scenelet.runs.run import Run

PARITY_VALIDATION_IMAGES = 64
FEATURE_IMAGES = 3000
PACKAGES = ("scenelet", "python", "torch", "lightning", "transformers", "numpy", "pillow")


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
        wished_accuracy: Of the answers that the bundle does not abstain from.
        coverage: Part of the pictures whose prediction set is to hold the true class.
        data: The data folder, if it is no longer where `train` found it.
    """

    name: str
    licence: str = "not stated"
    quantize: str = "none"
    max_drop: float = 0.5
    mirror: bool = False
    wished_accuracy: float = 0.98
    coverage: float = 0.95
    data: Path | None = None


@dataclass(frozen=True)
class Exported:
    """What `export_bundle` made."""

    folder: Path
    parity: Parity
    quantisation: Quantisation
    figures: Figures
    size_bytes: dict[str, int]


def load_network(run: Run, mirror: bool = False) -> ServingNetwork:
    """The run's best checkpoint (averaged weights), ready to export.

    Raises:
        DataError: The run has no checkpoint.
    """
    return ServingNetwork(load_run_network(run), mirror)


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
        ParityError: Checkpoint, LiteRT and ONNX disagree; nothing is written.
        QuantisationError: It costs more accuracy than allowed; nothing is written.
        ArtefactError: `out` can't be written.
    """
    _check(options)
    result, source = run.result().as_dict(), _open(run, options)
    names, size = run.data()["class_names"], run.config().input_size
    spec = PreprocessSpec(size, size)
    network = load_network(run, options.mirror)
    progress.say("converting to LiteRT and ONNX")
    float_model, float_onnx = (
        to_litert(network, size),
        to_onnx(network, size),
    )
    model = _quantise(float_model, source, spec, options.quantize)
    onnx_model = float_onnx if options.quantize == "none" else onnx_to_fp16(float_onnx)
    with quiet():
        float_litert, litert = LiteRTModel(float_model, LITERT), LiteRTModel(model, LITERT)
    tolerance = HALF_PRECISION_TOLERANCE if options.quantize == "fp16" else TOLERANCE
    held_out = source.part("val")
    labels = held_out.label_indices(names)
    validation = ask(litert, held_out, spec, progress, measured=True)
    quantised = options.quantize != "none"
    float_answers = ask(float_litert, held_out, spec, progress) if quantised else validation
    pair = (float_answers.logits, validation.logits)
    quantisation = _compare(
        options.quantize, labels, pair, (float_litert, litert), (float_model, model)
    )
    _require_small_drop(quantisation, options.max_drop)
    progress.say("fitting temperature and thresholds")
    training = ask(litert, _some_training(source, FEATURE_IMAGES), spec, progress)
    wished = Wished(options.wished_accuracy, options.coverage)
    fitted = fit(litert, labels, validation, training, spec, wished)
    temperature = fitted.temperature
    compared = (float_litert, float_onnx) if options.quantize == "int8" else (litert, onnx_model)
    parity = _parity(network, *compared, held_out, spec, temperature, tolerance)
    figures = evaluate(labels, softmax(validation.logits, temperature), names)
    golden = golden_files()
    contract = Contract(
        name=options.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        scenelet_version=__version__,
        class_names=tuple(names),
        preprocess=spec,
        temperature=temperature,
        figures=figures,
        abstain_below=fitted.abstain_below,
        prediction_set_thresholds=dict(zip(names, map(float, fitted.set_thresholds), strict=True)),
        promises=fitted.promises,
        strangers=tuple(fitted.strangers),
        training=_training(run, source, result, fitted.profile),
        parity=parity,
        mirrored=options.mirror,
        quantisation=quantisation,
        licence=options.licence,
        golden=tuple(
            Golden(f"{GOLDEN}/{file}", _recorded(names, spec, litert, content, temperature))
            for file, content in golden.items()
        ),
        sha256={},
    )
    files = {
        LITERT: model,
        ONNX: onnx_model,
        CARD: model_card(contract, len(model)).encode(),
        DISTANCE: distance_to_litert(fitted.space),
        TRAINING_DATA: (
            training_data_csv({row.pixel_hash: row.split for row in source.rows}).encode()
        ),
        **{f"{GOLDEN}/{file}": content for file, content in golden.items()},
    }
    _write(out, contract, files)
    return Exported(
        out,
        parity,
        quantisation,
        figures,
        {file: len(content) for file, content in files.items()},
    )


def _open(run: Run, options: ExportOptions) -> Dataset:
    """The images that the run was trained and validated on."""
    root = options.data or Path(run.data()["source"])
    rows = [row for row in run.rows() if not row.excluded and row.split in ("train", "val")]
    dataset = Dataset(source_of(root), tuple(rows))
    there = {entry.path for entry in dataset.source.entries()} if root.is_dir() else set()
    if not all(row.path in there for row in rows):
        raise DataError(
            f"{root}: the run's images are not there. Say where they are now with --data FOLDER."
        )
    return dataset


def _some_training(dataset: Dataset, count: int) -> Dataset:
    """By pixel hash: as good as drawn by lot, and the same every time."""
    return dataset.of(sorted(dataset.part("train").rows, key=lambda row: row.pixel_hash)[:count])


def _calibration(dataset: Dataset, spec: PreprocessSpec) -> list[np.ndarray]:
    return list(_some_training(dataset, CALIBRATION_IMAGES).inputs(spec))


def _quantise(model: bytes, dataset: Dataset, spec: PreprocessSpec, mode: str) -> bytes:
    if mode == "none":
        return model
    if mode == "fp16":
        return litert_to_fp16(model)
    return litert_to_int8(model, _calibration(dataset, spec))


def _check(options: ExportOptions) -> None:
    if options.quantize not in MODES:
        raise ConfigError(f"--quantize: found {options.quantize!r}, expected {', '.join(MODES)}")
    for flag, value in (
        ("--wished-accuracy", options.wished_accuracy),
        ("--coverage", options.coverage),
    ):
        if not 0 < value < 1:
            raise ConfigError(f"{flag}: found {value:g}, expected more than 0 and less than 1")


def _parity(
    network: ServingNetwork,
    litert: LiteRTModel,
    onnx_model: bytes,
    held_out: Dataset,
    spec: PreprocessSpec,
    temperature: float,
    tolerance: float,
) -> Parity:
    rows = held_out.rows
    samples = [held_out.read(row) for row in rows[:: max(1, len(rows) // PARITY_VALIDATION_IMAGES)]]
    models = {
        "checkpoint": checkpoint_logits(network),
        "LiteRT": litert.logits,
        "ONNX": onnx_logits(onnx_model),
    }
    parity = measure_parity(models, [*nasty_files().values(), *samples], spec, temperature)
    require_parity(parity, tolerance)
    return parity


def _compare(
    mode: str,
    labels: np.ndarray,
    logits: Sequence[np.ndarray],
    models: Sequence[LiteRTModel],
    contents: Sequence[bytes],
) -> Quantisation:
    answers = [each.argmax(1) for each in logits]
    float_ms, ms = latencies_ms(models)
    return Quantisation(
        mode=mode,
        float_accuracy=float(np.mean(answers[0] == labels)),
        accuracy=float(np.mean(answers[1] == labels)),
        agreement=float(np.mean(answers[0] == answers[1])),
        size_ratio=round(len(contents[1]) / len(contents[0]), 4),
        latency_ratio=round(ms / float_ms, 3),
        float_latency_ms=float_ms,
        latency_ms=ms,
    )


def _require_small_drop(quantisation: Quantisation, max_drop: float) -> None:
    drop = 100 * (quantisation.float_accuracy - quantisation.accuracy)
    if drop > max_drop:
        raise QuantisationError(
            f"{quantisation.mode}: found a drop of {drop:.2f} points of validation accuracy, at"
            f" most {max_drop:g} allowed; no bundle was written. Allow more with --max-drop, or"
            " take --quantize fp16."
        )


def _training(
    run: Run, dataset: Dataset, result: dict[str, Any], measures: dict[str, Histogram]
) -> Training:
    described, used, network = run.data(), dataset.part("train").rows, run.network()
    environment = json.loads((run.folder / "environment.json").read_text(encoding="utf-8"))
    return Training(
        images=described["images"],
        excluded=described["excluded"],
        fingerprint=described["fingerprint"],
        profile=Profile(
            median_width=median(row.width for row in used),
            median_height=median(row.height for row in used),
            different_pictures=len({row.pixel_hash for row in used}),
            measures=measures,
        ),
        network=network["architecture"],
        history=_history(network),
        recipe=run.config().as_dict(),
        outcome=Outcome(**{each.name: result[each.name] for each in fields(Outcome)}),
        environment=_environment(environment),
    )


def _history(recorded: Mapping[str, Any]) -> History:
    init = recorded.get("init")
    teachers = recorded.get("teachers") or ()
    learned = recorded.get("learned_from")
    return History(
        init=_ancestor(init) if init else None,
        teachers=tuple(map(_ancestor, teachers)),
        learned_from=Learned(**learned) if learned else None,
    )


def _ancestor(recorded: Mapping[str, Any]) -> Ancestor:
    history = recorded.get("history")
    return Ancestor(recorded["origin"], recorded["weights"], _history(history) if history else None)


def _environment(recorded: Mapping[str, Any]) -> Environment:
    return Environment(
        versions={name: recorded[name] for name in PACKAGES},
        system=recorded["system"],
        cores=recorded["cores"],
        threads=recorded["threads"],
        device=recorded["device"],
        precision=recorded["precision"],
        command=tuple(recorded["command"]),
    )


def _recorded(
    names: Sequence[str],
    spec: PreprocessSpec,
    litert: LiteRTModel,
    content: bytes,
    temperature: float,
) -> dict[str, float]:
    values = softmax(litert.logits(to_input(content, spec)), temperature)
    return {name: round(float(value), 6) for name, value in zip(names, values, strict=True)}


def _write(out: Path, contract: Contract, files: dict[str, bytes]) -> None:
    signed = {
        **contract.as_dict(),
        "sha256": {file: sha256(content) for file, content in files.items()},
    }
    with whole_folder(out) as folder:
        (folder / GOLDEN).mkdir()
        for file, content in files.items():
            write_bytes(folder / file, content)
        write_json(folder / CONTRACT, signed)
