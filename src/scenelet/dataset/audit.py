"""Audit a data set: faults of images, duplicates, label conflicts, leakage, faults of folders.

Deletes and alters nothing. What can't or must not be used is excluded in the manifest, with the
reason.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath

import numpy as np

from scenelet.dataset.address import has_own_address
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.duplicates import exact_groups, joined, near_groups
from scenelet.dataset.faults import Look, look_at
from scenelet.dataset.kept_looks import KeptLooks
from scenelet.dataset.layout import NO_IMAGE, twin_lines
from scenelet.dataset.row import Row
from scenelet.dataset.source import Source
from scenelet.dataset.verdicts import DOUBTFUL
from scenelet.engine import Engine, Part, Processes, in_parts
from scenelet.errors import UnreadableImageError
from scenelet.grouped import grouped
from scenelet.parallel import Advance, in_parallel, silent
from scenelet.progress import SILENT, Progress

AGAINST = "against"
OF_GROUPS = frozenset(  # issues of an image that are counted by their own kind
    ("duplicate", "near-duplicate", "near-leakage", "conflict", "leakage", DOUBTFUL)
)
_IMBALANCE = 3.0
_ODD_SIZE = 4 / 3  # of the side of an ordinary picture, or more
_CHUNK = 64


@dataclass(frozen=True)
class Audit:
    """What an audit found. Positions are those of `rows`.

    Attributes:
        dataset: Its rows carry issues and exclusions.
        looks: What decoding each told.
        against: The other data set, if there is one, after this one in the positions of the groups.
        duplicates: Groups of equal pictures.
        near_duplicates: Groups of pictures that look alike but are not equal.
        conflicts: Those of `duplicates` with more than one label.
        leakage: Those of `duplicates` that lie in more than one split.
        folder_faults: One line each: empty class folders, classes missing from a split, imbalance,
            classes spelt alike.
    """

    dataset: Dataset
    looks: list[Look]
    against: Dataset | None
    duplicates: list[list[int]]
    near_duplicates: list[list[int]]
    conflicts: list[list[int]]
    leakage: list[list[int]]
    folder_faults: list[str]

    @property
    def rows(self) -> tuple[Row, ...]:
        """One an image."""
        return self.dataset.rows

    def counts(self) -> dict[str, int]:
        """How many findings of each kind."""
        return {
            "unreadable": sum(1 for look in self.looks if look.unusable),
            "conflicts": len(self.conflicts),
            "leakage": len(self.leakage),
            "duplicates": len(self.duplicates),
            "near-duplicates": len(self.near_duplicates),
            "faults": sum(1 for row in self.rows if not OF_GROUPS.issuperset(row.issues)),
            "classes": len(self.folder_faults),
            "labels": sum(1 for row in self.rows if row.suggested_label),
        }

    def issue_counts(self) -> dict[str, int]:
        """How many images have each issue, most frequent first."""
        return dict(Counter(issue for row in self.rows for issue in row.issues).most_common())

    def at(self, position: int) -> tuple[Dataset, Row]:
        """The row of a position, and which of the two data sets it is of."""
        inside = position - len(self.dataset)
        if inside < 0 or self.against is None:
            return self.dataset, self.rows[position]
        return self.against, self.against.rows[inside]


def audit(
    dataset: Dataset,
    against: Dataset | None = None,
    progress: Progress = SILENT,
    engine: Engine | None = None,
    kept: KeptLooks | None = None,
) -> Audit:
    """Look at every image once and compare them.

    Args:
        dataset: To be audited; of what its rows say, sizes, hashes and issues are found anew.
        against: Another one (say, the test part) whose pictures must not be in this one.
        progress: Is told how it goes on.
        engine: That looks at the pictures; None for this machine.
        kept: Where a killed audit goes on; None keeps nothing.

    Raises:
        DataError: The data set's manifest speaks of other pictures.
    """
    other = against or dataset.of(())
    with progress.counting("auditing", len(dataset) + len(other)) as advance:
        looks = look_at_all(dataset, advance, engine, kept)
        all_looks = looks + look_at_all(other, advance, engine, kept)
    rows = _looked_at(dataset, looks)
    dataset.refuse_changed(rows)
    other_rows = [row.with_split(AGAINST) for row in _looked_at(other, all_looks[len(looks) :])]
    kin = _find_kin(rows + other_rows, all_looks)
    rows = _with_groups(_with_odd_sizes(rows), rows + other_rows, kin)
    rows = _with_kin(rows, rows + other_rows, kin.duplicates + kin.near)
    return Audit(
        dataset=replace(dataset, rows=tuple(rows), is_verified=True),
        looks=looks,
        against=against and against.of(other_rows),
        duplicates=kin.duplicates,
        near_duplicates=kin.near,
        conflicts=kin.conflicts,
        leakage=kin.leakage,
        folder_faults=folder_faults(dataset),
    )


@dataclass(frozen=True)
class _Kin:
    """Groups of positions; see `Audit`."""

    duplicates: list[list[int]]
    near: list[list[int]]
    conflicts: list[list[int]]
    leakage: list[list[int]]


def _find_kin(rows: Sequence[Row], looks: Sequence[Look]) -> _Kin:
    duplicates = exact_groups([look.pixel_hash for look in looks])
    near = near_groups(looks)

    def differing(name: str) -> list[list[int]]:
        values = [getattr(row, name) for row in rows]
        return [group for group in duplicates if len({values[each] for each in group}) > 1]

    return _Kin(duplicates, _not_equal(near, looks), differing("label"), differing("split"))


def look_at_all(
    dataset: Dataset,
    advance: Advance = silent,
    engine: Engine | None = None,
    kept: KeptLooks | None = None,
) -> list[Look]:
    """Decode and measure each picture.

    Args:
        dataset: The pictures.
        advance: Called after each.
        engine: That looks; None for processes of this machine: measuring holds Python's lock,
            decoding alone would not.
        kept: Where a killed audit goes on; None keeps nothing.
    """
    looks = kept.of(dataset.source.name) if kept else {}
    left = [row for row in dataset.rows if row.path not in looks]
    for _ in range(len(dataset) - len(left)):
        advance()
    parts = map(_named, in_parts(left, _CHUNK))
    for part, done in (engine or Processes()).map(Looking(dataset.source), parts):
        found = dict(zip((row.path for row in part.items), done, strict=True))
        looks |= found
        if kept:
            kept.add(dataset.source.name, found)
        for _ in done:
            advance()
    return [looks[row.path] for row in dataset.rows]


def _named(part: Part[Row]) -> Part[Row]:
    return replace(part, name=f"{part.items[0].path} to {part.items[-1].path}")


@dataclass(frozen=True)
class Looking:
    """Makes a worker that looks at parts of a source; plain values, so that it may travel."""

    source: Source

    def __call__(self) -> Callable[[Part[Row]], list[Look]]:
        """The worker."""
        return partial(_look_at_part, self.source)


def _look_at_part(source: Source, part: Part[Row]) -> list[Look]:
    return _look_at_chunk(source, part.items)


def _look_at_chunk(source: Source, rows: Sequence[Row]) -> list[Look]:
    looks, read = [], partial(_read, source)
    is_far = source.is_far or any(has_own_address(row.path) for row in rows)
    contents = in_parallel(read, rows, waits=True) if is_far else map(read, rows)
    for row, (data, why) in zip(rows, contents, strict=True):
        looks.append(Look(unusable=why) if why else look_at(data, PurePosixPath(row.path).name))
    return looks


def _read(source: Source, row: Row) -> tuple[bytes, str]:
    """Bytes of a picture, and why they can't be read."""
    try:
        return source.read(row.path), ""
    except UnreadableImageError as error:
        return b"", str(error)


