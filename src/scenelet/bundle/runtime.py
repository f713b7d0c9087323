"""Run a bundle's LiteRT model: model input to logits to probabilities. Torch-free; knows nothing of files' bytes or HTTP."""

import queue
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from scenelet.bundle.features import energy, read_feature_space
from scenelet.bundle.manifest import FEATURES, LITERT, Manifest, read_manifest, verify_files
from scenelet.errors import BundleFormatError

OUTPUTS = ("output_0", "output_1")  # logits and features, by their names in the file


class LiteRTModel:
    """A loaded LiteRT model; safe to call from several threads, of which as many compute at once as there are copies."""

    def __init__(self, content: bytes, origin: str, threads: int = 1, copies: int = 1) -> None:
        """Load.

        Args:
            content: Of a .tflite file.
            origin: Its name, for messages.
            threads: To compute one answer with.
            copies: Answers computed at once.

        Raises:
            BundleFormatError: Not a LiteRT model with one uint8 NHWC input, and logits and features as outputs.
        """
        from ai_edge_litert.interpreter import Interpreter

        try:
            interpreters = [Interpreter(model_content=content, num_threads=threads) for _ in range(copies)]
            for interpreter in interpreters:
                interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BundleFormatError(f"{origin}: not a LiteRT model that runs here: {error}") from error
        inputs, outputs = interpreters[0].get_input_details(), interpreters[0].get_output_details()
        shape = tuple(int(size) for size in inputs[0]["shape"])
        if len(inputs) != 1 or inputs[0]["dtype"] != np.uint8 or len(shape) != 4 or shape[3] != 3:
            raise BundleFormatError(f"{origin}: found input {inputs[0]['dtype'].__name__} {shape}, expected one uint8 NHWC.")
        by_name = {name: detail for name in OUTPUTS for detail in outputs if name in detail["name"]}
        if len(outputs) != 2 or len(by_name) != 2:
            raise BundleFormatError(f"{origin}: found {len(outputs)} outputs, expected logits and features. Export it again.")
        self.input_shape = shape
        self._input, self._outputs = inputs[0]["index"], [by_name[name] for name in OUTPUTS]
        self.class_count, self.feature_count = (int(detail["shape"][-1]) for detail in self._outputs)
        self._free: queue.LifoQueue[Any] = queue.LifoQueue()
        for interpreter in interpreters:
            self._free.put(interpreter)

    def answer(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute one image's logits, and the features that they are made of.

        Args:
            pixels: (1, height, width, 3) uint8.

        Returns:
            (classes,) and (features,) float32.
        """
        interpreter = self._free.get()
        try:
            interpreter.set_tensor(self._input, pixels)
            interpreter.invoke()
            logits, features = (_read(interpreter, detail) for detail in self._outputs)
        finally:
            self._free.put(interpreter)
        return logits, features

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """(1, height, width, 3) uint8 to (classes,) float32."""
        return self.answer(pixels)[0]


def latencies_ms(models: Sequence[LiteRTModel], calls: int = 200) -> list[float]:
    """Median milliseconds of each model for one grey image, asked in turn so that a machine that slows down slows all."""
    inputs = [np.full(model.input_shape, 127, np.uint8) for model in models]
    seconds: list[list[float]] = [[] for _ in models]
    for _ in range(calls):
        for model, pixels, taken in zip(models, inputs, seconds, strict=True):
            start_s = time.perf_counter()
            model.answer(pixels)
            taken.append(time.perf_counter() - start_s)
    return [round(1000 * median(taken), 3) for taken in seconds]


def _read(interpreter: Any, detail: dict[str, Any]) -> np.ndarray:
    values = np.array(interpreter.get_tensor(detail["index"])[0], np.float32)
    scale, zero = detail["quantization"]  # (0, 0) for floats
    return (values - zero) * np.float32(scale) if scale else values


class BundleModel:
    """A bundle's manifest and its loaded LiteRT model."""

    def __init__(self, folder: Path, threads: int = 1, copies: int = 1) -> None:
        """Open a bundle; the model's checksum is verified before it is loaded. Threads and copies as for `LiteRTModel`.

        Raises:
            BundleFormatError: Incomplete, of another format version, or model and manifest do not fit together.
            BundleTamperedError: The model is not the one that was exported.
        """
        self.folder = folder
        self.manifest: Manifest = read_manifest(folder)
        verify_files(folder, self.manifest, only=(LITERT, FEATURES))
        self.features = read_feature_space((folder / FEATURES).read_bytes(), str(folder / FEATURES))
        self.model = LiteRTModel((folder / LITERT).read_bytes(), str(folder / LITERT), threads, copies)
        spec, names = self.manifest.preprocess, self.manifest.class_names
        if self.model.input_shape != (1, spec.height, spec.width, 3) or self.model.class_count != len(names):
            raise BundleFormatError(
                f"{folder}: the model takes {self.model.input_shape} and knows {self.model.class_count} classes, "
                f"bundle.json says {spec.height} x {spec.width} pixels and {len(names)} classes. Export the bundle again."
            )
        if self.model.feature_count != len(self.features.mean):
            raise BundleFormatError(
                f"{folder}: the model computes {self.model.feature_count} features, {FEATURES} describes "
                f"{len(self.features.mean)}. Export the bundle again."
            )

    def answer(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(1, height, width, 3) uint8 to (classes,) float32 logits and (features,) float32."""
        return self.model.answer(pixels)

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """(1, height, width, 3) uint8 to (classes,) float32 logits."""
        return self.model.logits(pixels)

    def stranger_score(self, logits: np.ndarray, features: np.ndarray) -> float:
        """How little a picture looks like the training pictures, by the score that the bundle says."""
        if self.manifest.stranger_score == "energy":
            return float(energy(logits, self.manifest.temperature))
        return self.distance(features)

    def distance(self, features: np.ndarray) -> float:
        """How far a picture's features are from those of the training pictures; about 1 for these."""
        return float(self.features.distance(features))

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """(1, height, width, 3) uint8 to (classes,) float64 calibrated probabilities that sum to 1."""
        return softmax(self.logits(pixels), self.manifest.temperature)


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities along the last axis, float64; logits are divided by the temperature first."""
    scaled = np.asarray(logits, np.float64) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)  # type: ignore[no-any-return]
