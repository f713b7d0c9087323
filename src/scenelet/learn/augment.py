"""Augmentation, for training only: random crops, flips, colour, mixing of batches.

All randomness comes from the generator that is handed in, so a step can be repeated bit for bit.
"""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from scenelet.runs.recipe import TrainConfig


def augment(
    images: Tensor, targets: Tensor, size: int, config: TrainConfig, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Augment one batch.

    Args:
        images: (n, 3, height, width) uint8.
        targets: (n, classes) float, each row summing to 1.
        size: Output width and height in pixels.
        config: Whose dials say how strongly to augment.
        generator: On the CPU; the only source of randomness.

    Returns:
        (n, 3, size, size) float, 0-255, and the targets, mixed where the images were.
    """
    crops = random_crop(images, size, config, generator)
    if config.colour_jitter:
        crops = jitter_colour(crops, config.colour_jitter, generator)
    if config.distortion:
        crops = distort(crops, config.distortion, generator)
    if torch.rand((), generator=generator) < config.mix_probability:
        return mix(crops, targets, generator)
    return crops, targets


def random_crop(images: Tensor, size: int, config: TrainConfig, generator: Generator) -> Tensor:
    """Cut a random part of each image (area and aspect ratio 3/4 to 4/3), bring all to one size.

    As the dials `flip` and `turn` say, half of them are mirrored, and all turned by some quarters.
    With `distortion`, half of them are turned by up to 20 degrees and sheared by up to 0.2, both
    times its strength. Where the crop would be shrunk by more than half, it is sampled at twice the
    size and averaged (antialiasing).

    Returns:
        (n, 3, size, size) float, 0-255.
    """
    theta = _boxes(len(images), config, generator)
    if config.turn == "90":
        quarters = torch.randint(0, 4, (len(images),), generator=generator) * (math.pi / 2)
        theta[:, :, :2] = theta[:, :, :2] @ _rotation(quarters)
    if config.distortion:
        theta[:, :, :2] = theta[:, :, :2] @ _skew(len(images), config.distortion, generator)
    return _sampled(images, theta, size)


def _boxes(count: int, config: TrainConfig, generator: Generator) -> Tensor:
    """Where to cut, and whether mirrored: (n, 2, 3) affine matrices."""
    side = _uniform(count, config.min_crop_area, 1.0, generator).sqrt()
    stretch = _uniform(count, -math.log(4 / 3) / 2, math.log(4 / 3) / 2, generator).exp()
    width, height = (side * stretch).clamp(max=1), (side / stretch).clamp(max=1)
    theta = torch.zeros(count, 2, 3)
    theta[:, 0, 0] = width * (_signs(count, generator) if config.flip != "none" else 1)
    theta[:, 1, 1] = height * (_signs(count, generator) if config.flip == "both" else 1)
    theta[:, 0, 2] = _uniform(count, -1, 1, generator) * (1 - width)
    theta[:, 1, 2] = _uniform(count, -1, 1, generator) * (1 - height)
    return theta


def _skew(count: int, distortion: float, generator: Generator) -> Tensor:
    angle = _sometimes(count, math.radians(20) * distortion, generator)
    lean = _sometimes(count, 0.2 * distortion, generator)
    return _rotation(angle, lean)


def _sampled(images: Tensor, theta: Tensor, size: int) -> Tensor:
    """The pixels that the matrices point at; averaged in fours where that shrinks by half."""
    wide = 2 * size if min(images.shape[2:]) >= 2 * size else size
    grid = F.affine_grid(theta.to(images.device), [len(images), 3, wide, wide], align_corners=False)
    crops = F.grid_sample(
        images.float(), grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    return crops if wide == size else F.avg_pool2d(crops, 2)


def jitter_colour(images: Tensor, strength: float, generator: Generator) -> Tensor:
    """Change brightness, contrast and saturation of each image by up to `strength`, a fraction.

    Returns:
        As `images`: (n, 3, height, width) float, 0-255.
    """
    count = len(images)
    factors = [_uniform(count, 1 - strength, 1 + strength, generator) for _ in range(3)]
    brightness, contrast, saturation = (_each(factor, images) for factor in factors)
    images = images * brightness
    images = torch.lerp(images.mean((1, 2, 3), keepdim=True), images, contrast)
    images = torch.lerp(images.mean(1, keepdim=True), images, saturation)
    return images.clamp(0, 255)


def distort(images: Tensor, strength: float, generator: Generator) -> Tensor:
    """Gamma, tint, sharpness, greyness and erasing, each on some of the images.

    As in RandAugment (Cubuk et al. 2020).

    Args:
        images: (n, 3, height, width) float, 0-255.
        strength: 0-1; at 1 the strongest gamma is 2 or 1/2, the tint 30 %, the blur a 3x3 mean, and
            a quarter of the height and width is erased.
        generator: The only source of randomness.
    """
    count = len(images)
    gamma = (_sometimes(count, strength, generator) * math.log(2)).exp()
    tint = _sometimes(3 * count, 0.3 * strength, generator).exp()
    sharpness = _sometimes(count, strength, generator)
    grey = (torch.rand(count, generator=generator) < 0.1 * strength).float()
    images = 255 * (images.clamp(0.5, 255) / 255) ** _each(gamma, images) * _each(tint, images)
    return _erase(_blurred_and_grey(images, sharpness, grey), 0.25 * strength, generator).clamp(
        0, 255
    )


def _blurred_and_grey(images: Tensor, sharpness: Tensor, grey: Tensor) -> Tensor:
    blurred = F.avg_pool2d(images, 3, 1, 1, count_include_pad=False)
    images = torch.lerp(images, blurred, _each(sharpness, images))  # a negative share sharpens
    return torch.lerp(images, images.mean(1, keepdim=True), _each(grey, images))


def _each(values: Tensor, images: Tensor) -> Tensor:
    """One value an image, or one a channel of it, as a factor of its pixels."""
    return values.view(len(images), -1, 1, 1).to(images.device)


def _erase(images: Tensor, part: float, generator: Generator) -> Tensor:
    """Paint a grey rectangle over a quarter of the images (Zhong et al. 2017)."""
    count, size = len(images), images.shape[-1]
    centre, half = (
        _uniform(2 * count, 0, size, generator),
        _uniform(2 * count, 0.2 * part, part, generator) * size / 2,
    )
    half = half * (torch.rand(count, generator=generator) < 0.25).repeat(2)
    pixels = torch.arange(size) + 0.5
    inside = ((pixels - centre[:, None]).abs() < half[:, None]).view(2, count, size)
    boxes = inside[0][:, :, None] & inside[1][:, None, :]
    return images.masked_fill(boxes[:, None].to(images.device), 127.5)


def mix(images: Tensor, targets: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Mixup or cutmix (even odds) of a batch with a shuffled copy of itself.

    Source: Zhang et al. 2017 (mixup), Yun et al. 2019 (cutmix); Beta(1, 1) is the uniform
    distribution.
    """
    partner = torch.randperm(len(images), generator=generator)
    share = float(torch.rand((), generator=generator))
    if torch.rand((), generator=generator) < 0.5:
        images = torch.lerp(images[partner], images, share)
    else:
        images, share = _patched(images, partner, share, generator)
    return images, torch.lerp(targets[partner], targets, share)


def _patched(
    images: Tensor, partner: Tensor, share: float, generator: Generator
) -> tuple[Tensor, float]:
    """A square of the partner in each image, and the share of the pixels that it left."""
    size = images.shape[-1]
    cut = int(size * math.sqrt(1 - share))
    top, left = (int(torch.randint(0, size - cut + 1, (), generator=generator)) for _ in range(2))
    box = (slice(None), slice(None), slice(top, top + cut), slice(left, left + cut))
    patches = images[partner][box]
    images = images.clone()
    images[box] = patches
    return images, 1 - cut * cut / (size * size)


def _rotation(angle: Tensor, lean: Tensor | float = 0.0) -> Tensor:
    """(n, 2, 2) from (n,) angles in radians, and how much to shear."""
    rows = [angle.cos(), lean - angle.sin(), angle.sin(), angle.cos()]
    return torch.stack(rows, 1).view(-1, 2, 2)


def _signs(count: int, generator: Generator) -> Tensor:
    """-1 or 1, even odds."""
    return torch.randint(0, 2, (count,), generator=generator) * 2 - 1


def _uniform(count: int, low: float, high: float, generator: Generator) -> Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low


def _sometimes(count: int, largest: float, generator: Generator) -> Tensor:
    """Evenly drawn from -largest to largest for half of the images, 0 for the others."""
    values = _uniform(count, -largest, largest, generator)
    return values * torch.randint(0, 2, (count,), generator=generator)
