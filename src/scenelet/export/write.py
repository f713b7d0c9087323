"""Write a bundle from a run: convert, check parity, measure on validation, record golden answers, sign with checksums."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from rich.console import Console

from scenelet import __version__
from scenelet.artefacts import whole_folder, write_bytes, write_json
from scenelet.assess.calibrate import fit_temperature
from scenelet.assess.metrics import Evaluation, evaluate
from scenelet.bundle.manifest import CARD, GOLDEN, LITERT, MANIFEST, ONNX, TRAINING_DATA, Golden, Manifest, sha256
from scenelet.bundle.runtime import LiteRTModel, softmax
from scenelet.bundle.training_data import training_data_csv
from scenelet.data.load import in_parallel, read
from scenelet.data.manifest import Row
from scenelet.errors import DataError
from scenelet.export.card import model_card
from scenelet.export.convert import ServingNetwork, to_litert, to_onnx
from scenelet.export.golden import golden_files, nasty_files
from scenelet.export.parity import Parity, checkpoint_logits, measure_parity, onnx_logits, require_parity
from scenelet.images import PreprocessSpec, to_input
from scenelet.learn.networks import build_network
from scenelet.learn.run import Run
from scenelet.progress import counting
from scenelet.quiet import quiet

PARITY_VALIDATION_IMAGES = 64


@dataclass(frozen=True)
class Exported:
    """What `export_bundle` made."""

    folder: Path
    parity: Parity
    evaluation: Evaluation
    size_bytes: dict[str, int]


def load_network(run: Run) -> ServingNetwork:
    """The run's best checkpoint (averaged weights), ready to export.

    Raises:
        DataError: The run has no checkpoint.
    """
    try:
        checkpoint = torch.load(run.best_checkpoint, map_location="cpu", weights_only=False)
    except FileNotFoundError as error:
        raise DataError(f"{run.folder}: no checkpoint yet. Let `train` end an epoch first.") from error
    network = build_network(run.config(), len(run.data()["class_names"]))
    prefix = "network."
    state = checkpoint["state_dict"]
    network.load_state_dict({key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)})
    return ServingNetwork(network)


def export_bundle(run: Run, out: Path, name: str, licence: str, data: Path | None, console: Console) -> Exported:
    """Export a complete run.

    Args:
        run: To export.
        out: Folder of the bundle; replaced as a whole if it is there.
        name: Of the bundle.
        licence: Of the weights.
        data: The data folder, if it is no longer where `train` found it.
        console: For progress.

    Raises:
        DataError: The run is not complete, or its validation images are gone.
        ParityError: Checkpoint, LiteRT and ONNX disagree; nothing is written.
        ArtefactError: `out` can't be written.
    """
    result, described, config = run.result(), run.data(), run.config()
    spec = PreprocessSpec(config.input_size, config.input_size)
    root = data or Path(described["source"])
    rows = [row for row in run.rows() if not row.excluded]
    val_rows = [row for row in rows if row.split == "val"]
    if not all((root / row.path).is_file() for row in val_rows):
        raise DataError(f"{root}: the run's validation images are not there. Say where they are now with --data FOLDER.")
    network = load_network(run)
    console.print("converting to LiteRT and ONNX", highlight=False)
    models = {LITERT: to_litert(network, config.input_size), ONNX: to_onnx(network, config.input_size)}
    with quiet():
        litert = LiteRTModel(models[LITERT], LITERT)
    samples = [read(root / row.path) for row in val_rows[:: max(1, len(val_rows) // PARITY_VALIDATION_IMAGES)]]
    parity = measure_parity(
        checkpoint_logits(network), litert.logits, onnx_logits(models[ONNX]), [*nasty_files().values(), *samples], spec
    )
    require_parity(parity)
    logits, labels = _validate(litert, root, val_rows, described["class_names"], spec, console)
    temperature = fit_temperature(logits, labels)
    evaluation = evaluate(labels, softmax(logits, temperature), described["class_names"])
    golden = golden_files()
    manifest = Manifest(
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        scenelet_version=__version__,
        class_names=tuple(described["class_names"]),
        preprocess=spec,
        temperature=temperature,
        metrics=evaluation.as_dict(),
        training=_training(run, described, result, rows),
        parity=parity.as_dict(),
        licence=licence,
        golden=tuple(
            Golden(f"{GOLDEN}/{file}", _rounded(described["class_names"], litert, content, spec, temperature))
            for file, content in golden.items()
        ),
        sha256={},
    )
    parts = {row.pixel_hash: row.split for row in rows if row.split in ("train", "val")}
    files = {
        **models,
        CARD: model_card(manifest, len(models[LITERT])).encode(),
        TRAINING_DATA: training_data_csv(parts).encode(),
        **{f"{GOLDEN}/{file}": content for file, content in golden.items()},
    }
    _write(out, manifest, files)
    return Exported(out, parity, evaluation, {file: len(content) for file, content in files.items()})


def _validate(
    litert: LiteRTModel, root: Path, rows: list[Row], class_names: list[str], spec: PreprocessSpec, console: Console
) -> tuple[np.ndarray, np.ndarray]:
    with counting(console, "validating", len(rows)) as advance:
        inputs = in_parallel(lambda row: to_input(read(root / row.path), spec), rows, advance)
        logits = np.stack([litert.logits(pixels) for pixels in inputs])
    return logits, np.array([class_names.index(row.label) for row in rows])


def _training(run: Run, described: dict[str, Any], result: dict[str, Any], rows: list[Row]) -> dict[str, Any]:
    used = [row for row in rows if row.split == "train"]
    return {
        "images": described["images"],
        "excluded": described["excluded"],
        "fingerprint": described["fingerprint"],
        "profile": {
            "median_width": median(row.width for row in used),
            "median_height": median(row.height for row in used),
            "different_pictures": len({row.pixel_hash for row in used}),
        },
        "recipe": run.config().as_dict(),
        "result": result,
        "environment": json.loads((run.folder / "environment.json").read_text(encoding="utf-8")),
    }


def _rounded(
    class_names: list[str], litert: LiteRTModel, content: bytes, spec: PreprocessSpec, temperature: float
) -> dict[str, float]:
    values = softmax(litert.logits(to_input(content, spec)), temperature)
    return {name: round(float(value), 6) for name, value in zip(class_names, values, strict=True)}


def _write(out: Path, manifest: Manifest, files: dict[str, bytes]) -> None:
    signed = {**manifest.as_dict(), "sha256": {file: sha256(content) for file, content in files.items()}}
    with whole_folder(out) as folder:
        (folder / GOLDEN).mkdir()
        for file, content in files.items():
            write_bytes(folder / file, content)
        write_json(folder / MANIFEST, signed)
