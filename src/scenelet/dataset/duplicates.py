"""Find pictures that are the same or nearly so.

Works on hashes and 8 x 8 thumbnails; memory grows with their number alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

# (most different bits of the hash, most mean difference of the thumbnails): an edit keeps the
# shapes; a new compression keeps
# the colours, but turns bits over where the picture is flat
ALIKE = ((5, 8.0), (16, 1.5))
_BANDS = 4


def exact_groups(hashes: Sequence[str]) -> list[list[int]]:
    """Positions of equal, non-empty hashes, in groups of two and more."""
    places: dict[str, list[int]] = defaultdict(list)
    for position, value in enumerate(hashes):
        if value:
            places[value].append(position)
    return [group for group in places.values() if len(group) > 1]


def near_groups(
    likeness: Sequence[int], thumbnails: Sequence[np.ndarray | None]
) -> list[list[int]]:
    """Positions of pictures that look alike, in groups of two and more.

    Two pictures are alike when their 64-bit difference hashes share 16 bits (of eight fixed
    choices), and hashes and 8 x 8 thumbnails differ by no more than one of `ALIKE` allows.

    Args:
        likeness: `faults.Look.likeness` of each picture.
        thumbnails: `faults.Look.thumbnail` of each picture; None for one that can't be used.
    """
    bands: dict[tuple[int, int], list[int]] = defaultdict(list)
    for position, value in enumerate(likeness):
        if thumbnails[position] is not None:
            for band, key in enumerate(_keys(value)):
                bands[band, key].append(position)
    pairs = (
        (a, b) for bucket in bands.values() for i, a in enumerate(bucket) for b in bucket[i + 1 :]
    )
    return joined(pair for pair in pairs if _alike(pair, likeness, thumbnails))


def _alike(
    pair: tuple[int, int], likeness: Sequence[int], thumbnails: Sequence[np.ndarray | None]
) -> bool:
    first, second = pair
    different_bits = (likeness[first] ^ likeness[second]).bit_count()
    allowed = max(
        (difference for bits, difference in ALIKE if different_bits <= bits), default=-1.0
    )
    if allowed < 0:
        return False
    one, other = thumbnails[first], thumbnails[second]
    if one is None or other is None:
        return False
    return float(np.abs(one.astype(np.int16) - other).mean()) <= allowed


def _keys(likeness: int) -> list[int]:
    """Eight choices of 16 of the 64 bits: two rows of the picture each, and every fourth column."""
    every_fourth = 0x1111_1111_1111_1111
    return [likeness >> (16 * band) & 0xFFFF for band in range(_BANDS)] + [
        likeness >> band & every_fourth for band in range(_BANDS)
    ]


def joined(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Groups of all that is linked by pairs, each sorted, in the order of their first member."""
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
