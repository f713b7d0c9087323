"""Pictures that look the same: saved again, at another quality or size. Knows no data set."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

LOOKED_AT_PX = 32
BITS = 128
# bits of a copy that differ: at most 13 of 128 at JPEG quality 75, at half the size 11 in 95 of
# 100; of different photographs, clothes and drawn letters at least 15 (1,500 of each)
ALIKE_BITS = 10
FLAT = 2.0  # grey levels of contrast: a picture with less shows nothing to compare
_FREQUENCIES = 12
_AT_ONCE = 2_000_000  # pairs


def _cosines() -> np.ndarray:
    """(12, 32) lowest rows of the discrete cosine transform."""
    places, waves = np.arange(LOOKED_AT_PX) + 0.5, np.arange(_FREQUENCIES)
    return np.cos(np.pi / LOOKED_AT_PX * waves[:, None] * places)


def perceptual_hash(image: Image.Image) -> str:
    """Hash of what a picture shows: few bits change when it is saved again.

    The signs of 128 low frequencies of its grey 32 x 32 copy.

    Args:
        image: RGB or grey, upright.

    Returns:
        32 hexadecimal digits; "" of a picture that shows nothing.

    Source: Zauner 2010 (pHash), with signs in place of the median.
    """
    size = (LOOKED_AT_PX, LOOKED_AT_PX)
    small = image.resize(size, Image.Resampling.BOX, reducing_gap=2.0).convert("L")
    grey = np.asarray(small, np.float64)
    if grey.std() < FLAT:
        return ""
    waves = _cosines()
    signs = (waves @ grey @ waves.T).ravel()[1 : BITS + 1] > 0
    return np.packbits(signs).tobytes().hex()


def same_looking(hashes: Sequence[str], known: Sequence[str]) -> list[int | None]:
    """For each picture the place of the known one that it is a copy of, if there is one.

    Args:
        hashes: Perceptual; "" is like nothing.
        known: Perceptual hashes, none of them "".
    """
    found: list[int | None] = [None] * len(hashes)
    places = [place for place, value in enumerate(hashes) if value]
    if not places or not known:
        return found
    ours, theirs = _bits([hashes[place] for place in places]), _bits(known)
    step = max(1, _AT_ONCE // len(known))
    for start in range(0, len(places), step):
        pairs = ours[start : start + step, None] ^ theirs
        differing = np.bitwise_count(pairs).sum(axis=2, dtype=np.uint8)
        nearest = differing.argmin(axis=1)
        for place, other, bits in zip(
            places[start : start + step], nearest, differing.min(axis=1), strict=True
        ):
            found[place] = int(other) if bits <= ALIKE_BITS else None
    return found


def _bits(hashes: Sequence[str]) -> np.ndarray:
    """(n, 2) uint64."""
    return np.frombuffer(bytes.fromhex("".join(hashes)), np.uint64).reshape(-1, 2)
