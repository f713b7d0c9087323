"""Run a bundle's LiteRT model: model input to logits and features.

Without numpy; knows nothing of files' bytes or HTTP.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scenelet.bundle.contract import DISTANCE, LITERT, Contract, read_contract, verify_files
from scenelet.bundle.litert import LiteRTError, Pool
from scenelet.bundle.scores import BOTH, ENERGY, energy
from scenelet.bundle.task import TASKS, Task
from scenelet.errors import BundleFormatError

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence

    import numpy as np

OUTPUTS = ("output_0", "output_1")  # logits and features, by their names in the file


class LiteRTModel:
    """A loaded LiteRT model.

    Safe to call from several threads, of which as many compute at once as there are copies.
    """

    def __init__(self, content: bytes, origin: str, copies: int = 1) -> None:
        """Load.

        Args:
            content: Of a .tflite file.
            origin: Its name, for messages.
            copies: Answers computed at once, each on one thread.

        Raises:
            BundleFormatError: Not a LiteRT model with one uint8 NHWC input, and logits and features
                as outputs.
        """
        self._pool = _load(content, origin, copies)
        taken, given = self._pool.inputs[0], {output.name: output for output in self._pool.outputs}
        if taken.code != "B" or len(taken.shape) != 4 or taken.shape[3] != 3:
            raise BundleFormatError(
                f"{origin}: found input {taken.shape} of code {taken.code}, expected one uint8"
                " NHWC."
            )
        if set(given) != set(OUTPUTS):
            raise BundleFormatError(
                f"{origin}: found outputs {sorted(given)}, expected logits and features. Export it"
                " again."
            )
        self.input_shape = taken.shape
        self.class_count, self.feature_count = (given[name].shape[-1] for name in OUTPUTS)
        self._order = [list(given).index(name) for name in OUTPUTS]

    def answer(self, pixels: bytes | np.ndarray) -> tuple[array[float], array[float]]:
        """Compute one image's logits, and the features that they are made of.

        Args:
            pixels: (1, height, width, 3) uint8, or their bytes.

        Returns:
            (classes,) and (features,) floats.
        """
        outputs = self._pool.run(pixels if isinstance(pixels, bytes) else pixels.tobytes())
        logits, features = (outputs[place] for place in self._order)
        return logits, features

    def logits(self, pixels: bytes | np.ndarray) -> np.ndarray:
        """(1, height, width, 3) uint8 to (classes,) float32, in numpy."""
        import numpy as np

        return np.asarray(self.answer(pixels)[0], np.float32)


class BundleModel:
    """A bundle's contract and its loaded LiteRT model."""

    def __init__(self, folder: Path, copies: int = 1) -> None:
        """Open a bundle; the model's checksum is verified before it is loaded.

        Args:
            folder: Of the bundle.
            copies: Answers computed at once, each on one thread.

        Raises:
            BundleFormatError: Incomplete, of another format version, or model and contract do not
                fit together.
            BundleTamperedError: The model is not the one that was exported.
        """
        self.folder = folder
        self.contract: Contract = read_contract(folder)
        self.task: Task = TASKS[self.contract.task]
        contents = verify_files(folder, self.contract, only=(LITERT, DISTANCE))
        self.model = LiteRTModel(contents[LITERT], str(folder / LITERT), copies)
        spec, names = self.contract.preprocess, self.contract.class_names
        if self.model.input_shape != (
            1,
            spec.height,
            spec.width,
            3,
        ) or self.model.class_count != len(names):
            raise BundleFormatError(
                f"{folder}: the model takes {self.model.input_shape} and knows"
                f" {self.model.class_count} classes, bundle.json says {spec.height} x {spec.width}"
                f" pixels and {len(names)} classes. Export the bundle again."
            )
        self._distance = _load(contents[DISTANCE], str(folder / DISTANCE), copies)
        taken = self._distance.inputs[0]
        if (taken.code, taken.shape) != ("f", (1, self.model.feature_count)):
            raise BundleFormatError(
                f"{folder}: the model computes {self.model.feature_count} features, {DISTANCE}"
                f" takes {taken.shape}. Export the bundle again."
            )

    def answer(self, pixels: bytes | np.ndarray) -> tuple[array[float], array[float]]:
        """(1, height, width, 3) uint8, or their bytes, to (classes,) logits and (features,)."""
        return self.model.answer(pixels)

    def logits(self, pixels: bytes | np.ndarray) -> np.ndarray:
        """(1, height, width, 3) uint8 to (classes,) float32 logits, in numpy."""
        return self.model.logits(pixels)

    def stranger_score(self, logits: Sequence[float], features: array[float] | np.ndarray) -> float:
        """How little a picture looks like the training pictures, by the bundle's score."""
        return self._score(self.contract.stranger_score, logits, features)

    def _score(
        self, name: str, logits: Sequence[float], features: array[float] | np.ndarray
    ) -> float:
        if name == ENERGY:
            return energy(logits, self.contract.temperature)
        if name == BOTH:
            scales = self.contract.stranger_scales.items()
            parts = [
                (self._score(each, logits, features) - scale.mean) / scale.deviation
                for each, scale in scales
            ]
            return sum(parts) / len(parts)
        return self.distance(features)

    def distance(self, features: array[float] | np.ndarray) -> float:
        """How far a picture's float32 features are from those of the training pictures.

        About 1 for these.
        """
        return self._distance.run(features.tobytes())[0][0]


def _load(content: bytes, origin: str, copies: int) -> Pool:
    try:
        return Pool(content, copies)
    except LiteRTError as error:
        raise BundleFormatError(f"{origin}: not a LiteRT model that runs here: {error}") from error
