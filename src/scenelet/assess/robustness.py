"""Accuracy on spoilt pictures.

Nine corruptions, at five strengths each, applied to the decoded picture. Knows no reports.
"""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from scenelet.bundle.figures import Interval
from scenelet.bundle.metrics import wilson_interval
from scenelet.bundle.runtime import BundleModel
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.row import Row
from scenelet.images import PreprocessSpec, decode_for, preprocess
from scenelet.parallel import in_parallel
from scenelet.progress import SILENT, Progress

STRENGTHS = 5


def _blur(image: Image.Image, radius: float, _: np.random.Generator) -> Image.Image:
    side = math.sqrt(image.width * image.height)
    return image.filter(ImageFilter.GaussianBlur(radius * side / 150))


def _noise(image: Image.Image, deviation: float, rng: np.random.Generator) -> Image.Image:
    values = np.asarray(image, np.float32)
    return Image.fromarray(
        (values + rng.normal(0, deviation, values.shape)).clip(0, 255).astype(np.uint8)
    )


def _jpeg(image: Image.Image, quality: float, _: np.random.Generator) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(quality))
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def _brightness(image: Image.Image, factor: float, _: np.random.Generator) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(factor)


def _contrast(image: Image.Image, factor: float, _: np.random.Generator) -> Image.Image:
    return ImageEnhance.Contrast(image).enhance(factor)


def _saturation(image: Image.Image, factor: float, _: np.random.Generator) -> Image.Image:
    return ImageEnhance.Color(image).enhance(factor)


def _rotation(image: Image.Image, degrees: float, rng: np.random.Generator) -> Image.Image:
    sign = 1 if rng.random() < 0.5 else -1
    turned = image.rotate(degrees * sign, Image.Resampling.BICUBIC, expand=False)
    width, height = _inside(image.width, image.height, math.radians(degrees))
    width, height = max(1, int(width)), max(1, int(height))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return turned.crop((left, top, left + width, top + height))


def _inside(width: float, height: float, angle: float) -> tuple[float, float]:
    """The largest upright rectangle of the same shape inside a turned one."""
    sine, cosine = math.sin(angle), math.cos(angle)
    scale = min(width / (width * cosine + height * sine), height / (width * sine + height * cosine))
    return width * scale - 2, height * scale - 2  # a pixel each side is blended with the black


def _scaled(image: Image.Image, factor: float) -> tuple[int, int]:
    """Its size times a factor, in whole pixels, at least one."""
    return max(1, round(factor * image.width)), max(1, round(factor * image.height))


def _crop(image: Image.Image, part: float, rng: np.random.Generator) -> Image.Image:
    width, height = _scaled(image, part)
    left, top = (
        int(rng.integers(0, most + 1)) for most in (image.width - width, image.height - height)
    )
    return image.crop((left, top, left + width, top + height))


def _small(image: Image.Image, pixels: float, _: np.random.Generator) -> Image.Image:
    size = (max(1, min(image.width, int(pixels))), max(1, min(image.height, int(pixels))))
    return image.resize(size, Image.Resampling.BILINEAR)


@dataclass(frozen=True)
class Corruption:
    """A way to spoil a picture.

    Attributes:
        apply: (picture, strength, generator) -> spoilt picture.
        strengths: From mild to strong.
        unit: Of the strengths.
    """

    apply: Callable[[Image.Image, float, np.random.Generator], Image.Image]
    strengths: tuple[float, float, float, float, float]
    unit: str


CORRUPTIONS = {
    "blur": Corruption(_blur, (0.5, 1.0, 1.5, 2.5, 4.0), "pixels at 150"),
    "noise": Corruption(_noise, (5, 10, 20, 35, 55), "grey levels"),
    "JPEG": Corruption(_jpeg, (60, 35, 20, 10, 5), "quality"),
    "brightness": Corruption(_brightness, (1.2, 0.75, 1.5, 0.5, 2.0), "times"),
    "contrast": Corruption(_contrast, (0.8, 0.6, 0.45, 0.3, 0.15), "times"),
    "saturation": Corruption(_saturation, (0.7, 0.4, 1.8, 0.0, 3.0), "times"),
    "rotation": Corruption(_rotation, (5, 10, 15, 25, 40), "degrees"),
    "crop": Corruption(_crop, (0.9, 0.8, 0.7, 0.55, 0.4), "of each side"),
    "small": Corruption(_small, (100, 75, 50, 36, 24), "pixels"),
}


@dataclass(frozen=True)
class Robustness:
    """Accuracy on spoilt pictures.

    Attributes:
        images: How many were spoilt, each in every way.
        clean: Accuracy on them as they are.
        by_corruption: Name -> accuracy at each strength, with intervals.
        mean_accuracy: Over all corruptions and strengths.
    """

    images: int
    clean: Interval
    by_corruption: dict[str, list[Interval]]
    mean_accuracy: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def at_one_size(picture: Image.Image, spec: PreprocessSpec) -> Image.Image:
    """With four times the area of the model's input, whatever it had.

    A strength means the same to all pictures.
    """
    scale = math.sqrt(4 * spec.width * spec.height / (picture.width * picture.height))
    return picture.resize(_scaled(picture, scale), Image.Resampling.BICUBIC)


def measure_robustness(
    bundle: BundleModel, dataset: Dataset, progress: Progress = SILENT
) -> Robustness:
    """Spoil each image in every way and ask the bundle.

    Args:
        bundle: To be measured.
        dataset: Images in use.
        progress: Is told how it goes on.

    Source: after Hendrycks and Dietterich 2019, with corruptions that photographs on their way to a
    service suffer.
    """
    names, spec = bundle.contract.class_names, bundle.contract.preprocess

    def spoil_and_ask(numbered: tuple[int, Row]) -> list[bool]:
        number, row = numbered
        picture = decode_for(dataset.read(row), spec)
        ways = [picture, *_spoilt(picture, spec, np.random.default_rng([7, number]))]
        guesses = [int(bundle.logits(preprocess(way, spec)).argmax()) for way in ways]
        return [names[guess] == row.label for guess in guesses]

    with progress.counting("spoiling", len(dataset)) as advance:
        numbered = list(enumerate(dataset.rows))
        right = np.array(list(in_parallel(spoil_and_ask, numbered, advance)), bool)
    clean, *spoilt = [wilson_interval(int(count), len(dataset)) for count in right.sum(0)]
    return Robustness(len(dataset), clean, _by_name(spoilt), float(right[:, 1:].mean()))


def _by_name(spoilt: Sequence[Interval]) -> dict[str, list[Interval]]:
    """Of each corruption, at its strengths."""
    starts = range(0, len(spoilt), STRENGTHS)
    parts = (list(spoilt[start : start + STRENGTHS]) for start in starts)
    return dict(zip(CORRUPTIONS, parts, strict=True))


def _spoilt(
    picture: Image.Image, spec: PreprocessSpec, rng: np.random.Generator
) -> list[Image.Image]:
    """In every way at every strength, in the order of the table."""
    alike = at_one_size(picture, spec)
    return [
        corruption.apply(alike, strength, rng)
        for corruption in CORRUPTIONS.values()
        for strength in corruption.strengths
    ]
