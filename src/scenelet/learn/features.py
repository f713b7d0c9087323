"""Features of pictures by a network that is not trained, kept: no picture is computed twice.

A killed pass goes on where it stopped, and ends with the same bits. Knows nothing of labels.
"""

import hashlib
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from scenelet.artefacts import make_folder, write_bytes
from scenelet.dataset.dataset import Dataset
from scenelet.errors import ArtefactError
from scenelet.images import PreprocessSpec
from scenelet.learn.networks import headless, normalise
from scenelet.learn.pretrained import Pretrained
from scenelet.progress import SILENT, Progress

BATCH = 32  # always full, so that a picture's features hang on nothing but the picture
PART = 8 * BATCH  # pictures a file of the cache: what a killed pass loses at most
VIEWS: dict[str, Callable[[Tensor], Tensor]] = {
    "as it is": lambda pixels: pixels,
    "mirrored": lambda pixels: pixels.flip(-1),
    "upside down": lambda pixels: pixels.flip(-2),
    "a quarter turned": lambda pixels: pixels.rot90(1, (-2, -1)),
}


@dataclass(frozen=True)
class Lens:
    """How pictures are looked at.

    Attributes:
        network: Normalised pixels to what is wanted of them.
        weights: Hash of the network's weights, and what is wanted: "features" or "logits".
        spec: Preprocessing, with the size in pixels.
        precision: "fp32" or "bf16".
        view: Of `VIEWS`.
    """

    network: nn.Module
    weights: str
    spec: PreprocessSpec
    precision: str = "fp32"
    view: str = "as it is"

    @classmethod
    def features(
        cls, pretrained: Pretrained, spec: PreprocessSpec, precision: str = "fp32"
    ) -> "Lens":
        """A pretrained network without its head."""
        weights = f"{pretrained.described['weights']} features"
        return cls(headless(pretrained.network), weights, spec, precision)

    @classmethod
    def logits(
        cls, pretrained: Pretrained, spec: PreprocessSpec, precision: str = "fp32"
    ) -> "Lens":
        """A pretrained network as it is."""
        return cls(pretrained.network, f"{pretrained.described['weights']} logits", spec, precision)

    @property
    def key(self) -> str:
        """Changes with whatever changes a feature."""
        told = f"{self.weights} {self.spec} {self.precision} {self.view} {torch.__version__}"
        return hashlib.blake2b(told.encode(), digest_size=16).hexdigest()

    def look(self, pictures: np.ndarray) -> np.ndarray:
        """(n, height, width, 3) uint8 pictures, n at most `BATCH`, to (n, features) float32."""
        full = np.zeros((BATCH, *pictures.shape[1:]), np.uint8)
        full[: len(pictures)] = pictures
        pixels = VIEWS[self.view](normalise(torch.from_numpy(full).permute(0, 3, 1, 2)))
        with (
            torch.inference_mode(),
            torch.autocast("cpu", torch.bfloat16, self.precision == "bf16"),
        ):
            found: Tensor = self.network(pixels.contiguous(memory_format=torch.channels_last))
        values: np.ndarray = found.float().numpy()
        return values[: len(pictures)].copy()


def features_of(
    dataset: Dataset, lens: Lens, progress: Progress = SILENT, cache: Path | None = None
) -> np.ndarray:
    """Features of each row's picture, from the cache where they lie there.

    Args:
        dataset: Rows in use that were examined (each has its pixel hash).
        lens: How to look.
        progress: Is told how it goes on.
        cache: Folder to keep them in; None takes the user's.

    Returns:
        (rows, features) float32.

    Raises:
        UnreadableImageError: An image can't be decoded.
    """
    folder = (cache or cache_folder()) / lens.key
    known = dict(_kept(folder, {row.pixel_hash for row in dataset.rows}))
    missing = list(
        {row.pixel_hash: row for row in dataset.rows if row.pixel_hash not in known}.values()
    )
    if missing:
        known |= _computed(dataset.of(missing), lens, folder, progress)
    return np.stack([known[row.pixel_hash] for row in dataset.rows])


def cache_folder() -> Path:
    """Where features are kept; may be deleted at any time."""
    return Path.home() / ".cache" / "scenelet" / "features"


def _kept(folder: Path, wanted: set[str]) -> Iterator[tuple[str, np.ndarray]]:
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as part:
            for name, values in zip(part["pixels"].tolist(), part["features"], strict=True):
                if name in wanted:
                    yield name, values


def _computed(
    dataset: Dataset, lens: Lens, folder: Path, progress: Progress
) -> dict[str, np.ndarray]:
    """Look at every picture; a file of the cache for each part of them."""
    lens.network.eval().to(memory_format=torch.channels_last)
    known: dict[str, np.ndarray] = {}
    unkept = ""
    names = iter([row.pixel_hash for row in dataset.rows])
    pictures = dataset.inputs(lens.spec, progress)
    while part := list(islice(names, PART)):
        found = [
            lens.look(np.concatenate(list(islice(pictures, min(BATCH, len(part) - start)))))
            for start in range(0, len(part), BATCH)
        ]
        features = np.concatenate(found)
        unkept = unkept or _kept_or_why(folder, part, features)
        known |= dict(zip(part, features, strict=True))
    if unkept:
        progress.say(f"what was seen is not kept for the next time: {unkept}")
    return known


def _kept_or_why(folder: Path, names: Sequence[str], features: np.ndarray) -> str:
    """Keep features; why they can't be, which costs time the next time and nothing else."""
    try:
        _keep(folder, names, features)
    except ArtefactError as error:
        return str(error)
    return ""


def _keep(folder: Path, names: Sequence[str], features: np.ndarray) -> None:
    content: dict[str, Any] = {"pixels": np.array(names), "features": features}
    buffer = io.BytesIO()
    np.savez(buffer, **content)
    name = hashlib.blake2b("".join(names).encode(), digest_size=8).hexdigest()
    write_bytes(make_folder(folder) / f"{name}.npz", buffer.getvalue())
