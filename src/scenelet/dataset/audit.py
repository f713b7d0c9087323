"""Audit a folder: every image's faults, duplicates, label conflicts, leakage between splits, and faults of the folder itself.

Deletes and alters nothing. What can't or must not be used is excluded in the manifest, with the
reason.
"""

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from scenelet.dataset.duplicates import exact_groups, joined, near_groups
from scenelet.dataset.faults import Look, look_at
from scenelet.dataset.row import Row
from scenelet.dataset.scan import Found, Scan, scan
from scenelet.parallel import Advance, silent

AGAINST = "against"
_IMBALANCE = 3.0
_CHUNK = 64


@dataclass(frozen=True)
class Audit:
    """What an audit found. Positions are those of `rows`.

    Attributes:
        root: The audited folder.
        rows: One an image, with issues and exclusions.
        looks: What decoding each told.
        against_root: The other folder, if there is one.
        against: Rows of the other folder, after those of `root` in the positions of the groups.
        duplicates: Groups of equal pictures.
        near_duplicates: Groups of pictures that look alike but are not equal.
        conflicts: Those of `duplicates` with more than one label.
        leakage: Those of `duplicates` that lie in more than one split.
        folder_faults: One line each: empty class folders, classes missing from a split, imbalance.
        passed_over: (path, reason) of what is no image of the data set.
    """

    root: Path
    rows: list[Row]
    looks: list[Look]
    against_root: Path | None
    against: list[Row]
    duplicates: list[list[int]]
    near_duplicates: list[list[int]]
    conflicts: list[list[int]]
    leakage: list[list[int]]
    folder_faults: list[str]
    passed_over: tuple[tuple[Path, str], ...]

    def counts(self) -> dict[str, int]:
        """How many findings of each kind."""
        return {
            "unreadable": sum(1 for look in self.looks if look.unusable),
            "conflicts": len(self.conflicts),
            "leakage": len(self.leakage),
            "duplicates": len(self.duplicates),
            "near-duplicates": len(self.near_duplicates),
            "faults": sum(1 for look in self.looks if look.issues),
            "classes": len(self.folder_faults),
            "labels": sum(1 for row in self.rows if row.suggested_label),
        }

    def issue_counts(self) -> dict[str, int]:
        """How many images have each issue, most frequent first."""
        return dict(Counter(issue for row in self.rows for issue in row.issues).most_common())

    def row_at(self, position: int) -> Row:
        """The row of a position, of this folder or the other."""
        return (
            self.rows[position]
            if position < len(self.rows)
            else self.against[position - len(self.rows)]
        )


def audit(
    root: Path,
    against: Path | None = None,
    advance: Advance = silent,
    manifest: Sequence[Row] | None = None,
) -> Audit:
    """Look at every image once and compare them.

    Args:
        root: Data folder.
        against: Another folder (say, the test part) whose pictures must not be in `root`.
        advance: Called after each image.
        manifest: Look only at the rows in use here, under their labels; None looks at the whole
            folder.

    Raises:
        DataError: No images there.
    """
    found = scan(root)
    if manifest is not None:
        found = replace(
            found,
            images=tuple(
                Found(Path(row.path), row.label, row.split) for row in manifest if not row.excluded
            ),
        )
    other = scan(against) if against else None
    looks = look_at_all(root, found.images, advance)
    other_looks = look_at_all(against, other.images, advance) if against and other else []
    rows = [_row(image, look) for image, look in zip(found.images, looks, strict=True)]
    other_rows = [
        replace(_row(image, look), split=AGAINST)
        for image, look in zip(_images(other), other_looks, strict=True)
    ]
    everything, all_looks = rows + other_rows, looks + other_looks
    duplicates = exact_groups([look.pixel_hash for look in all_looks])
    near = _not_equal(
        near_groups([look.likeness for look in all_looks], [look.thumbnail for look in all_looks]),
        all_looks,
    )
    conflicts = [
        group for group in duplicates if len({everything[position].label for position in group}) > 1
    ]
    leakage = [
        group
        for group in duplicates
        if _crosses_splits([everything[position].split for position in group])
    ]
    rows = _with_odd_sizes(rows)
    rows = _with_groups(rows, everything, duplicates, near, conflicts, leakage)
    rows = _with_kin(rows, everything, duplicates + near)
    return Audit(
        root=root,
        rows=rows,
        looks=looks,
        against_root=against,
        against=other_rows,
        duplicates=duplicates,
        near_duplicates=near,
        conflicts=conflicts,
        leakage=leakage,
        folder_faults=folder_faults(found, rows),
        passed_over=found.passed_over,
    )


