"""Decode the images of a data set on all cores into one array."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scenelet.dataset.dataset import Dataset
from scenelet.images import PreprocessSpec
from scenelet.parallel import Advance, in_parallel, silent


@dataclass(frozen=True)
class Pixels:
    """Decoded images in memory.

    Attributes:
        images: (n, height, width, 3) uint8.
        labels: (n,) int64 class indices.
    """

    images: np.ndarray
    labels: np.ndarray


def load_pixels(
    dataset: Dataset,
    class_names: Sequence[str],
    spec: PreprocessSpec,
    advance: Advance = silent,
    exact: bool = True,
    into: np.ndarray | None = None,
) -> Pixels:
    """Decode a data set into one array.

    Args:
        dataset: Images in use.
        class_names: Class order; every label must be among them.
        spec: Size to bring each image to.
        advance: Called after each image.
        exact: As `Dataset.input` says.
        into: (n, height, width, 3) uint8 to fill, for example in a file; None for memory.

    Raises:
        UnreadableImageError: A file changed since it was examined.
        DataError: Its pixels are not those that the manifest speaks of.
    """
    shape = (len(dataset), spec.height, spec.width, 3)
    images = np.empty(shape, np.uint8) if into is None else into

    def fill(position: int) -> None:
        images[position] = dataset.input(dataset.rows[position], spec, exact)[0]

    for _ in in_parallel(fill, range(len(dataset)), advance, dataset.is_far):
        pass
    return Pixels(images, dataset.label_indices(class_names))
