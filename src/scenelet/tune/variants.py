"""Variants of one recipe, trained in turn on one split and compared image by image: networks, or ingredients one at a time."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
import yaml

from scenelet.artefacts import make_folder, write_json
from scenelet.assess.metrics import log_loss, paired_difference, wilson_interval
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.load import load_pixels
from scenelet.dataset.manifest import write_manifest
from scenelet.dataset.sources import source_of
from scenelet.errors import ConfigError
from scenelet.images import PreprocessSpec
from scenelet.learn.networks import normalise
from scenelet.learn.pretrained import load_run_network
from scenelet.learn.train import prepare, train
from scenelet.progress import SILENT, Progress
from scenelet.report.charts import CHART_STYLE, GREY, blank, colour_of, named
from scenelet.report.html import Section, page, svg
from scenelet.runs.recipe import TrainConfig, from_values
from scenelet.runs.run import Run
from scenelet.shipped import shipped_folder
from scenelet.tune.cost import measure_cost

BATCH = 128


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

    @staticmethod
    def columns() -> list[str]:
        """Headings of `cells`."""
        return [
            "variant",
            "accuracy (95 %)",
            "against the first, points",
            "log loss",
            "parameters",
            "MB",
            "ms",
            "min",
        ]

    def cells(self) -> list[str]:
        """As a row of a table."""
        return [
            self.name,
            f"{self.top1_accuracy:.2%} ({self.low:.2%} to {self.high:.2%})",
            (
                f"{100 * self.gain:+.2f} ({100 * self.gain_low:+.2f} to"
                f" {100 * self.gain_high:+.2f})"
                if self.changes
                else ""
            ),
            f"{self.log_loss:.3f}",
            f"{self.parameters:,}",
            f"{self.size_mb:.1f}",
            f"{self.latency_ms:.1f}",
            f"{self.minutes:.1f}",
        ]


def read_variants(of: str, only: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Read what to compare.

    Args:
        of: Name of a list that comes with scenelet, or path of a YAML file: name -> dials that
            differ from the recipe.
        only: Names to take besides the first; empty for all.

    Raises:
        ConfigError: No such list, malformed, or no such variant.
    """
    path = (
        Path(of)
        if of.endswith((".yaml", ".yml"))
        else shipped_folder("recipes") / "variants" / f"{of}.yaml"
    )
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        known = ", ".join(
            sorted(file.stem for file in (shipped_folder("recipes") / "variants").glob("*.yaml"))
        )
        raise ConfigError(
            f"--of {of}: can't be read ({' '.join(str(error).split())[:120]}); give {known} or a"
            " .yaml file"
        ) from error
    if (
        not isinstance(values, dict)
        or len(values) < 2
        or not all(isinstance(part or {}, dict) for part in values.values())
    ):
        raise ConfigError(
            f"--of {of}: expected at least two names, each with the dials that differ"
        )
    unknown = [name for name in only if name not in values]
    if unknown:
        raise ConfigError(f"--only {unknown[0]}: not in {of}; it has {', '.join(values)}")
    first = next(iter(values))
    return {
        str(name): dict(part or {})
        for name, part in values.items()
        if not only or name in (first, *only)
    }


def compare_variants(
    folder: Path,
    manifest: Path | None,
    base: TrainConfig,
    changes: Mapping[str, Mapping[str, Any]],
    out: Path,
    progress: Progress = SILENT,
) -> list[Variant]:
    """Train each variant, or take it where it is complete, and compare.

    Args:
        folder: Data set.
        manifest: Of it; None takes all images.
        base: The recipe.
        changes: Name -> dials that differ. The first is what the others are measured against.
        out: Holds one run a variant.
        progress: Is told how it goes on.

    Raises:
        ConfigError: A variant makes no sense, or `out` holds others.
        DataError: The folder can't be trained on.
    """
    recipes = {
        name: from_values({**base.as_dict(), **part}, name) for name, part in changes.items()
    }
    make_folder(out)
    split = out / "manifest.csv"
    if not split.is_file():
        write_manifest(
            split, prepare(folder, manifest, replace(base, min_label_quality=0), progress).rows
        )
    answers = {}
    for name, recipe in recipes.items():
        progress.say(f"variant {name}")
        run = Run(out / name)
        train(folder, recipe, run, progress, split)
        answers[name] = _answers(run, folder, recipe)
    first = answers[next(iter(recipes))]
    return [
        _figures(
            name, dict(changes[name]), recipes[name], Run(out / name), answers[name], first, out
        )
        for name in recipes
    ]


