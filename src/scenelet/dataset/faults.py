"""What can be wrong with one image, found in the pass that decodes it.

Knows nothing of other images or of labels.

The measures for dark, bright, blurred and low information follow cleanvision's definitions and
thresholds (the tests compare them), computed from Pillow's histogram and edge filter in the one
decoding pass, because cleanvision's own two further passes over the files take many times as long
as decoding; see docs/decisions/0006-faults-in-the-decoding-pass.md.
"""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from scenelet.errors import ImageError
from scenelet.image_formats import SUFFIXES, format_of
from scenelet.image_likeness import perceptual_hash
from scenelet.images import Decoded, decode_fully, pixel_hash

DARK_99TH, BRIGHT_5TH, LOW_ENTROPY_BITS, ODD_ASPECT, BLUR_SCORE, BLUR_SPREAD = (
    0.32,
    0.95,
    3.0,
    0.35,
    0.29,
    0.18,
)
BLUR_MEASURED_AT_PX = 64
_USUAL_MODES = ("RGB", "L")


@dataclass(frozen=True)
class Look:
    """What one decoding tells.

    Attributes:
        unusable: Why the image can't be used at all, "" if it can.
        issues: Names of what is odd about it.
        width: In pixels, upright.
        height: In pixels, upright.
        pixel_hash: Of the decoded pixels.
        perceptual_hash: Of what it shows.
        brightness: Mean, 0-1.
        sharpness: Spread of the edge-filtered picture, 0-255.
        colour: Mean red, green and blue, 0-255.
        likeness: 64-bit difference hash; like pictures have few different bits.
        thumbnail: (8, 8, 3) uint8, to tell like pictures from the same flat sky.
        shape: (16, 16) uint8, grey, to tell small things on the same plain ground apart.
    """

    unusable: str = ""
    issues: tuple[str, ...] = ()
    width: int = 0
    height: int = 0
    pixel_hash: str = ""
    brightness: float = 0.0
    sharpness: float = 0.0
    colour: tuple[float, float, float] = (0.0, 0.0, 0.0)
    likeness: int = 0
    thumbnail: np.ndarray | None = None
    shape: np.ndarray | None = None
    perceptual_hash: str = ""


def look_at(data: bytes, name: str) -> Look:
    """Decode once and measure.

    Args:
        data: A whole image file.
        name: Its file name, for the extension.
    """
    try:
        decoded = decode_fully(data)
    except ImageError as error:
        return Look(unusable=str(error))
    picture = decoded.picture
    grey = picture.convert("L")
    small = _small(grey)
    edges = float(np.asarray(small.filter(ImageFilter.FIND_EDGES)).std())
    thumbnail = np.asarray(picture.resize((8, 8), Image.Resampling.BOX))
    red, green, blue = (float(channel) for channel in thumbnail.mean((0, 1)))
    checks = {
        "wrong extension": _wrong_extension(data, name),
        **_form_faults(decoded),
        **_light_faults(picture, grey),
        "blurred": _is_blurred(edges, small.histogram()),
    }
    return Look(
        issues=tuple(issue for issue, found in checks.items() if found),
        width=picture.width,
        height=picture.height,
        pixel_hash=pixel_hash(picture),
        perceptual_hash=perceptual_hash(picture),
        brightness=(0.299 * red + 0.587 * green + 0.114 * blue) / 255,
        sharpness=edges,
        colour=(red, green, blue),
        likeness=difference_hash(grey),
        thumbnail=thumbnail,
        shape=np.asarray(grey.resize((16, 16), Image.Resampling.BOX)),
    )


def _form_faults(decoded: Decoded) -> dict[str, bool]:
    width, height = decoded.picture.size
    return {
        "odd mode": decoded.mode not in _USUAL_MODES,
        "12 bits in 16": decoded.mode == "I;12",
        "EXIF-rotated": decoded.orientation != 1,
        "odd aspect": min(width / height, height / width) < ODD_ASPECT,
    }


def _light_faults(picture: Image.Image, grey: Image.Image) -> dict[str, bool]:
    dark, bright = _tones(grey.histogram())
    return {
        "dark": dark < DARK_99TH,
        "bright": bright > BRIGHT_5TH,
        "low information": picture.entropy() < LOW_ENTROPY_BITS,
    }


def difference_hash(grey: Image.Image) -> int:
    """64 bits: whether each pixel of a 9 x 8 reduction is brighter than its left neighbour.

    Source: Krawetz 2013.
    """
    small = np.asarray(grey.resize((9, 8), Image.Resampling.BOX), np.int16)
    return int.from_bytes(np.packbits(small[:, 1:] > small[:, :-1]).tobytes(), "big")


def _tones(histogram: list[int]) -> tuple[float, float]:
    """99th and 5th percentile of brightness (0-1)."""
    counts = np.array(histogram, float)
    cumulative = (counts / counts.sum()).cumsum()
    dark, bright = (float(np.searchsorted(cumulative, part)) / 255 for part in (0.99, 0.05))
    return dark, bright


def _small(grey: Image.Image) -> Image.Image:
    """At most 64 pixels wide and high, the size at which blur is judged."""
    ratio = max(grey.size) / BLUR_MEASURED_AT_PX
    if ratio <= 1:
        return grey
    return grey.resize(
        (max(int(grey.width // ratio), 1), max(int(grey.height // ratio), 1)),
        Image.Resampling.BICUBIC,
    )


def _is_blurred(edges: float, histogram: list[int]) -> bool:
    """Cleanvision's score: weak edges, unless the tones are unevenly spread."""
    spread = 1 - math.exp(-0.01 * float(np.std(histogram)))
    score = 1 - math.exp(-0.01 * edges) + (spread if spread > BLUR_SPREAD else 0)
    return score < BLUR_SCORE


def _wrong_extension(data: bytes, name: str) -> bool:
    suffix, kind = Path(name).suffix.lower(), format_of(data)
    return kind is not None and suffix in SUFFIXES and suffix not in kind.suffixes
