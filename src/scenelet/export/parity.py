"""Parity: whether checkpoint and exported files give the same probabilities for the same bytes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch

from scenelet.bundle.figures import Parity
from scenelet.bundle.numeric import softmax
from scenelet.errors import ParityError
from scenelet.export.convert import ServingNetwork
from scenelet.images import PreprocessSpec, to_input

TOLERANCE = 1e-3
Logits = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Candidate:
    """A model to compare with others.

    Attributes:
        name: For people.
        logits: (1, height, width, 3) uint8 -> (classes,) float32.
        tolerance: Most that its probabilities may differ from another's.
    """

    name: str
    logits: Logits
    tolerance: float = TOLERANCE


def checkpoint_logits(network: ServingNetwork) -> Logits:
    """The checkpoint as a function: (1, height, width, 3) uint8 -> (classes,) float32."""

    def compute(pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return network(torch.from_numpy(pixels.copy()))[0].numpy()[0]  # type: ignore[no-any-return]

    return compute


def measure_parity(
    groups: Iterable[Sequence[Candidate]],
    files: Iterable[bytes],
    spec: PreprocessSpec,
    temperature: float = 1.0,
) -> Parity:
    """Ask models about each file, from its raw bytes, and compare those of a group pair by pair.

    Args:
        groups: Of models that should agree.
        files: Whole image files.
        spec: Preprocessing of the bundle.
        temperature: Of the bundle.

    Raises:
        ImageError: One of the files can't be used.
        ParityError: A difference is over the tolerance of both, or not a number.
    """
    inputs = [to_input(data, spec) for data in files]
    differences = {}
    for group in groups:
        answers = [
            softmax(np.stack([each.logits(pixels) for pixels in inputs]), temperature)
            for each in group
        ]
        for (first, a), (second, b) in combinations(zip(group, answers, strict=True), 2):
            difference = float(np.abs(a - b).max())
            _require_small(first, second, difference)
            differences[f"{first.name} - {second.name}"] = difference
    return Parity(len(inputs), differences)


def _require_small(first: Candidate, second: Candidate, difference: float) -> None:
    allowed = max(first.tolerance, second.tolerance)
    if not difference <= allowed:
        raise ParityError(
            f"{first.name} and {second.name} disagree: found a probability difference of"
            f" {difference:.2g}, expected at most {allowed:g}; no bundle was written. Export"
            " again; if it stays, report the versions in environment.json."
        )