def folder_faults(dataset: Dataset) -> list[str]:
    """Empty class folders, classes alike or missing from a split, imbalance: one line each."""
    rows = [row for row in dataset.rows if not row.excluded]
    empty = [entry for entry in dataset.passed_over if entry.reason == NO_IMAGE]
    faults = [f"{entry.path}: {entry.reason}" for entry in empty]
    faults += twin_lines(row.label for row in rows)
    by_split: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        by_split[row.split][row.label] += 1
    names = {row.label for row in rows}
    for split, counts in sorted(by_split.items()):
        missing = sorted(names - set(counts))
        if missing:
            faults.append(
                f"class {', '.join(missing)}: in another split but missing from"
                f" {split or 'this one'}"
            )
        (most, many), (least, few) = counts.most_common()[0], counts.most_common()[-1]
        if many > _IMBALANCE * few:
            faults.append(
                f"imbalance in {split or 'the data'}: {most} has {many:,} images, {least} {few:,}"
                f" ({many / few:.1f} times)"
            )
    if len(names) == 1:
        faults.append(f"1 class found ({', '.join(names)}), at least 2 needed to train")
    return faults


def _looked_at(dataset: Dataset, looks: Sequence[Look]) -> list[Row]:
    """Rows anew: of the old ones, what a person may have said is kept."""
    return [
        Row(
            path=row.path,
            label=row.label,
            split=row.split,
            width=look.width,
            height=look.height,
            pixel_hash=look.pixel_hash,
            perceptual_hash=look.perceptual_hash,
            excluded=row.excluded or look.unusable,
            group=row.group,
            issues=look.issues,
            label_quality=row.label_quality,
        )
        for row, look in zip(dataset.rows, looks, strict=True)
    ]


