"""Parity: whether checkpoint, LiteRT and ONNX give the same probabilities for the same bytes."""

from collections.abc import Callable, Iterable, Mapping
from itertools import combinations

import numpy as np
import torch

from scenelet.bundle.figures import Parity
from scenelet.bundle.numeric import softmax
from scenelet.bundle.runtime import LiteRTModel
from scenelet.errors import ParityError
from scenelet.export.convert import ServingNetwork
from scenelet.images import PreprocessSpec, to_input

TOLERANCE = 1e-3
HALF_PRECISION_TOLERANCE = 5e-3  # weights rounded to 11 bits move probabilities by some 1e-4
Logits = Callable[[np.ndarray], np.ndarray]


def checkpoint_logits(network: ServingNetwork) -> Logits:
    """The checkpoint as a function: (1, height, width, 3) uint8 -> (classes,) float32."""

    def compute(pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return network(torch.from_numpy(pixels.copy()))[0].numpy()[0]  # type: ignore[no-any-return]

    return compute


def onnx_logits(content: bytes) -> Logits:
    """An ONNX file as a function: (1, height, width, 3) uint8 -> (classes,) float32."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def compute(pixels: np.ndarray) -> np.ndarray:
        return np.asarray(session.run(None, {"images": pixels})[0][0])

    return compute


def litert_logits(content: bytes) -> Logits:
    """A .tflite file as a function: (1, height, width, 3) uint8 -> (classes,) float32."""
    return LiteRTModel(content, "model.tflite").logits


def measure_parity(
    models: Mapping[str, Logits],
    files: Iterable[bytes],
    spec: PreprocessSpec,
    temperature: float = 1.0,
) -> Parity:
    """Ask all models about each file, from its raw bytes, and compare them pair by pair.

    Args:
        models: Name -> logits.
        files: Whole image files.
        spec: Preprocessing of the bundle.
        temperature: Of the bundle.

    Raises:
        ImageError: One of the files can't be used.
    """
    inputs = [to_input(data, spec) for data in files]
    answers = {
        name: softmax(np.stack([ask(pixels) for pixels in inputs]), temperature)
        for name, ask in models.items()
    }
    differences = {
        f"{first} - {second}": float(np.abs(answers[first] - answers[second]).max())
        for first, second in combinations(answers, 2)
    }
    return Parity(len(inputs), differences)


def require_parity(parity: Parity, tolerance: float = TOLERANCE) -> None:
    """Refuse models that disagree.

    Raises:
        ParityError: The largest difference is over the tolerance, or not a number.
    """
    for pair, difference in parity.differences.items():
        if not difference <= tolerance:
            raise ParityError(
                f"{pair}: they disagree; found a probability difference of {difference:.2g},"
                f" expected at most {tolerance:g}; no bundle was written. Export again; if it"
                " stays, report the versions in environment.json."
            )
