"""What a run's kept weights answer to pictures that it did not learn from, class by class."""

from collections.abc import Sequence

import numpy as np
import torch

from scenelet.learn.networks import normalise
from scenelet.learn.pretrained import load_run_network
from scenelet.runs.run import Run

_BATCH = 128


def logits_of(run: Run, images: np.ndarray, device: str = "cpu") -> np.ndarray:
    """(n, height, width, 3) uint8 to (n, classes) logits."""
    network = load_run_network(run).eval().to(device)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2)
    with torch.inference_mode():
        parts = [
            network(normalise(batch.to(device))).float().cpu() for batch in pixels.split(_BATCH)
        ]
    return np.asarray(torch.cat(parts))


def by_class(
    labels: np.ndarray, logits: np.ndarray, class_names: Sequence[str]
) -> dict[str, tuple[int, int]]:
    """Of each class how many pictures were answered rightly, and how many there are.

    Args:
        labels: (n,) class indices.
        logits: (n, classes).
        class_names: In the order of the logits.
    """
    right = np.bincount(labels[logits.argmax(1) == labels], minlength=len(class_names))
    images = np.bincount(labels, minlength=len(class_names))
    counts = zip(right.tolist(), images.tolist(), strict=True)
    return dict(zip(class_names, counts, strict=True))
