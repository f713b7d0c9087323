"""Answers: what a model says of many pictures. The one place that asks it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from scenelet.bundle.profile import picture_measures
from scenelet.bundle.runtime import BundleModel
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.row import Row
from scenelet.errors import BundleFormatError
from scenelet.images import PreprocessSpec
from scenelet.parallel import cores, in_parallel
from scenelet.progress import SILENT, Progress
from scenelet.quiet import quiet

Floats = Sequence[float] | np.ndarray


class Model(Protocol):
    """Whatever can be asked: a bundle, a LiteRT model alone."""

    def answer(self, pixels: np.ndarray) -> tuple[Floats, Floats]:
        """(1, height, width, 3) uint8 to (classes,) logits and (features,)."""


@dataclass(frozen=True)
class Answers:
    """What a model said of a data set, in the order of its rows.

    Attributes:
        logits: (n, classes) float32.
        features: (n, features) float32.
        measures: Brightness and sharpness of each picture; empty where nobody asked.
    """

    logits: np.ndarray
    features: np.ndarray
    measures: tuple[dict[str, float], ...] = ()

    def in_order(self, places: Sequence[int]) -> "Answers":
        """The same answers with the classes in another order."""
        return Answers(self.logits[:, list(places)], self.features, self.measures)


def open_bundle(folder: Path, copies: int = 0) -> BundleModel:
    """A bundle's model, with a copy a core unless told otherwise.

    Raises:
        BundleError: It can't be trusted or read.
    """
    with quiet():
        return BundleModel(folder, copies=copies or cores())


def ask(
    model: Model,
    dataset: Dataset,
    spec: PreprocessSpec,
    progress: Progress = SILENT,
    measured: bool = False,
) -> Answers:
    """Ask a model about each picture of a data set, from its bytes, on all cores.

    Args:
        model: To be asked.
        dataset: Images in use.
        spec: Of the model's input.
        progress: Is told how it goes on.
        measured: Whether to measure the pictures too.

    Raises:
        UnreadableImageError: A file changed since it was examined.
        DataError: Its pixels are not those that the manifest speaks of.
        BundleFormatError: The model answers with something that is not a number.
    """

    def one(row: Row) -> tuple[Floats, Floats, dict[str, float]]:
        pixels = dataset.input(row, spec)
        measures = picture_measures(Image.fromarray(pixels[0])) if measured else {}
        return *model.answer(pixels), measures

    with progress.counting("asking the model", len(dataset)) as advance:
        told = list(in_parallel(one, dataset.rows, advance))
    logits, features = (np.array([each[place] for each in told], np.float32) for place in (0, 1))
    _require_numbers(logits, dataset)
    return Answers(logits, features, tuple(each[2] for each in told) if measured else ())


def _require_numbers(logits: np.ndarray, dataset: Dataset) -> None:
    broken = np.flatnonzero([not np.isfinite(each).all() for each in logits])
    if len(broken):
        raise BundleFormatError(
            f"the model answers {len(broken):,} of {len(logits):,} images with something that is"
            f" not a number, first {dataset.rows[broken[0]].path}. No figure can be trusted;"
            " export the bundle again."
        )
