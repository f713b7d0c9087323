"""Copies are told from other pictures by what they show."""

import io

import pytest
from PIL import Image

from scenelet.dataset.paint import jpeg, paint_scene
from scenelet.image_likeness import ALIKE_BITS, perceptual_hash, same_looking
from scenelet.images import decode

SCENES = ("buildings", "forest", "glacier", "mountain", "sea", "street")


@pytest.fixture(scope="module")
def pictures():
    return [decode(jpeg(paint_scene(scene, seed))) for seed in range(20) for scene in SCENES]


@pytest.fixture(scope="module")
def hashes(pictures):
    return [perceptual_hash(picture) for picture in pictures]


def saved_again(picture, quality, share):
    file = io.BytesIO()
    small = picture.resize((int(picture.width * share), int(picture.height * share)))
    small.save(file, "JPEG", quality=quality)
    return decode(file.getvalue())


@pytest.mark.parametrize(("quality", "share"), [(92, 1), (75, 1), (85, 0.6)])
def test_a_copy_is_found_whatever_its_quality_and_size(pictures, hashes, quality, share):
    copies = [perceptual_hash(saved_again(each, quality, share)) for each in pictures]
    found = same_looking(copies, hashes)
    right = sum(place == own for own, place in enumerate(found))
    assert right >= 0.95 * len(pictures)
    assert all(place in (own, None) for own, place in enumerate(found))


def test_other_pictures_are_not_taken_for_copies(hashes):
    assert same_looking(hashes[:60], hashes[60:]) == [None] * 60


def test_a_picture_that_shows_nothing_is_like_no_other():
    blank = perceptual_hash(Image.new("RGB", (40, 30), (9, 99, 200)))
    assert blank == ""
    assert same_looking([blank, "f" * 32], ["0" * 32]) == [None, None]
    assert same_looking(["0" * 32], []) == [None]


def test_some_bits_may_differ_and_no_more():
    def with_bits(count):
        return f"{(1 << count) - 1:032x}"

    assert same_looking([with_bits(ALIKE_BITS), with_bits(ALIKE_BITS + 1)], ["0" * 32]) == [0, None]