def _not_equal(groups: list[list[int]], looks: Sequence[Look]) -> list[list[int]]:
    """Groups with at least two different pictures in them."""
    return [
        group for group in groups if len({looks[position].pixel_hash for position in group}) > 1
    ]


def _side(row: Row) -> float:
    """Of a square of as many pixels."""
    return float(np.sqrt(row.width * row.height))


def _with_odd_sizes(rows: list[Row]) -> list[Row]:
    """Cleanvision's rule, and at least a third larger or a quarter smaller than ordinary ones.

    Root of the area over three interquartile ranges outside the quartiles. Where most pictures have
    one size that range is nothing, and a third of a data set would be odd.
    """
    roots = np.array([_side(row) for row in rows if row.width])
    if not len(roots):
        return rows
    low, high = np.percentile(roots, (25, 75))
    least = min(low - 3 * (high - low), low / _ODD_SIZE)
    most = max(high + 3 * (high - low), high * _ODD_SIZE)
    return [
        (row.with_issue("odd size") if row.width and not least <= _side(row) <= most else row)
        for row in rows
    ]


def _with_groups(rows: list[Row], everything: list[Row], kin: _Kin) -> list[Row]:
    """What groups say of each row; what must not be trained on is left out."""
    across = [group for group in kin.near if len({everything[each].split for each in group}) > 1]
    rows = _marked(rows, kin.duplicates, "duplicate")
    rows = _marked(rows, kin.near, "near-duplicate")
    rows = _marked(rows, across, "near-leakage")
    rows = _marked(rows, kin.conflicts, "conflict")
    rows = _marked(rows, kin.leakage, "leakage")
    label, split = "the same picture under another label:", "the same picture in another split:"
    leaked = {group[0] for group in kin.leakage}
    locked = ("test", AGAINST)  # a locked part stays as it was published
    for group in kin.conflicts:
        spare = locked if group[0] in leaked else ()
        rows = _left_out(rows, [group], everything, label, spare)
    return _left_out(rows, kin.leakage, everything, split, spare=locked)


def _marked(rows: list[Row], groups: list[list[int]], issue: str) -> list[Row]:
    inside = {position for group in groups for position in group}
    return [
        row.with_issue(issue) if position in inside else row for position, row in enumerate(rows)
    ]


def _left_out(
    rows: list[Row],
    groups: list[list[int]],
    everything: list[Row],
    reason: str,
    spare: tuple[str, ...] = (),
) -> list[Row]:
    """Leave the members of groups out, naming some others; those of a spared split stay."""
    rows = list(rows)
    for group in groups:
        for position in (each for each in group if each < len(rows)):
            row = rows[position]
            others = [everything[other] for other in group[:4] if other != position][:3]
            if not row.excluded and row.split not in spare:
                named = ", ".join(f"{other.path} ({other.label})" for other in others)
                rows[position] = replace(row, excluded=f"{reason} {named}")
    return rows


def _with_kin(rows: list[Row], everything: list[Row], groups: list[list[int]]) -> list[Row]:
    """Name the group of pictures that are equal or alike, or that somebody put into one.

    By the name that was given, else by the first pixel hash in it.
    """
    rows = list(rows)
    given = grouped((row.group, place) for place, row in enumerate(everything) if row.group)
    together = (*groups, *given.values())
    for group in joined((first, other) for first, *others in together for other in others):
        names = (everything[position].group for position in group)
        name = next(filter(None, names), everything[group[0]].pixel_hash)
        for position in (position for position in group if position < len(rows)):
            rows[position] = replace(rows[position], group=name)
    return rows