def look_at_all(root: Path, images: Sequence[Found], advance: Advance = silent) -> list[Look]:
    """Decode and measure on all cores, in processes: measuring holds Python's lock, decoding alone would not."""
    chunks = [images[start : start + _CHUNK] for start in range(0, len(images), _CHUNK)]
    workers = min(os.cpu_count() or 1, max(1, len(chunks) // 4))
    if workers == 1:
        return [look for chunk in chunks for look in _look_at_chunk(root, chunk, advance)]
    looks: list[Look] = []
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done in pool.map(_look_at_chunk, [root] * len(chunks), chunks):
            looks += done
            for _ in done:
                advance()
    return looks


def _look_at_chunk(root: Path, images: Sequence[Found], advance: Advance = silent) -> list[Look]:
    looks = []
    for image in images:
        try:
            data = (root / image.path).read_bytes()
        except OSError as error:
            looks.append(Look(unusable=f"can't be read: {error.strerror}"))
        else:
            looks.append(look_at(data, image.path.name))
        advance()
    return looks


def folder_faults(found: Scan, rows: Sequence[Row]) -> list[str]:
    """Empty class folders, classes missing from a split, imbalance: one line each."""
    faults = [
        f"{path}: {reason}"
        for path, reason in found.passed_over
        if reason == "class folder without an image"
    ]
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


def _images(found: Scan | None) -> tuple[Found, ...]:
    return found.images if found else ()


def _row(image: Found, look: Look) -> Row:
    return Row(
        path=image.path.as_posix(),
        label=image.label,
        split=image.split,
        width=look.width,
        height=look.height,
        pixel_hash=look.pixel_hash,
        excluded=look.unusable,
        issues=look.issues,
    )


def _crosses_splits(splits: Sequence[str]) -> bool:
    return len(set(splits)) > 1


def _not_equal(groups: list[list[int]], looks: Sequence[Look]) -> list[list[int]]:
    """Groups with at least two different pictures in them."""
    return [
        group for group in groups if len({looks[position].pixel_hash for position in group}) > 1
    ]


def _with_odd_sizes(rows: list[Row]) -> list[Row]:
    """Cleanvision's rule: square root of the area more than three interquartile ranges outside the quartiles."""
    roots = np.array([np.sqrt(row.width * row.height) for row in rows if row.width])
    if not len(roots):
        return rows
    low, high = np.percentile(roots, (25, 75))
    least, most = low - 3 * (high - low) - 0.5, high + 3 * (high - low) + 0.5
    return [
        (
            row.with_issue("odd size")
            if row.width and not least <= np.sqrt(row.width * row.height) <= most
            else row
        )
        for row in rows
    ]


def _with_groups(
    rows: list[Row],
    everything: list[Row],
    duplicates: list[list[int]],
    near: list[list[int]],
    conflicts: list[list[int]],
    leakage: list[list[int]],
) -> list[Row]:
    rows = list(rows)

    def mark(
        groups: list[list[int]], issue: str, reason: str = "", spare: tuple[str, ...] = ()
    ) -> None:
        for group in groups:
            for position in (position for position in group if position < len(rows)):
                others = [everything[other] for other in group if other != position]
                row = rows[position].with_issue(issue)
                if reason and not row.excluded and row.split not in spare:
                    named = ", ".join(f"{other.path} ({other.label})" for other in others[:3])
                    row = replace(row, excluded=f"{reason} {named}")
                rows[position] = row

    mark(duplicates, "duplicate")
    mark(near, "near-duplicate")
    mark(
        [
            group
            for group in near
            if _crosses_splits([everything[position].split for position in group])
        ],
        "near-leakage",
    )
    mark(conflicts, "conflict", "the same picture under another label:")
    mark(leakage, "leakage", "the same picture in another split:", spare=("test", AGAINST))
    return rows


def _with_kin(rows: list[Row], everything: list[Row], groups: list[list[int]]) -> list[Row]:
    """Name the group of each picture that has an equal or alike one, by the first pixel hash in it."""
    rows = list(rows)
    for group in joined((first, other) for first, *others in groups for other in others):
        name = everything[group[0]].pixel_hash
        for position in (position for position in group if position < len(rows)):
            rows[position] = replace(rows[position], group=name)
    return rows
