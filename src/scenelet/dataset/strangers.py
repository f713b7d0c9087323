"""Paint pictures of none of a classifier's classes: noise, textures, text, drawings, plain colours.

Seeded.
"""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.row import Row
from scenelet.dataset.sources import Folder, Memory
from scenelet.errors import DataError

SIZE_PX = 150
_WORDS = (
    "invoice",
    "total",
    "receipt",
    "page",
    "chapter",
    "note",
    "table",
    "figure",
    "meeting",
    "number",
    "date",
    "amount",
)


def paint_strangers(per_kind: int, seed: int = 0) -> dict[str, list[bytes]]:
    """Pictures by kind, as PNG bytes of 150 x 150 pixels.

    Args:
        per_kind: How many of each kind.
        seed: Another seed, other pictures.
    """
    pictures: dict[str, list[bytes]] = {}
    for place, (kind, painter) in enumerate(_PAINTERS.items()):
        rng = np.random.default_rng([seed, place])
        pictures[kind] = [_png(painter(rng)) for _ in range(per_kind)]
    return pictures


def strangers(per_kind: int, seed: int = 0) -> dict[str, Dataset]:
    """The pictures of `paint_strangers` as a data set of each kind."""
    return {
        kind: Dataset.open(Memory(kind, tuple(made)))
        for kind, made in paint_strangers(per_kind, seed).items()
    }


def pictures_in(folder: Path) -> Dataset:
    """Every readable picture of a folder, whatever its layout: strangers to be told.

    Raises:
        DataError: There is none.
    """
    source = Folder(folder)
    rows = tuple(Row(entry.path, folder.name) for entry in source.entries() if not entry.reason)
    found = Dataset(source, rows).examined().used
    if not found.rows:
        raise DataError(f"{folder}: no readable picture in it. Give a folder of pictures.")
    return found


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in rng.integers(0, 256, 3))
    return red, green, blue


def _noise(rng: np.random.Generator) -> Image.Image:
    """White, grey or blotchy noise of random contrast."""
    side = SIZE_PX // int(rng.choice([1, 2, 5, 15]))
    mean, spread = rng.uniform(60, 190), rng.uniform(20, 90)
    small = rng.normal(mean, spread, (side, side, int(rng.choice([1, 3]))))
    values = np.clip(np.broadcast_to(small, (side, side, 3)), 0, 255).astype(np.uint8)
    return Image.fromarray(values).resize((SIZE_PX, SIZE_PX), Image.Resampling.NEAREST)


def _texture(rng: np.random.Generator) -> Image.Image:
    """Stripes, checks or waves of two colours."""
    chosen = _patterns(rng)[int(rng.integers(3))]
    share = (chosen > 0 if rng.random() < 0.5 else (chosen + 1) / 2).astype(float)[..., None]
    values = share * np.array(_colour(rng)) + (1 - share) * np.array(_colour(rng))
    return Image.fromarray(values.astype(np.uint8))


def _patterns(rng: np.random.Generator) -> list[np.ndarray]:
    """Stripes, checks and rings, -1 to 1."""
    y, x = np.mgrid[0:SIZE_PX, 0:SIZE_PX] / SIZE_PX
    angle, pitch = rng.uniform(0, np.pi), rng.uniform(3, 25)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    stripes, rings = _wave(along, pitch), _wave(np.hypot(x - 0.5, y - 0.5), pitch)
    return [stripes, stripes * _wave(across, pitch), rings]


def _wave(place: np.ndarray, pitch: float) -> np.ndarray:
    return np.asarray(np.sin(2 * np.pi * pitch * place))


def _text(rng: np.random.Generator) -> Image.Image:
    """A page of words, dark on light or light on dark."""
    light, dark = (int(value) for value in (rng.integers(190, 256), rng.integers(0, 70)))
    paper, ink = (light, dark) if rng.random() < 0.8 else (dark, light)
    picture = Image.new("RGB", (SIZE_PX, SIZE_PX), (paper, paper, paper))
    draw, size = ImageDraw.Draw(picture), int(rng.integers(9, 22))
    font = ImageFont.load_default(size)
    for top in range(int(rng.integers(0, 10)), SIZE_PX, int(size * 1.3)):
        line = " ".join(rng.choice(_WORDS) for _ in range(8))
        draw.text((int(rng.integers(2, 12)), top), line, fill=(ink, ink, ink), font=font)
    return picture


def _drawing(rng: np.random.Generator) -> Image.Image:
    """A few flat shapes and lines, as of a child or a diagram."""
    paper = _colour(rng) if rng.random() < 0.4 else (250, 250, 250)
    picture = Image.new("RGB", (SIZE_PX, SIZE_PX), paper)
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(3, 9))):
        left, top = (int(value) for value in rng.integers(0, 110, 2))
        right, foot = left + int(rng.integers(10, 80)), top + int(rng.integers(10, 80))
        _shape(draw, rng, (left, top, right, foot))
    return picture


def _shape(
    draw: ImageDraw.ImageDraw, rng: np.random.Generator, box: tuple[int, int, int, int]
) -> None:
    kind, colour, width = int(rng.integers(4)), _colour(rng), int(rng.integers(1, 6))
    if kind == 0:
        draw.ellipse(box, fill=colour)
    elif kind == 1:
        draw.rectangle(box, outline=colour, width=width)
    elif kind == 2:
        draw.line(box, fill=colour, width=width)
    else:
        start, end = int(rng.integers(0, 180)), int(rng.integers(180, 360))
        draw.arc(box, start, end, fill=colour, width=width)


def _plain(rng: np.random.Generator) -> Image.Image:
    """One colour, or a soft change from one to another."""
    first, second = np.array(_colour(rng)), np.array(_colour(rng))
    share = np.linspace(0, 1, SIZE_PX)[:, None, None] * float(rng.random() < 0.6)
    values = np.broadcast_to(first * (1 - share) + second * share, (SIZE_PX, SIZE_PX, 3)).astype(
        np.uint8
    )
    return Image.fromarray(values if rng.random() < 0.5 else values.transpose(1, 0, 2))


_PAINTERS: dict[str, Callable[[np.random.Generator], Image.Image]] = {
    "noise": _noise,
    "textures": _texture,
    "text": _text,
    "drawings": _drawing,
    "plain": _plain,
}