@dataclass(frozen=True)
class _Answers:
    labels: np.ndarray
    probabilities: np.ndarray

    @property
    def right(self) -> np.ndarray:
        return np.asarray(self.probabilities.argmax(1) == self.labels)


def _answers(run: Run, folder: Path, recipe: TrainConfig) -> _Answers:
    """Of the run's best checkpoint on its validation images; computed once."""
    path = run.folder / "validation.json"
    if not path.is_file():
        validation = Dataset(source_of(folder), tuple(run.rows())).part("val")
        spec = PreprocessSpec(recipe.input_size, recipe.input_size)
        pixels = load_pixels(validation, run.data()["class_names"], spec)
        network = load_run_network(run).eval()
        images = torch.from_numpy(pixels.images).permute(0, 3, 1, 2)
        with torch.inference_mode():
            parts = [network(normalise(batch)).softmax(1) for batch in images.split(BATCH)]
        probabilities = torch.cat(parts).numpy().round(6).tolist()
        write_json(path, {"labels": pixels.labels.tolist(), "probabilities": probabilities})
    values = json.loads(path.read_text(encoding="utf-8"))
    return _Answers(np.array(values["labels"]), np.array(values["probabilities"]))


def _figures(
    name: str,
    changes: dict[str, Any],
    recipe: TrainConfig,
    run: Run,
    answers: _Answers,
    first: _Answers,
    out: Path,
) -> Variant:
    result = run.result()
    cost = measure_cost(
        run.architecture(), answers.probabilities.shape[1], recipe.input_size, out / "costs.json"
    )
    interval = wilson_interval(int(answers.right.sum()), len(answers.labels))
    gain = paired_difference(first.right, answers.right)
    return Variant(
        name=name,
        changes=changes,
        images=len(answers.labels),
        top1_accuracy=float(answers.right.mean()),
        low=interval.low,
        high=interval.high,
        log_loss=round(log_loss(answers.labels, answers.probabilities), 4),
        gain=float(gain.value or 0),
        gain_low=gain.low,
        gain_high=gain.high,
        parameters=result.parameters,
        size_mb=cost.size_mb,
        latency_ms=cost.latency_ms,
        minutes=round(result.training_s / 60, 2),
    )


def variants_page(results: Sequence[Variant], title: str) -> str:
    """The comparison as one HTML page."""
    table = [Variant.columns(), *(result.cells() for result in results)]
    first = (
        f"{results[0].images:,} validation images, the same for all. Intervals of differences are"
        " paired by image."
    )
    charts = [
        (svg(_accuracies(results)), "Accuracy of each variant with its 95 % interval"),
        (svg(_costs(results)), "Accuracy and latency"),
    ]
    return page(
        f"Variants: {title}",
        first,
        [Section("Figures", figures=charts), Section("Table", table=table)],
    )


def _accuracies(results: Sequence[Variant]) -> mpl.figure.Figure:
    with mpl.rc_context(CHART_STYLE):
        figure, axes = blank(0.4 * len(results) + 1.0)
        values = [result.top1_accuracy for result in results]
        errors = np.array([[r.top1_accuracy - r.low, r.high - r.top1_accuracy] for r in results]).T
        axes.errorbar(
            values, range(len(results)), xerr=errors, fmt="o", color=colour_of(0), capsize=3
        )
        axes.axvline(values[0], color=GREY, linewidth=0.8, linestyle=":")
        axes.set_yticks(range(len(results)), named(result.name for result in results))
        axes.invert_yaxis()
        axes.set_xlabel("validation accuracy, 95 % interval")
        return figure


def _costs(results: Sequence[Variant]) -> mpl.figure.Figure:
    with mpl.rc_context(CHART_STYLE):
        figure, axes = blank(4.0)
        drawn = [
            axes.scatter(
                result.latency_ms,
                result.top1_accuracy,
                s=30 + 20 * result.size_mb,
                color=colour_of(index),
                alpha=0.8,
            )
            for index, result in enumerate(results)
        ]
        axes.set(
            xlabel="latency, ms (discs grow with the model's MB)", ylabel="validation accuracy"
        )
        axes.margins(0.15)
        axes.legend(
            drawn,
            named(result.name for result in results),
            frameon=False,
            loc="center left",
            bbox_to_anchor=(1, 0.5),
            markerscale=0.6,
        )
        return figure
