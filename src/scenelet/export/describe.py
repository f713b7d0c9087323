"""What a bundle says of itself.

Figures and origin, from a run and what was measured, as its contract.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from statistics import median
from typing import Any

from scenelet import __version__
from scenelet.bundle.contract import Contract, Golden
from scenelet.bundle.figures import Figures, Histogram, Parity, Quantisation
from scenelet.bundle.origin import (
    SPLITS,
    Ancestor,
    Environment,
    History,
    Learned,
    Outcome,
    Profile,
    Training,
)
from scenelet.bundle.task import SINGLE_LABEL
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.row import Row
from scenelet.export.fit import Fitted
from scenelet.images import PreprocessSpec
from scenelet.runs.run import Run

PACKAGES = ("scenelet", "python", "torch", "lightning", "transformers", "numpy", "pillow")


@dataclass(frozen=True)
class Material:
    """A complete run with the images it was made from.

    Attributes:
        run: Complete.
        images: Of training and validation.
        class_names: In the order of the logits.
        spec: Of the model's input.
    """

    run: Run
    images: Dataset
    class_names: tuple[str, ...]
    spec: PreprocessSpec

    @property
    def judged(self) -> Dataset:
        """The images that figures and thresholds are about; with folds, all of them."""
        if not self.run.folds:
            return self.images.part("val")
        return self.images.of(row for fold in self.folds for row in fold.judged.rows)

    @property
    def folds(self) -> list["Material"]:
        """Of each fold's network: the same images, split as it saw them."""
        return [
            replace(self, run=fold, images=self.images.of(_in_use(fold.rows())))
            for fold in self.run.folds
        ]

    def some_training_images(self, count: int) -> Dataset:
        """By pixel hash: as good as drawn by lot, and the same every time."""
        training = self.images.part("train")
        return training.of(sorted(training.rows, key=lambda row: row.pixel_hash)[:count])


@dataclass(frozen=True)
class Measured:
    """What was measured on the files of a bundle.

    Attributes:
        fitted: Temperature, thresholds, promises, strangers, profile.
        figures: Of the served model on the validation images.
        parity: Of all files.
        quantisation: Of the served model.
        golden: Recorded answers.
    """

    fitted: Fitted
    figures: Figures
    parity: Parity
    quantisation: Quantisation
    golden: tuple[Golden, ...]


def _in_use(rows: Iterable[Row]) -> Iterator[Row]:
    return (row for row in rows if row.split in SPLITS and not row.excluded)


def describe(
    material: Material, measured: Measured, name: str, licence: str, mirrored: bool
) -> Contract:
    """The contract, complete but for the checksums of the files.

    Args:
        material: Run and images.
        measured: On the bundle's files.
        name: Of the bundle.
        licence: Of the weights.
        mirrored: Whether the graph averages the picture and its mirror image.
    """
    fitted = measured.fitted
    return Contract(
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        scenelet_version=__version__,
        licence=licence,
        task=SINGLE_LABEL.name,
        class_names=material.class_names,
        preprocess=material.spec,
        mirrored=mirrored,
        temperature=fitted.temperature,
        abstain_below=fitted.abstain_below,
        prediction_sets=fitted.sets,
        figures=measured.figures,
        promises=fitted.promises,
        strangers=fitted.strangers,
        stranger_scales=dict(fitted.space.scales),
        seen=fitted.seen,
        training=_training(material, fitted.profile),
        parity=measured.parity,
        quantisation=measured.quantisation,
        golden=measured.golden,
        sha256={},
    )


def _training(material: Material, measures: dict[str, Histogram]) -> Training:
    run = material.run
    described, network, result = run.data(), run.network(), run.result()
    return Training(
        images=described["images"],
        excluded=described["excluded"],
        fingerprint=described["fingerprint"],
        profile=_profile(material.images.part("train"), measures),
        network=network["architecture"],
        history=_history(network),
        recipe=run.config().as_dict(),
        outcome=Outcome(**{each.name: getattr(result, each.name) for each in fields(Outcome)}),
        environment=_environment(run),
    )


def _profile(training: Dataset, measures: dict[str, Histogram]) -> Profile:
    rows = training.rows
    return Profile(
        median_width=median(row.width for row in rows),
        median_height=median(row.height for row in rows),
        different_pictures=len({row.pixel_hash for row in rows}),
        measures=measures,
    )


def _history(recorded: Mapping[str, Any]) -> History:
    init, learned = recorded.get("init"), recorded.get("learned_from")
    teachers = recorded.get("teachers") or ()
    return History(
        init=_ancestor(init) if init else None,
        teachers=tuple(map(_ancestor, teachers)),
        learned_from=Learned(**learned) if learned else None,
    )


def _ancestor(recorded: Mapping[str, Any]) -> Ancestor:
    history = recorded.get("history")
    return Ancestor(recorded["origin"], recorded["weights"], _history(history) if history else None)


def _environment(run: Run) -> Environment:
    recorded = json.loads((run.folder / "environment.json").read_text(encoding="utf-8"))
    return Environment(
        versions={name: recorded[name] for name in PACKAGES},
        system=recorded["system"],
        cores=recorded["cores"],
        threads=recorded["threads"],
        device=recorded["device"],
        precision=recorded["precision"],
        command=tuple(recorded["command"]),
    )
