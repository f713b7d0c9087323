"""Find pictures that are the same or nearly so.

Works on hashes and small copies; memory grows with their number alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from scenelet.dataset.faults import Look
from scenelet.grouped import grouped

# (most different bits of the hash, most mean difference of the thumbnails): an edit keeps the
# shapes; a new compression keeps the colours, but turns bits over where the picture is flat
ALIKE = ((5, 8.0), (16, 1.5))
SAME_SHAPES = 0.2  # most difference of the shapes, in parts of their own contrast
FLAT = 2.0  # grey levels of contrast: a picture with less shows no shapes
COMPARED = 1_000  # pictures that share bits of the hash: the most that one is compared with
_BANDS = 4
_EVERY_FOURTH = 0x1111_1111_1111_1111
_AT_ONCE = 65_536  # pairs


def exact_groups(hashes: Sequence[str]) -> list[list[int]]:
    """Positions of equal, non-empty hashes, in groups of two and more."""
    places = grouped((value, position) for position, value in enumerate(hashes) if value)
    return [group for group in places.values() if len(group) > 1]


def near_groups(looks: Sequence[Look]) -> list[list[int]]:
    """Positions of pictures that look alike, in groups of two and more.

    All of a group are like its first, so groups do not grow into chains. Two pictures are compared
    when their 64-bit difference hashes share 16 bits (of eight fixed choices). Of millions, few are
    like any other: who they are is found out in whole arrays, and they alone are put into groups.

    Args:
        looks: At each picture; one that can't be used is like no other.
    """
    same = grouped(
        ((look.likeness, look.thumbnail.tobytes(), look.shape.tobytes()), place)
        for place, look in enumerate(looks)
        if look.thumbnail is not None and look.shape is not None
    )
    if not same:
        return []
    order = sorted(same)  # by what the pictures show, whatever their files are called
    small = _small([looks[same[key][0]] for key in order])
    akin = _with_kin(small)
    groups: dict[int, list[int]] = defaultdict(list)
    for place, first in zip(akin, _firsts(small.of(akin)), strict=True):
        groups[int(akin[first])] += same[order[place]]
    for place in np.setdiff1d(np.arange(len(order)), akin):
        groups[int(place)] += same[order[place]]
    return sorted(sorted(group) for group in groups.values() if len(group) > 1)


def _with_kin(small: "_Small") -> np.ndarray:
    """Places of the pictures that are like one of those before or behind them in a bucket."""
    has_kin = np.zeros(len(small.bits), bool)
    for keys in _keys(small.bits):
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        left = np.arange(len(order))  # places in that order
        for step in range(1, COMPARED + 1):
            left = left[left + step < len(order)]
            left = left[keys[left] == keys[left + step]]
            if not len(left):
                break
            one, other = order[left], order[left + step]
            asked = ~(has_kin[one] & has_kin[other])
            _mark_alike(small, one[asked], other[asked], has_kin)
    return np.flatnonzero(has_kin)


def _mark_alike(small: "_Small", one: np.ndarray, other: np.ndarray, mark: np.ndarray) -> None:
    for start in range(0, len(one), _AT_ONCE):
        piece = slice(start, start + _AT_ONCE)
        found = small.alike(one[piece], other[piece])
        mark[one[piece][found]] = mark[other[piece][found]] = True


def _firsts(small: "_Small") -> list[int]:
    """For each picture the first that it is like: of another, or itself."""
    buckets: dict[tuple[int, int], list[int]] = defaultdict(list)
    firsts = []
    for place, its_keys in enumerate(
        zip(*(each.tolist() for each in _keys(small.bits)), strict=True)
    ):
        keys = list(enumerate(its_keys))
        others = np.array(
            sorted({other for key in keys for other in buckets[key][-COMPARED:]}), np.int64
        )
        found = others[small.alike(np.full(len(others), place), others)]
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
        colours: (n, 192) uint8 thumbnails.
        shapes: (n, 256) uint8 grey copies.
        means: (n,) float32 of these.
        contrast: (n,) float32 mean absolute difference from it.
    """

    bits: np.ndarray
    colours: np.ndarray
    shapes: np.ndarray
    means: np.ndarray
    contrast: np.ndarray

    def of(self, places: np.ndarray) -> "_Small":
        """Those of some places."""
        return _Small(*(values[places] for values in vars(self).values()))

    def alike(self, ones: np.ndarray, others: np.ndarray) -> np.ndarray:
        """(m,) bool: of m pairs of positions, those that look alike.

        Hashes and thumbnails differ by no more than one of `ALIKE` allows, and shapes by no more
        than a part of their contrast: whatever lies on a plain ground, the thumbnails are nearly
        the same.
        """
        is_alike = np.zeros(len(others), bool)
        bits = np.bitwise_count(self.bits[others] ^ self.bits[ones])
        most = np.select([bits <= few for few, _ in ALIKE], [each for _, each in ALIKE], -1.0)
        left = np.flatnonzero(most > 0)
        differing = _distance(self.colours[ones[left]], self.colours[others[left]])
        left = left[differing <= most[left]]
        one, other = ones[left], others[left]
        contrast = (self.contrast[other] + self.contrast[one]) / 2
        is_same = _distance(self._shape(one), self._shape(other)) <= SAME_SHAPES * contrast
        is_alike[left[is_same | (contrast < FLAT)]] = True
        return is_alike

    def _shape(self, places: np.ndarray) -> np.ndarray:
        """(m, 256) around their own mean."""
        around: np.ndarray = self.shapes[places].astype(np.float32) - self.means[places, None]
        return around


def _distance(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(m,) mean absolute difference of m pairs of rows."""
    distance: np.ndarray = np.abs(others.astype(np.float32) - some).mean(1)
    return distance


def _small(looks: Sequence[Look]) -> _Small:
    colours = np.array([look.thumbnail for look in looks], np.uint8).reshape(len(looks), -1)
    shapes = np.array([look.shape for look in looks], np.uint8).reshape(len(looks), -1)
    means = shapes.mean(1, dtype=np.float32)
    contrast = np.concatenate(
        [
            np.abs(shapes[start : start + _AT_ONCE] - means[start : start + _AT_ONCE, None]).mean(1)
            for start in range(0, len(looks), _AT_ONCE)
        ]
    )
    bits = np.array([look.likeness for look in looks], np.uint64)
    return _Small(bits, colours, shapes, means, contrast)


def _keys(bits: np.ndarray) -> list[np.ndarray]:
    """Eight choices of 16 of the 64 bits: two rows of the picture each, and every fourth column."""
    rows = [bits >> np.uint64(16 * band) & np.uint64(0xFFFF) for band in range(_BANDS)]
    columns = [bits >> np.uint64(band) & np.uint64(_EVERY_FOURTH) for band in range(_BANDS)]
    return rows + columns


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
    return sorted(grouped((root(item), item) for item in sorted(parent)).values())
