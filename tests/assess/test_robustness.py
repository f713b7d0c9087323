import numpy as np
import pytest
from PIL import Image

from scenelet.assess.robustness import CORRUPTIONS, at_one_size, measure_robustness
from scenelet.bundle.runtime import BundleModel
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.scenes import paint_scene
from scenelet.images import PreprocessSpec, preprocess

PICTURE = paint_scene("street", seed=1)


def distance(name, place):
    corruption = CORRUPTIONS[name]
    spoilt = corruption.apply(
        PICTURE, corruption.strengths[place], np.random.default_rng(0)
    ).resize(PICTURE.size)
    return float(np.abs(np.asarray(spoilt, float) - np.asarray(PICTURE, float)).mean())


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_strongest_corruption_spoils_more_than_the_mildest(name):
    assert 0 < distance(name, 0) < distance(name, 4)


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("size", [(1, 1), (7, 300), (150, 150)])
def test_every_corruption_takes_every_picture(name, size):
    picture = PICTURE.resize(size, Image.Resampling.BILINEAR)
    for strength in CORRUPTIONS[name].strengths:
        spoilt = CORRUPTIONS[name].apply(picture, strength, np.random.default_rng(0))
        assert spoilt.mode == "RGB"
        assert min(spoilt.size) >= 1


@pytest.mark.parametrize("size", [(120, 120), (300, 533), (600, 200), (90, 400)])
def test_rotation_shows_no_black_corners_whatever_the_shape(size):
    white = Image.new("RGB", size, "white")
    for degrees in CORRUPTIONS["rotation"].strengths:
        turned = CORRUPTIONS["rotation"].apply(white, degrees, np.random.default_rng(0))
        assert np.asarray(turned).min() > 200
        assert turned.width / turned.height == pytest.approx(size[0] / size[1], rel=0.1)


@pytest.mark.parametrize("name", ["noise", "JPEG", "blur", "small"])
def test_a_strength_means_the_same_to_small_and_large_pictures(name):
    spec, reached = PreprocessSpec(128, 128), []
    corruption = CORRUPTIONS[name]
    base = np.random.default_rng(0).normal(128, 40, (24, 24, 3)).clip(0, 255).astype(np.uint8)
    for side in (150, 1000, 3000):
        picture = Image.fromarray(base).resize((side, side), Image.Resampling.BICUBIC)
        alike = at_one_size(picture, spec)
        spoilt = corruption.apply(alike, corruption.strengths[-1], np.random.default_rng(0))
        change = preprocess(spoilt, spec).astype(float) - preprocess(picture, spec)
        reached.append(float(np.sqrt((change**2).mean())))
    assert max(reached) < 1.2 * min(reached)


def test_robustness_counts_each_image_in_each_way_and_repeats(bundle, painted):
    model = BundleModel(bundle)
    found = Dataset.open(painted).part("test")
    first, again = (measure_robustness(model, found.of(found.rows[:12])) for _ in range(2))
    assert first == again
    assert first.images == 12
    values = [
        interval.value for intervals in first.by_corruption.values() for interval in intervals
    ]
    assert len(values) == 45
    assert first.mean_accuracy == pytest.approx(np.mean(values))
