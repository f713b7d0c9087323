"""Find pictures that are the same or nearly so. Works on hashes and 8 x 8 thumbnails; memory grows with their number alone."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

MAX_DIFFERENT_BITS = 5
MAX_THUMBNAIL_DIFFERENCE = 8.0
_BANDS = 4


def exact_groups(hashes: Sequence[str]) -> list[list[int]]:
    """Positions of equal, non-empty hashes, in groups of two and more."""
    places: dict[str, list[int]] = defaultdict(list)
    for position, value in enumerate(hashes):
        if value:
            places[value].append(position)
    return [group for group in places.values() if len(group) > 1]


def near_groups(likeness: Sequence[int], thumbnails: Sequence[np.ndarray | None]) -> list[list[int]]:
    """Positions of pictures that look alike, in groups of two and more.

    Two pictures are alike when their 64-bit difference hashes share one of four 16-bit bands, differ in at most
    `MAX_DIFFERENT_BITS` bits, and their 8 x 8 thumbnails differ by at most `MAX_THUMBNAIL_DIFFERENCE` of 255 on average.

    Args:
        likeness: `faults.Look.likeness` of each picture.
        thumbnails: `faults.Look.thumbnail` of each picture; None for one that can't be used.
    """
    bands: dict[tuple[int, int], list[int]] = defaultdict(list)
    for position, value in enumerate(likeness):
        if thumbnails[position] is not None:
            for band in range(_BANDS):
                bands[band, value >> (16 * band) & 0xFFFF].append(position)
    pairs = ((a, b) for bucket in bands.values() for i, a in enumerate(bucket) for b in bucket[i + 1 :])
    return joined(pair for pair in pairs if _alike(pair, likeness, thumbnails))


def _alike(pair: tuple[int, int], likeness: Sequence[int], thumbnails: Sequence[np.ndarray | None]) -> bool:
    first, second = pair
    if (likeness[first] ^ likeness[second]).bit_count() > MAX_DIFFERENT_BITS:
        return False
    one, other = thumbnails[first], thumbnails[second]
    if one is None or other is None:
        return False
    return float(np.abs(one.astype(np.int16) - other).mean()) <= MAX_THUMBNAIL_DIFFERENCE


def joined(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Groups of everything that is linked by pairs, each sorted, in the order of their first member."""
    parent: dict[int, int] = {}

    def root(item: int) -> int:
        while parent.setdefault(item, item) != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for first, second in pairs:
        low, high = sorted((root(first), root(second)))
        parent[high] = low
    groups: dict[int, list[int]] = defaultdict(list)
    for item in sorted(parent):
        groups[root(item)].append(item)
    return sorted(groups.values())
