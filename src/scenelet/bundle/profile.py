"""The training profile: how bright, sharp and near the pictures were that a bundle was made from.

Measuring needs no numpy.
"""

import math
from collections.abc import Mapping, Sequence
from operator import mul

from PIL import Image, ImageChops

from scenelet.bundle.figures import Histogram
from scenelet.bundle.logline import DIGITS

BINS = 20
_LEVELS = range(256)
_SQUARES = tuple(level**2 for level in _LEVELS)


def picture_measures(picture: Image.Image) -> dict[str, float]:
    """Brightness, sharpness and roughness of a model input.

    Sharpness is the mean step from pixel to pixel, across and down together, 0-1. Roughness is the
    mean step against the spread of all pixels: up to 0.6 for photographs, about 1 for noise.

    Args:
        picture: RGB, as `images.to_picture` gives it.
    """
    width, height = picture.size
    grey = picture.convert("L")
    # of two pictures of different sizes ImageChops looks at what both have, from the upper left
    across = ImageChops.difference(grey.crop((1, 0, width, height)), grey)
    down = ImageChops.difference(grey.crop((0, 1, width, height)), grey)
    tones, pixels = grey.histogram(), width * height
    mean = _total(tones, _LEVELS) / pixels
    spread = math.sqrt(max(0, _total(tones, _SQUARES) / pixels - mean**2))
    steps = _total(across.histogram(), _LEVELS) / max(1, pixels - height)
    steps += _total(down.histogram(), _LEVELS) / max(1, pixels - width)
    return {
        "brightness": round(mean / 255, 4),
        "sharpness": round(steps / 255, 4),
        "roughness": round(steps / 2 / max(spread, 1), 4),
    }


def _total(counts: Sequence[int], weights: Sequence[int]) -> int:
    """Of each pixel's weight by its level; quicker than `ImageStat`: each answer waits for it."""
    return sum(map(mul, counts, weights))


def profile_of(measures: Mapping[str, Sequence[float]]) -> dict[str, Histogram]:
    """Each measure's bin edges, which cut it into equal shares, and the share of each bin.

    Values are rounded first, as they will be in a log: an edge must not fall between a value and
    the same value logged.

    Args:
        measures: Name -> values, one a picture; names as in `logline.DIGITS`.
    """
    import numpy as np

    profile: dict[str, Histogram] = {}
    for name, exact in measures.items():
        values = np.round(exact, DIGITS[name])
        edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]).round(5))
        counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
        shares = (counts / max(1, counts.sum())).round(5)
        profile[name] = Histogram(tuple(edges.tolist()), tuple(shares.tolist()))
    return profile
