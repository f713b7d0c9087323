import pytest
import torch

from scenelet.learn.augment import augment, distort, jitter_colour, mix, random_crop
from scenelet.runs.recipe import TrainConfig


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def dials(min_crop_area, distortion, **others):
    return TrainConfig(min_crop_area=min_crop_area, distortion=float(distortion), **others)


IMAGES = torch.randint(0, 256, (6, 3, 80, 80), dtype=torch.uint8, generator=generator())
TARGETS = torch.eye(6)


@pytest.mark.parametrize("size", [32, 64, 96])
def test_augmentation_is_a_function_of_its_generator(size):
    dials = TrainConfig(min_crop_area=0.3, colour_jitter=0.3, distortion=1.0, mix_probability=1.0)
    first, second, other = (
        augment(IMAGES, TARGETS, size, dials, generator(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(first[0], other[0])
    assert first[0].shape == (6, 3, size, size)
    assert float(first[0].min()) >= 0
    assert float(first[0].max()) <= 255


def test_a_crop_of_everything_is_the_picture_or_its_mirror():
    ramp = torch.linspace(0, 255, 64).round().to(torch.uint8).expand(8, 3, 64, 64)
    # the aspect ratio still varies, so only one of both sides is whole: rows are equal, so height
    # does not matter
    crops = random_crop(ramp, 64, dials(1.0, 0), generator())
    for crop in crops:
        steps = crop[0, 0].diff()
        assert bool((steps >= -0.01).all()) or bool((steps <= 0.01).all())
        assert float(crop.max() - crop.min()) > 180


def test_half_of_the_crops_are_mirrored():
    ramp = torch.linspace(0, 255, 32).to(torch.uint8).expand(400, 3, 32, 32)
    crops = random_crop(ramp, 32, dials(0.5, 0), generator())
    mirrored = (crops[:, 0, 0, 0] > crops[:, 0, 0, -1]).float().mean()
    assert 0.4 < float(mirrored) < 0.6


def test_shrinking_crops_average_rather_than_skip():
    checker = (
        ((torch.arange(128)[:, None] + torch.arange(128)) % 2 * 255)
        .to(torch.uint8)
        .expand(4, 3, 128, 128)
    )
    assert (
        float(random_crop(checker, 32, dials(1.0, 0), generator()).std()) < 60
    )  # skipping pixels would keep it near 127


def test_jitter_of_zero_changes_nothing():
    images = IMAGES.float()
    assert torch.allclose(jitter_colour(images, 0.0, generator()), images, atol=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_mixed_targets_say_how_much_of_which_image(seed):
    flat = torch.arange(6.0).view(6, 1, 1, 1).expand(6, 3, 20, 20) * 40
    images, targets = mix(flat, TARGETS, generator(seed))
    expected = (targets * torch.arange(6.0) * 40).sum(1)
    assert torch.allclose(targets.sum(1), torch.ones(6))
    assert torch.allclose(images.mean((1, 2, 3)), expected, atol=0.01)


def test_distortion_changes_some_pictures_and_at_no_strength_none():
    images = IMAGES.float().repeat(8, 1, 1, 1)
    distorted = distort(images, 1.0, generator())
    changed = [
        not torch.allclose(before, after, atol=2)
        for before, after in zip(images, distorted, strict=True)
    ]
    assert 0.5 < sum(changed) / len(changed) <= 1
    assert float(distorted.min()) >= 0
    assert float(distorted.max()) <= 255
    assert torch.allclose(distort(images, 0.0, generator()), images, atol=1)


def test_a_turned_crop_still_shows_the_picture():
    ramp = torch.linspace(40, 215, 64).round().to(torch.uint8).expand(64, 3, 64, 64)
    crops = random_crop(ramp, 64, dials(1.0, 1.0), generator())
    tilts = torch.stack(
        [(crop[0, -8:].mean(0) - crop[0, :8].mean(0)).abs().mean() for crop in crops]
    )
    assert float(tilts.max()) > 20  # some are turned
    assert float(crops.std((1, 2, 3)).min()) > 25


@pytest.mark.parametrize(
    ("flip", "turn", "corners"),
    [
        ("none", "none", {0}),
        ("horizontal", "none", {0, 1}),
        ("both", "none", {0, 1, 2, 3}),
        ("none", "90", {0, 1, 2, 3}),
    ],
)
def test_pictures_are_mirrored_and_turned_only_as_the_dials_say(flip, turn, corners):
    marked = torch.zeros(80, 3, 32, 32, dtype=torch.uint8)
    marked[:, :, :16, :16] = 200
    crops = random_crop(marked, 32, dials(0.9, 0, flip=flip, turn=turn), generator())
    quadrants = crops.mean(1).reshape(80, 2, 16, 2, 16).mean((2, 4)).reshape(80, 4)
    assert set(quadrants.argmax(1).tolist()) == corners
