import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from scenelet.dataset.duplicates import exact_groups, joined, near_groups

FLAT = np.full((8, 8, 3), 120, np.uint8)


def test_equal_hashes_are_a_group_and_empty_ones_none():
    assert exact_groups(["a", "", "b", "a", "", "a"]) == [[0, 3, 5]]


def test_alike_pictures_are_found_through_a_third():
    assert joined([(5, 1), (2, 3), (1, 4)]) == [[1, 4, 5], [2, 3]]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=20))
def test_groups_are_disjoint_and_hold_every_pair(pairs):
    groups = joined(pairs)
    members = [member for group in groups for member in group]
    assert len(members) == len(set(members))
    assert all(any({first, second} <= set(group) for group in groups) for first, second in pairs)


def test_a_few_bits_of_the_hash_may_differ_where_the_thumbnails_are_alike():
    assert near_groups([0, 0b111], [FLAT, FLAT]) == [[0, 1]]
    other = FLAT + np.uint8(40)
    assert near_groups([0, 0b111], [FLAT, other]) == []


def test_many_bits_may_differ_only_where_the_thumbnails_are_the_same():
    likeness = [0, (1 << 12) - 1]
    assert near_groups(likeness, [FLAT, FLAT]) == [[0, 1]]
    assert near_groups(likeness, [FLAT, FLAT + np.uint8(4)]) == []


def test_a_picture_that_can_not_be_used_is_like_no_other():
    assert near_groups([0, 0], [FLAT, None]) == []
