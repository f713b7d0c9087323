import numpy as np
import pytest
from PIL import Image

from scenelet.assess.robustness import CORRUPTIONS, measure_robustness
from scenelet.bundle.runtime import BundleModel
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.scenes import paint_scene

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


def test_rotation_shows_no_black_corners():
    white = Image.new("RGB", (120, 120), "white")
    for degrees in CORRUPTIONS["rotation"].strengths:
        turned = CORRUPTIONS["rotation"].apply(white, degrees, np.random.default_rng(0))
        assert np.asarray(turned).min() > 200


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
