"""The training profile: how bright, sharp and near the pictures were that a bundle was made from. Torch-free."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

BINS = 20


def picture_measures(pixels: np.ndarray) -> dict[str, float]:
    """Brightness and sharpness (both 0-1) of a model input (1, height, width, 3) uint8, on every other row and column."""
    grey = pixels[0, ::2, ::2].sum(-1, dtype=np.int16)  # 0 to 765
    edges = np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()
    return {"brightness": round(float(grey.mean()) / 765, 4), "sharpness": round(float(edges) / 765, 4)}


def profile_of(measures: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Each measure's bin edges, which cut it into equal shares, and the share of each bin.

    Args:
        measures: Name -> values, one a picture.
    """
    profile = {}
    for name, values in measures.items():
        edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]).round(5))
        counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
        profile[name] = {"edges": edges.tolist(), "shares": (counts / max(1, counts.sum())).round(5).tolist()}
    return profile
