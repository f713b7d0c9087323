import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from scenelet.dataset.duplicates import exact_groups, joined, near_groups
from scenelet.dataset.faults import Look, look_at

FLAT, PLAIN = np.full((8, 8, 3), 120, np.uint8), np.full((16, 16), 120, np.uint8)


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


def look(likeness=0, thumbnail=FLAT, shape=PLAIN):
    return Look(likeness=likeness, thumbnail=thumbnail, shape=shape)


def test_a_few_bits_of_the_hash_may_differ_where_the_thumbnails_are_alike():
    assert near_groups([look(0), look(0b111)]) == [[0, 1]]
    assert near_groups([look(0), look(0b111, FLAT + np.uint8(40))]) == []


def test_many_bits_may_differ_only_where_the_thumbnails_are_the_same():
    many = (1 << 12) - 1
    assert near_groups([look(0), look(many)]) == [[0, 1]]
    assert near_groups([look(0), look(many, FLAT + np.uint8(4))]) == []


def test_a_picture_that_can_not_be_used_is_like_no_other():
    assert near_groups([look(), look(thumbnail=None)]) == []


def test_groups_do_not_grow_into_chains():
    """Each is like the one before it, but the first and the last are not alike."""
    chain = [look(thumbnail=FLAT + np.uint8(6 * step)) for step in range(8)]
    assert max(map(len, near_groups(chain))) <= 3


def thing(seed, quality=90):
    """Four shapes at random places on white, as in a shop's catalogue."""
    random = np.random.default_rng(seed)
    picture = Image.new("RGB", (150, 150), "white")
    draw = ImageDraw.Draw(picture)
    for _ in range(4):
        x, y = random.integers(35, 85, 2)
        width, height = random.integers(8, 35, 2)
        draw.rectangle((x, y, x + width, y + height), fill=tuple(random.integers(0, 200, 3)))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return look_at(file.getvalue(), "a.jpg")


def test_things_on_a_plain_ground_are_told_apart_and_their_copies_found():
    looks = [thing(seed) for seed in range(150)]
    copies = [thing(seed, quality=50) for seed in range(0, 150, 10)]
    assert near_groups(looks) == []
    found = near_groups([*looks, *copies])
    assert len(found) >= 14
    assert all(copy == 150 + place // 10 for place, copy in found)
