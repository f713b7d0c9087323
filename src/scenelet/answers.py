"""Answers: what a model says of many pictures. The one place that asks it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from scenelet.bundle.profile import picture_measures
from scenelet.bundle.runtime import BundleModel
from scenelet.bundle.travelling import files_of, unpacked
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.row import Row
from scenelet.engine import Engine, Part, gathered
from scenelet.errors import BundleFormatError
from scenelet.images import PreprocessSpec
from scenelet.parallel import cores, in_parallel
from scenelet.progress import SILENT, Progress
from scenelet.quiet import quiet

Floats = Sequence[float] | np.ndarray
_Told = tuple[Floats, Floats, dict[str, float]]  # logits, features, measures
_PART = 256  # pictures that a worker of an engine is asked at a time


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

    def one(row: Row) -> _Told:
        pixels = dataset.input(row, spec)
        measures = picture_measures(Image.fromarray(pixels[0])) if measured else {}
        return *model.answer(pixels), measures

    with progress.counting("asking the model", len(dataset)) as advance:
        told = list(in_parallel(one, dataset.rows, advance, dataset.is_far))
    return _answers(told, dataset, measured)


def ask_by(
    engine: Engine, bundle: Path, dataset: Dataset, spec: PreprocessSpec, progress: Progress
) -> Answers:
    """As `ask`, of a bundle, by the workers of an engine; its files go to each of them.

    Raises:
        UnreadableImageError: A file changed since it was examined.
        DataError: Its pixels are not those that the manifest speaks of.
        BundleError: The bundle can't be trusted, or answers with something that is not a number.
    """
    alone = Dataset(dataset.source, (), is_verified=dataset.is_verified)
    asking = _Asking(files_of(bundle), alone, spec)
    with progress.counting("asking the model", len(dataset)) as advance:
        told = gathered(engine, asking, dataset.rows, _PART, advance)
    return _answers(told, dataset, measured=False)


@dataclass(frozen=True)
class _Asking:
    """Makes a worker that asks a bundle about parts of a data set; plain values: it may travel."""

    bundle: Mapping[str, bytes]
    dataset: Dataset
    spec: PreprocessSpec

    def __call__(self) -> Callable[[Part[Row]], list[_Told]]:
        with unpacked(self.bundle) as folder:
            model = open_bundle(folder, copies=1)

        def answered(part: Part[Row]) -> list[_Told]:
            found = ask(model, self.dataset.of(part.items), self.spec)
            return [(*each, {}) for each in zip(found.logits, found.features, strict=True)]

        return answered


def _answers(told: Sequence[_Told], dataset: Dataset, measured: bool) -> Answers:
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
