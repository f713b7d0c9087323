from collections import Counter
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenelet.dataset.row import Row
from scenelet.dataset.split import assign_folds, split_validation
from scenelet.errors import DataError


def rows_of(**counts):
    return [
        Row(f"{label}/{n}.jpg", label, pixel_hash=f"{label}{n}")
        for label, count in counts.items()
        for n in range(count)
    ]


def test_split_is_stratified():
    decided = split_validation(rows_of(a=200, b=50), 0.1, seed=0)
    assert Counter((row.label, row.split) for row in decided) == {
        ("a", "train"): 180,
        ("a", "val"): 20,
        ("b", "train"): 45,
        ("b", "val"): 5,
    }


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 12)), min_size=30, max_size=80),
    st.integers(0, 99),
)
def test_split_keeps_duplicates_together(pictures, seed):
    rows = [
        Row(f"{n}.jpg", label, pixel_hash=f"{picture}")
        for n, (label, picture) in enumerate(pictures)
    ]
    try:
        decided = split_validation(rows, 0.2, seed)
    except DataError:
        return  # too few different pictures of a class: said, not split
    sides = {}
    for row in decided:
        assert sides.setdefault(row.pixel_hash, row.split) == row.split


def test_split_hangs_on_pixels_not_on_names_or_order():
    rows = rows_of(a=50, b=50)
    renamed = [
        Row(f"other/{n}.png", row.label, pixel_hash=row.pixel_hash)
        for n, row in enumerate(reversed(rows))
    ]
    first = {row.pixel_hash: row.split for row in split_validation(rows, 0.2, seed=3)}
    assert first == {row.pixel_hash: row.split for row in split_validation(renamed, 0.2, seed=3)}
    assert first != {row.pixel_hash: row.split for row in split_validation(rows, 0.2, seed=4)}


def test_the_test_part_stays_locked():
    rows = [*rows_of(a=20, b=20), Row("t.jpg", "a", split="test", pixel_hash="t")]
    assert split_validation(rows, 0.2, 0)[-1].split == "test"


def test_a_validation_part_of_the_layout_is_taken_as_it_is():
    rows = [
        *rows_of(a=20, b=20),
        *(Row(f"v{label}", label, split="val", pixel_hash=f"v{label}") for label in "ab"),
    ]
    assert Counter(row.split for row in split_validation(rows, 0.2, 0)) == {"train": 40, "val": 2}


def test_what_is_like_a_picture_of_a_persons_validation_part_is_not_trained_on():
    held_out = [Row(f"v{label}", label, split="val", pixel_hash=f"{label}0") for label in "ab"]
    decided = split_validation([*rows_of(a=20, b=20), *held_out], 0.2, 0)
    assert Counter(row.split for row in decided if not row.excluded) == {"train": 38, "val": 2}
    assert {row.path for row in decided if row.excluded} == {"a/0.jpg", "b/0.jpg"}


def test_a_persons_split_that_tears_groups_apart_is_refused():
    rows = [replace(row, group="one") for row in rows_of(a=20, b=20)]
    rows += [Row(f"v{n}", label, split="val", group="one") for n, label in enumerate("ab")]
    with pytest.raises(DataError, match=r"40 of 40 training images .* belong together"):
        split_validation(rows, 0.2, 0)


def in_groups(label, sizes):
    return [
        Row(f"{label}/{group}-{n}", label, pixel_hash=f"{label}{group}{n}", group=f"{label}{group}")
        for group, size in enumerate(sizes)
        for n in range(size)
    ]


@pytest.mark.parametrize("sizes", [[2] * 5, [10] * 4, [1, 30]])
def test_classes_of_few_groups_are_split(sizes):
    decided = split_validation([*in_groups("a", sizes), *in_groups("b", sizes)], 0.1, 0)
    assert {(row.label, row.split) for row in decided} == set(product("ab", ("train", "val")))


def test_series_are_held_out_as_often_as_single_pictures():
    held = Counter()
    for seed in range(60):
        rows = [*in_groups("a", [1] * 40 + [8] * 5), *rows_of(b=20)]
        decided = split_validation(rows, 0.2, seed)
        held += Counter(
            len([other for other in rows if other.group == row.group]) > 1
            for row in decided
            if row.split == "val" and row.label == "a"
        )
    assert 0.4 < held[True] / held.total() < 0.6


def test_folds_of_many_small_classes_are_as_large():
    rows = rows_of(**{f"k{n}-": 12 for n in range(30)})
    assert Counter(assign_folds(rows, 5, 0)) == dict.fromkeys(range(5), 72)


def test_excluded_rows_are_left_alone():
    rows = [*rows_of(a=20, b=20), Row("broken.jpg", "a", excluded="empty: 0 bytes")]
    assert split_validation(rows, 0.2, 0)[-1].split == ""


def test_one_class_is_refused():
    with pytest.raises(
        DataError, match=r"1 class found \(cats\), at least 2 needed. Add a sub-folder per class."
    ):
        split_validation(rows_of(cats=9), 0.2, 0)


def test_a_class_with_a_single_picture_is_refused_by_name():
    with pytest.raises(DataError, match="class rare: too few different images"):
        split_validation(rows_of(a=20, rare=1), 0.2, 0)


def test_a_class_whose_pictures_are_all_of_one_group_is_refused_with_the_reason():
    rows = [replace(row, group="7" if row.label == "a" else "") for row in rows_of(a=9, b=9)]
    with pytest.raises(DataError, match=r"class a: .* those of one group count as one"):
        split_validation(rows, 0.2, 0)
