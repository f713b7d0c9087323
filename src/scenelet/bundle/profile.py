"""The training profile: how bright, sharp and near the pictures were that a bundle was made from.

Measuring needs no numpy.
"""

from collections.abc import Mapping, Sequence

from PIL import Image, ImageChops, ImageStat

from scenelet.bundle.figures import Histogram

BINS = 20


def picture_measures(pixels: bytes, width: int, height: int) -> dict[str, float]:
    """Brightness, and sharpness as the mean step from pixel to pixel across and down, of a model input; both 0-1.

    Args:
        pixels: (height, width, 3) uint8 in C order.
        width: In pixels.
        height: In pixels.
    """
    grey = Image.frombytes("RGB", (width, height), pixels).convert("L")
    across = ImageChops.difference(
        grey.crop((1, 0, width, height)), grey.crop((0, 0, width - 1, height))
    )
    down = ImageChops.difference(
        grey.crop((0, 1, width, height)), grey.crop((0, 0, width, height - 1))
    )
    brightness, *steps = (ImageStat.Stat(image).mean[0] / 255 for image in (grey, across, down))
    return {"brightness": round(brightness, 4), "sharpness": round(sum(steps), 4)}


def profile_of(measures: Mapping[str, Sequence[float]]) -> dict[str, Histogram]:
    """Each measure's bin edges, which cut it into equal shares, and the share of each bin.

    Args:
        measures: Name -> values, one a picture.
    """
    import numpy as np

    profile: dict[str, Histogram] = {}
    for name, values in measures.items():
        edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]).round(5))
        counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1)
        shares = (counts / max(1, counts.sum())).round(5)
        profile[name] = Histogram(tuple(edges.tolist()), tuple(shares.tolist()))
    return profile
