"""Find pictures that are the same or nearly so.

Works on hashes and small copies; memory grows with their number alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from scenelet.dataset.faults import Look

# (most different bits of the hash, most mean difference of the thumbnails): an edit keeps the
# shapes; a new compression keeps the colours, but turns bits over where the picture is flat
ALIKE = ((5, 8.0), (16, 1.5))
SAME_SHAPES = 0.2  # most difference of the shapes, in parts of their own contrast
FLAT = 2.0  # grey levels of contrast: a picture with less shows no shapes
COMPARED = 1_000  # pictures that share bits of the hash: the most that one is compared with
_BANDS = 4


def exact_groups(hashes: Sequence[str]) -> list[list[int]]:
    """Positions of equal, non-empty hashes, in groups of two and more."""
    places: dict[str, list[int]] = defaultdict(list)
    for position, value in enumerate(hashes):
        if value:
            places[value].append(position)
    return [group for group in places.values() if len(group) > 1]


def near_groups(looks: Sequence[Look]) -> list[list[int]]:
    """Positions of pictures that look alike, in groups of two and more.

    All of a group are like its first, so groups do not grow into chains. Two pictures are compared
    when their 64-bit difference hashes share 16 bits (of eight fixed choices).

    Args:
        looks: At each picture; one that can't be used is like no other.
    """
    same: dict[tuple[int, bytes, bytes], list[int]] = defaultdict(list)
    for place, look in enumerate(looks):
        if look.thumbnail is not None and look.shape is not None:
            same[look.likeness, look.thumbnail.tobytes(), look.shape.tobytes()].append(place)
    if not same:
        return []
    order = sorted(same)  # by what the pictures show, whatever their files are called
    firsts = _firsts(_small([looks[same[key][0]] for key in order]), order)
    groups: dict[int, list[int]] = defaultdict(list)
    for key, first in zip(order, firsts, strict=True):
        groups[first] += same[key]
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def _firsts(small: "_Small", order: Sequence[tuple[int, bytes, bytes]]) -> list[int]:
    """For each picture the first that it is like: of another, or itself."""
    buckets: dict[tuple[int, int], list[int]] = defaultdict(list)
    firsts = []
    for place, (likeness, *_) in enumerate(order):
        keys = list(enumerate(_keys(likeness)))
        others = {other for key in keys for other in buckets[key][-COMPARED:]}
        found = small.alike(place, np.array(sorted(others), np.int64))
        firsts.append(int(found[0]) if len(found) else place)
        if not len(found):
            for key in keys:
                buckets[key].append(place)
    return firsts


@dataclass(frozen=True)
class _Small:
    """Small copies of n pictures.

    Attributes:
        bits: (n,) uint64 difference hashes.
        colours: (n, 192) thumbnails.
        shapes: (n, 256) grey copies around their own mean.
        contrast: (n,) mean absolute value of these.
    """

    bits: np.ndarray
    colours: np.ndarray
    shapes: np.ndarray
    contrast: np.ndarray

    def alike(self, one: int, others: np.ndarray) -> np.ndarray:
        """Those of the others (positions) that look like one picture.

        Hashes and thumbnails differ by no more than one of `ALIKE` allows, and shapes by no more
        than a part of their contrast: whatever lies on a plain ground, the thumbnails are nearly
        the same.
        """
        bits = np.bitwise_count(self.bits[others] ^ self.bits[one])
        most = np.select([bits <= few for few, _ in ALIKE], [each for _, each in ALIKE], -1.0)
        others, most = others[most > 0], most[most > 0]
        others = others[_difference(self.colours, one, others) <= most]
        contrast = (self.contrast[others] + self.contrast[one]) / 2
        is_same = _difference(self.shapes, one, others) <= SAME_SHAPES * contrast
        found: np.ndarray = others[is_same | (contrast < FLAT)]
        return found


def _difference(values: np.ndarray, one: int, others: np.ndarray) -> np.ndarray:
    """Mean absolute difference of a row from each of others."""
    difference: np.ndarray = np.abs(values[others] - values[one]).mean(1)
    return difference


def _small(looks: Sequence[Look]) -> _Small:
    colours = np.array([look.thumbnail for look in looks], np.float32).reshape(len(looks), -1)
    shapes = np.array([look.shape for look in looks], np.float32).reshape(len(looks), -1)
    shapes = shapes - shapes.mean(1, keepdims=True)
    bits = np.array([look.likeness for look in looks], np.uint64)
    return _Small(bits, colours, shapes, np.abs(shapes).mean(1))


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
