"""The formats that a bundle comes in: a table.

Another one is an entry here, and a file that converts it.

Knows nothing of contracts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from scenelet.bundle.contract import LITERT, ONNX
from scenelet.bundle.runtime import LiteRTModel
from scenelet.export.convert import ONNX_IR, ONNX_OPSET, ServingNetwork, to_litert, to_onnx
from scenelet.export.parity import TOLERANCE, Logits
from scenelet.export.quantize import litert_to_fp16, litert_to_int8, onnx_to_fp16

HALF_PRECISION_TOLERANCE = 5e-3  # weights rounded to 11 bits move probabilities by some 1e-4
NO_LIMIT = float("inf")  # what 8 bits cost is limited by accuracy, not by probabilities
MODES = ("none", "fp16", "int8")
CALIBRATION_IMAGES = 256


@dataclass(frozen=True)
class Shrinking:
    """A smaller file out of a float one.

    Attributes:
        apply: (float file, model inputs (1, height, width, 3) of training images) -> file.
        tolerance: Most that any probability may move.
    """

    apply: Callable[[bytes, Sequence[np.ndarray]], bytes]
    tolerance: float


@dataclass(frozen=True)
class Format:
    """A format to export to.

    Attributes:
        name: For people.
        file: In the bundle.
        about: What a person should know of the file, for the card.
        convert: (network, image size in pixels) -> float file.
        logits: File -> how to ask it.
        shrinking: By mode; of a mode that is not there, the float file is kept.
    """

    name: str
    file: str
    about: str
    convert: Callable[[ServingNetwork, int], bytes]
    logits: Callable[[bytes], Logits]
    shrinking: Mapping[str, Shrinking] = field(default_factory=dict)

    def shrunk(self, content: bytes, mode: str, calibration: Sequence[np.ndarray]) -> bytes:
        """The file as it will stand in the bundle."""
        how = self.shrinking.get(mode)
        return how.apply(content, calibration) if how else content

    def tolerance(self, mode: str) -> float:
        """Most that a probability may differ from the checkpoint's."""
        how = self.shrinking.get(mode)
        return how.tolerance if how else TOLERANCE


def litert_logits(content: bytes) -> Logits:
    """A .tflite file as a function: (1, height, width, 3) uint8 -> (classes,) float32."""
    return LiteRTModel(content, LITERT).logits


def onnx_logits(content: bytes) -> Logits:
    """An ONNX file as a function: (1, height, width, 3) uint8 -> (classes,) float32."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def compute(pixels: np.ndarray) -> np.ndarray:
        return np.asarray(session.run(None, {"images": pixels})[0][0])

    return compute


def _half(shrink: Callable[[bytes], bytes]) -> Shrinking:
    return Shrinking(lambda content, _: shrink(content), HALF_PRECISION_TOLERANCE)


LITERT_FORMAT = Format(
    name="LiteRT",
    file=LITERT,
    about="what `predict`, the service and every figure here use",
    convert=to_litert,
    logits=litert_logits,
    shrinking={"fp16": _half(litert_to_fp16), "int8": Shrinking(litert_to_int8, NO_LIMIT)},
)
ONNX_FORMAT = Format(
    name="ONNX",
    file=ONNX,
    about=f"the same network for any number of images, opset {ONNX_OPSET}, IR version {ONNX_IR}",
    convert=to_onnx,
    logits=onnx_logits,
    shrinking={"fp16": _half(onnx_to_fp16), "int8": _half(onnx_to_fp16)},
)
FORMATS = (LITERT_FORMAT, ONNX_FORMAT)
SERVED = LITERT_FORMAT
