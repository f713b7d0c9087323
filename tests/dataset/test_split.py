from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenelet.dataset.row import Row
from scenelet.dataset.split import split_validation
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
