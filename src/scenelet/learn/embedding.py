"""Embeddings of pictures by a pretrained backbone: what it sees, whatever the classes are."""

from collections.abc import Callable

import numpy as np

from scenelet.dataset.dataset import Dataset
from scenelet.images import PreprocessSpec
from scenelet.learn.backbones import BACKBONES
from scenelet.learn.efficientnet import FEATURES
from scenelet.learn.features import Lens, features_of
from scenelet.learn.pretrained import open_pretrained
from scenelet.progress import Progress

SIDE = 160  # in pixels: more costs time, and finds no more doubtful labels


def is_here(name: str) -> bool:
    """Whether a backbone's weights are installed."""
    return BACKBONES[name].path is not None


def embedding(name: str) -> Callable[[Dataset, Progress], np.ndarray]:
    """What looks at examined pictures and returns (n, features) float32; kept in the cache.

    Args:
        name: Of a backbone.

    Raises:
        MissingExtraError: Its weights are not installed.
    """
    lens = Lens.features(open_pretrained(name, "--init"), PreprocessSpec(SIDE, SIDE))

    def look(dataset: Dataset, progress: Progress) -> np.ndarray:
        return features_of(dataset, lens, progress)[:, :FEATURES]  # by which likeness was measured

    return look
