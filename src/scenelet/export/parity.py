"""Parity: whether checkpoint, LiteRT and ONNX give the same probabilities for the same bytes."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

import numpy as np
import torch

from scenelet.bundle.numeric import softmax
from scenelet.bundle.runtime import LiteRTModel
from scenelet.errors import ParityError
from scenelet.export.convert import ServingNetwork
from scenelet.images import PreprocessSpec, to_input

TOLERANCE = 1e-3
HALF_PRECISION_TOLERANCE = 5e-3  # weights rounded to 11 bits move probabilities by some 1e-4
Logits = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Parity:
    """Largest differences of any class's probability over all images.

    Attributes:
        images: How many were compared.
        checkpoint_litert: Between the PyTorch checkpoint and LiteRT.
        checkpoint_onnx: Between the PyTorch checkpoint and ONNX.
        litert_onnx: Between LiteRT and ONNX.
    """

    images: int
    checkpoint_litert: float
    checkpoint_onnx: float
    litert_onnx: float

    @property
    def worst(self) -> float:
        """Of the three."""
        return max(self.checkpoint_litert, self.checkpoint_onnx, self.litert_onnx)

    def as_dict(self) -> dict[str, float]:
        """Plain values for JSON."""
        return asdict(self)


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
    checkpoint: Logits,
    litert: Logits,
    onnx: Logits,
    files: Iterable[bytes],
    spec: PreprocessSpec,
    temperature: float = 1.0,
) -> Parity:
    """Ask all three about each file, from its raw bytes.

    Args:
        checkpoint: Logits of the trained network.
        litert: Logits of the .tflite file.
        onnx: Logits of the .onnx file.
        files: Whole image files.
        spec: Preprocessing of the bundle.
        temperature: Of the bundle.

    Raises:
        ImageError: One of the files can't be used.
    """
    inputs = [to_input(data, spec) for data in files]
    answers = [
        softmax(np.stack([ask(pixels) for pixels in inputs]), temperature)
        for ask in (checkpoint, litert, onnx)
    ]
    gaps = [float(np.abs(answers[a] - answers[b]).max()) for a, b in ((0, 1), (0, 2), (1, 2))]
    return Parity(len(inputs), *gaps)


def require_parity(parity: Parity, tolerance: float = TOLERANCE) -> None:
    """Refuse models that disagree.

    Raises:
        ParityError: The largest difference is over the tolerance, or not a number.
    """
    if not parity.worst <= tolerance:
        raise ParityError(
            "checkpoint, LiteRT and ONNX disagree: found a probability difference of"
            f" {parity.worst:.2g}, expected at most {tolerance:g}; no bundle was written. Export"
            " again; if it stays, report the versions in environment.json."
        )
