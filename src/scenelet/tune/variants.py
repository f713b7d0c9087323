"""Variants of one recipe, trained in turn on one split and compared image by image."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from scenelet.answers import ask
from scenelet.artefacts import make_folder, write_json
from scenelet.bundle.metrics import log_loss, paired_difference, wilson_interval
from scenelet.bundle.numeric import softmax
from scenelet.dataset.address import address_of
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.manifest import write_manifest
from scenelet.engine import Engine
from scenelet.errors import ConfigError
from scenelet.learn.job import Job, prepare, split_dataset
from scenelet.learn.networks import normalise
from scenelet.learn.place import here
from scenelet.learn.pretrained import load_run_network
from scenelet.learn.several import FitAll, one_by_one
from scenelet.progress import SILENT, Progress
from scenelet.runs.recipe import TrainConfig, from_values
from scenelet.runs.run import Run
from scenelet.shipped import shipped_folder
from scenelet.text import listed
from scenelet.tune.cost import measure_cost

_NAMED = re.compile(r"\{.*\}")  # a dial that stands for the run of another variant


@dataclass(frozen=True)
class Variant:
    """A variant and its figures on the validation images.

    Attributes:
        name: Of the variant.
        changes: Dials that differ from the recipe.
        images: Validated on.
        top1_accuracy: Part of them answered rightly.
        low: Of its 95 % interval.
        high: Of its 95 % interval.
        log_loss: In nats.
        gain: Accuracy less that of the first variant.
        gain_low: Of its 95 % interval, paired by image.
        gain_high: Of its 95 % interval, paired by image.
        parameters: Number of trained values.
        size_mb: Of the float LiteRT model.
        latency_ms: Of one image on one thread.
        minutes: Of training.
    """

    name: str
    changes: dict[str, Any]
    images: int
    top1_accuracy: float
    low: float
    high: float
    log_loss: float
    gain: float
    gain_low: float
    gain_high: float
    parameters: int
    size_mb: float
    latency_ms: float
    minutes: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def read_variants(of: str, only: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read what to compare.

    Args:
        of: Name of a list that comes with scenelet, or path of a YAML file: name -> dials that
            differ from the recipe.
        only: Names to take besides the first; empty for all.

    Raises:
        ConfigError: No such list, malformed, or no such variant.
    """
    values = _read_list(of)
    for name in only:
        if name not in values:
            raise ConfigError(f"--only {name}: not in {of}; it has {', '.join(values)}")
    first = next(iter(values))
    return {name: part for name, part in values.items() if not only or name in (first, *only)}


def _read_list(of: str) -> dict[str, dict[str, Any]]:
    shipped = shipped_folder("recipes") / "variants"
    path = Path(of) if of.endswith((".yaml", ".yml")) else shipped / f"{of}.yaml"
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        known = ", ".join(sorted(file.stem for file in shipped.glob("*.yaml")))
        reason = " ".join(str(error).split())[:120]
        raise ConfigError(
            f"--of {of}: can't be read ({reason}); give {known} or a .yaml file"
        ) from error
    parts = values.values() if isinstance(values, dict) else ()
    if len(parts) < 2 or not all(isinstance(part or {}, dict) for part in parts):
        raise ConfigError(
            f"--of {of}: expected at least two names, each with the dials that differ"
        )
    return {str(name): dict(part or {}) for name, part in values.items()}


def compare_variants(
    folder: Path,
    manifest: Path | None,
    base: TrainConfig,
    changes: Mapping[str, Mapping[str, Any]],
    out: Path,
    progress: Progress = SILENT,
    home: Path | None = None,
    keep: Callable[[], None] | None = None,
    do_all: FitAll = one_by_one,
    engine: Engine | None = None,
) -> list[Variant]:
    """Train each variant, or take it where it is complete, and compare.

    Args:
        folder: Data set.
        manifest: Of it; None takes all images.
        base: The recipe.
        changes: Name -> dials that differ. The first is what the others are measured against. A
            value "{NAME}" stands for the run of a variant.
        out: Holds one run a variant.
        progress: Is told how it goes on.
        home: Where the runs will lie, if elsewhere.
        keep: As `Place` has it.
        do_all: That does the trainings.
        engine: That decodes the pictures to examine them; None for this process.

    Raises:
        ConfigError: A variant makes no sense, or `out` holds others.
        DataError: The folder can't be trained on.
    """
    recipes = {
        name: from_values(
            {**base.as_dict(), "folds": 1, **with_runs(part, changes, home or out)}, name
        )
        for name, part in changes.items()
    }
    folded = [name for name, recipe in recipes.items() if recipe.folds > 1]
    if folded:
        raise ConfigError(f"variant {folded[0]}: folds: variants share one validation part")
    split = _shared_split(folder, manifest, base, out, progress, engine)
    place, answers = replace(here(base), keep=keep), dict[str, _Said]()
    for wave in waves(changes):
        jobs = {name: _job(folder, split, recipes[name], Run(out / name)) for name in wave}
        named = {f"variant {name}": job for name, job in jobs.items()}
        do_all(named, place, progress, _answers)
        answers |= {name: _answers(job) for name, job in jobs.items()}
    first = answers[next(iter(recipes))]
    return [
        _variant(Run(out / name), dict(part), answers[name], first)
        for name, part in changes.items()
    ]


