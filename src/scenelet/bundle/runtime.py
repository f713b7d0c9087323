"""Run a bundle's LiteRT model: model input to logits to probabilities. Torch-free; knows nothing of files' bytes or HTTP."""

import threading
from pathlib import Path

import numpy as np

from scenelet.bundle.manifest import LITERT, Manifest, read_manifest, verify_files
from scenelet.errors import BundleFormatError


class LiteRTModel:
    """A loaded LiteRT model; safe to call from several threads (one at a time computes)."""

    def __init__(self, content: bytes, origin: str, threads: int = 1) -> None:
        """Load.

        Args:
            content: Of a .tflite file.
            origin: Its name, for messages.
            threads: To compute with.

        Raises:
            BundleFormatError: Not a LiteRT model with one uint8 NHWC input and one output.
        """
        from ai_edge_litert.interpreter import Interpreter

        try:
            self._interpreter = Interpreter(model_content=content, num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise BundleFormatError(f"{origin}: not a LiteRT model that runs here: {error}") from error
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        shape = tuple(int(size) for size in inputs[0]["shape"])
        if len(inputs) != 1 or len(outputs) != 1 or inputs[0]["dtype"] != np.uint8 or len(shape) != 4 or shape[3] != 3:
            raise BundleFormatError(f"{origin}: found input {inputs[0]['dtype'].__name__} {shape}, expected one uint8 NHWC.")
        self.input_shape = shape
        self.class_count = int(outputs[0]["shape"][-1])
        self._input, self._output = inputs[0]["index"], outputs[0]["index"]
        self._lock = threading.Lock()

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """Compute one image's logits.

        Args:
            pixels: (1, height, width, 3) uint8.

        Returns:
            (classes,) float32.
        """
        with self._lock:
            self._interpreter.set_tensor(self._input, pixels)
            self._interpreter.invoke()
            return np.array(self._interpreter.get_tensor(self._output)[0], np.float32)


class BundleModel:
    """A bundle's manifest and its loaded LiteRT model."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        """Open a bundle; the model's checksum is verified before it is loaded.

        Raises:
            BundleFormatError: Incomplete, of another format version, or model and manifest do not fit together.
            BundleTamperedError: The model is not the one that was exported.
        """
        self.folder = folder
        self.manifest: Manifest = read_manifest(folder)
        verify_files(folder, self.manifest, only=(LITERT,))
        self._model = LiteRTModel((folder / LITERT).read_bytes(), str(folder / LITERT), threads)
        spec, names = self.manifest.preprocess, self.manifest.class_names
        if self._model.input_shape != (1, spec.height, spec.width, 3) or self._model.class_count != len(names):
            raise BundleFormatError(
                f"{folder}: the model takes {self._model.input_shape} and knows {self._model.class_count} classes, "
                f"bundle.json says {spec.height} x {spec.width} pixels and {len(names)} classes. Export the bundle again."
            )

    def logits(self, pixels: np.ndarray) -> np.ndarray:
        """(1, height, width, 3) uint8 to (classes,) float32 logits."""
        return self._model.logits(pixels)

    def probabilities(self, pixels: np.ndarray) -> np.ndarray:
        """(1, height, width, 3) uint8 to (classes,) float64 calibrated probabilities that sum to 1."""
        return softmax(self.logits(pixels), self.manifest.temperature)


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities along the last axis, float64; logits are divided by the temperature first."""
    scaled = np.asarray(logits, np.float64) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)  # type: ignore[no-any-return]
