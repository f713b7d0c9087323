"""Choose the validation part: stratified, seeded, what belongs together never torn apart."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from scenelet.dataset.manifest import class_names_of
from scenelet.dataset.row import Row
from scenelet.errors import DataError
from scenelet.grouped import grouped

IN_VALIDATION = "the same as, or together with, a picture of the validation part"


def split_validation(rows: Sequence[Row], val_fraction: float, seed: int) -> list[Row]:
    """Assign "train" or "val" to the rows in use.

    Rows already marked "test" stay locked away, rows already marked "val" stay validation, and
    where there are such, no others are taken: a person's split is kept as it is, and training
    pictures that belong together with one of its validation part are left out. The choice hangs on
    the seed and the pixels alone: renaming files or another machine changes nothing.

    Args:
        rows: Of one data set.
        val_fraction: Part of each class to hold out, between 0 and 1.
        seed: Another seed, another choice.

    Returns:
        The rows in the same order; excluded ones unchanged.

    Raises:
        DataError: Fewer than two classes, a class with too few different images to be on both
            sides, or most training images belong together with validation images.

    Source: docs/decisions/0003-split-by-pixel-hash.md.
    """
    free = [row for row in rows if not row.excluded and row.split in ("", "train")]
    names = _require_two_classes(free, rows)
    chosen = {row.kin for row in rows if row.split == "val" and not row.excluded}
    if chosen:
        decided = [_kept_apart(row, chosen) for row in rows]
        _refuse_torn(free, decided)
    else:
        held_out = _choose(free, val_fraction, seed)
        decided = [_decide(row, held_out) for row in rows]
    _check_both_sides(decided, names)
    return decided


def _kept_apart(row: Row, chosen: set[str]) -> Row:
    """A row of a person's split: what they chose stays, and what is like it is not trained on."""
    if row.excluded or row.split in ("val", "test"):
        return row
    return replace(row.with_split("train"), excluded=IN_VALIDATION if row.kin in chosen else "")


def _refuse_torn(free: Sequence[Row], decided: Sequence[Row]) -> None:
    """Refuse a person's split that tears most of the training part from what it belongs to."""
    torn = sum(1 for row in decided if row.excluded == IN_VALIDATION)
    if 2 * torn > len(free):
        raise DataError(
            f"{torn:,} of {len(free):,} training images are the same as, or belong together with,"
            " images of the validation part, so little would be left. Give another validation part,"
            " or none, or clear the group of images that do not belong together."
        )


def split_folds(rows: Sequence[Row], folds: int, seed: int) -> list[list[Row]]:
    """For each of `folds` folds, the rows with that fold as "val" and the others as "train".

    Args:
        rows: Of one data set; rows marked "test" stay locked away, rows marked "val" take part in
            the folds.
        folds: How many, at least 2.
        seed: Another seed, other folds.

    Raises:
        DataError: Fewer than two classes, or a class with fewer different images than folds.
    """
    free = [row for row in rows if not row.excluded and row.split != "test"]
    names = _require_two_classes(free, rows)
    fold_of = {
        row.kin: fold for row, fold in zip(free, assign_folds(free, folds, seed), strict=True)
    }
    splits = []
    for fold in range(folds):
        held_out = {kin for kin, place in fold_of.items() if place == fold}
        splits.append([_decide(row, held_out) for row in rows])
        _check_both_sides(splits[-1], names)
    return splits


def assign_folds(rows: Sequence[Row], folds: int, seed: int) -> list[int]:
    """Number of each row's fold (from 0): stratified, seeded, what belongs together in one.

    Args:
        rows: In use.
        folds: How many, at least 2.
        seed: Another seed, other folds.
    """
    by_label = grouped((row.label, row.kin) for row in _first_of_each_group(rows))
    in_order = (  # each class begins where the one before it ended: the folds are as large
        group
        for label in sorted(by_label)
        for group in sorted(by_label[label], key=lambda group: _key(group, seed))
    )
    fold_of = {group: number % folds for number, group in enumerate(in_order)}
    return [fold_of[row.kin] for row in rows]


def _require_two_classes(free: Sequence[Row], rows: Sequence[Row]) -> tuple[str, ...]:
    names = class_names_of(free)
    left_out = [row for row in rows if row.excluded and row.split != "test"]
    if not names and left_out:
        raise DataError(
            f"none of {len(left_out):,} images can be used (the first: {left_out[0].path}:"
            f" {left_out[0].excluded}). Give images that can be."
        )
    if not names:
        raise DataError(
            "no image outside a test part, which is never trained on. Give the training part."
        )
    if len(names) < 2:
        raise DataError(
            f"{len(names)} class found ({', '.join(names) or 'none'}), at least 2 needed. Add a"
            " sub-folder per class."
        )
    return names


def _decide(row: Row, held_out: set[str]) -> Row:
    if row.excluded or row.split == "test":
        return row
    return row.with_split("val" if row.kin in held_out else "train")


def _choose(rows: Sequence[Row], val_fraction: float, seed: int) -> set[str]:
    """Groups to hold out: in each class those with the lowest keyed hash, up to the fraction."""
    sizes = Counter(row.kin for row in rows)
    groups_of_class: dict[str, set[str]] = defaultdict(set)
    for row in _first_of_each_group(rows):
        groups_of_class[row.label].add(row.kin)
    chosen: set[str] = set()
    for groups in groups_of_class.values():
        wanted = max(1, round(val_fraction * sum(sizes[group] for group in groups)))
        chosen |= _nearest(sorted(groups, key=lambda group: _key(group, seed)), sizes, wanted)
    return chosen


def _nearest(groups: Sequence[str], sizes: Mapping[str, int], wanted: int) -> set[str]:
    """The first groups that bring the number of pictures nearer to what is wanted.

    At least one is taken and one left, where there are two.
    """
    taken: list[str] = []
    missing = wanted
    for group in groups:
        if abs(missing - sizes[group]) < missing:
            taken.append(group)
            missing -= sizes[group]
    if not taken:
        taken = [min(groups, key=lambda group: sizes[group])]
    return set(taken[:-1] if len(taken) == len(groups) > 1 else taken)


def _first_of_each_group(rows: Sequence[Row]) -> list[Row]:
    """One row of each group; one under two labels counts for the class it is met in first."""
    return list({row.kin: row for row in reversed(rows)}.values())[::-1]


def _key(group: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}/{group}".encode(), digest_size=16).digest()


def _check_both_sides(rows: Sequence[Row], names: Sequence[str]) -> None:
    for split in ("train", "val"):
        present = {row.label for row in rows if row.split == split and not row.excluded}
        missing = [name for name in names if name not in present]
        if missing:
            grouped = any(row.group for row in rows if row.label in missing)
            as_one = "; those of one group count as one, alike or by --group-by" if grouped else ""
            raise DataError(
                f"class {', '.join(missing)}: too few different images to be in both the training"
                f" and the validation part (at least 2 needed{as_one}). Add images or remove the"
                " class folder."
            )