def waves(changes: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Names of variants that can be trained at once, those first that the others start from.

    Raises:
        ConfigError: Variants start from each other.
    """
    left, found = dict(changes), list[list[str]]()
    while left:
        names = {f"{{{name}}}" for name in left}
        wave = [name for name, part in left.items() if not names & set(map(str, part.values()))]
        if not wave:
            raise ConfigError(f"variants {listed(list(left))}: start from each other")
        found.append(wave)
        left = {name: part for name, part in left.items() if name not in wave}
    return found


def _job(folder: Path, split: Path, recipe: TrainConfig, run: Run) -> Job:
    return prepare(recipe, run, split_dataset(folder, split, recipe))


def with_runs(part: Mapping[str, Any], names: Iterable[str], out: Path) -> dict[str, Any]:
    """Dials of a variant, with the runs of other variants that they name as "{NAME}".

    Raises:
        ConfigError: There is no such variant, or its run is not on a disk.
    """
    runs = {f"{{{name}}}": str(out / name) for name in names}
    for dial, value in part.items():
        if _NAMED.fullmatch(str(value)) and value not in runs:
            raise ConfigError(
                f"--{dial} {value}: no variant of this name; there are {listed(list(names))}"
            )
        if str(value) in runs and address_of(str(out)):
            raise ConfigError(
                f"--out {out}: --{dial} {value} starts from a run, which all machines must see in"
                " a folder. Give one that they share."
            )
    return {dial: runs.get(str(value), value) for dial, value in part.items()}


def _shared_split(
    folder: Path,
    manifest: Path | None,
    base: TrainConfig,
    out: Path,
    progress: Progress,
    engine: Engine | None,
) -> Path:
    """The manifest of all variants, written once.

    Raises:
        ConfigError: `out` was begun with other images, labels or split.
    """
    path = out / "manifest.csv"
    dataset = split_dataset(folder, manifest, replace(base, min_label_quality=0), progress, engine)
    if not path.is_file():
        make_folder(out)
        write_manifest(path, dataset.rows)
    elif Dataset.open(folder, path).fingerprint != dataset.examined(progress, engine).fingerprint:
        raise ConfigError(
            f"{out}: holds variants of other images, labels or split. Give another --out."
        )
    return path


@dataclass(frozen=True)
class _Said:
    """What a variant said of the validation images."""

    labels: np.ndarray
    probabilities: np.ndarray

    @property
    def right(self) -> np.ndarray:
        return np.asarray(self.probabilities.argmax(1) == self.labels)


def _answers(job: Job) -> _Said:
    """Of the run's best checkpoint on its validation images; computed once."""
    path = job.run.folder / "validation.json"
    if not path.is_file():
        validation = job.dataset.part("val")
        answers = ask(_Kept(job.run), validation, job.config.preprocess)
        probabilities = softmax(answers.logits).round(6).tolist()
        labels = validation.label_indices(job.class_names).tolist()
        write_json(path, {"labels": labels, "probabilities": probabilities})
    values = json.loads(path.read_text(encoding="utf-8"))
    return _Said(np.array(values["labels"]), np.array(values["probabilities"]))


class _Kept:
    """A run's kept weights, to be asked; their features are not looked at."""

    def __init__(self, run: Run) -> None:
        self._network = load_run_network(run).eval()

    def answer(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        image = torch.from_numpy(pixels.copy()).permute(0, 3, 1, 2)
        with torch.inference_mode():
            return self._network(normalise(image))[0].numpy(), np.zeros(0, np.float32)


def _variant(run: Run, changes: dict[str, Any], said: _Said, first: _Said) -> Variant:
    result, costs = run.result(), run.folder.parent / "costs.json"
    class_count, size = said.probabilities.shape[1], run.config().input_size
    cost = measure_cost(run.architecture(), class_count, size, costs)
    interval = wilson_interval(int(said.right.sum()), len(said.labels))
    gain = paired_difference(first.right, said.right)
    return Variant(
        name=run.name,
        changes=changes,
        images=len(said.labels),
        top1_accuracy=float(said.right.mean()),
        low=interval.low,
        high=interval.high,
        log_loss=round(log_loss(said.labels, said.probabilities), 4),
        gain=float(gain.value or 0),
        gain_low=gain.low,
        gain_high=gain.high,
        parameters=result.parameters,
        size_mb=cost.size_mb,
        latency_ms=cost.latency_ms,
        minutes=round(result.training_s / 60, 2),
    )
