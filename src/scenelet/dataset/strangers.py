"""Paint pictures of none of a classifier's classes: noise, textures, text, drawings, plain colours.

Seeded.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.sources import Memory

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


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in rng.integers(0, 256, 3))
    return red, green, blue


def _noise(rng: np.random.Generator) -> Image.Image:
    """White, grey or blotchy noise of random contrast."""
    grain = int(rng.choice([1, 2, 5, 15]))
    small = rng.normal(
        rng.uniform(60, 190),
        rng.uniform(20, 90),
        (SIZE_PX // grain, SIZE_PX // grain, int(rng.choice([1, 3]))),
    )
    values = np.clip(np.broadcast_to(small, (*small.shape[:2], 3)), 0, 255).astype(np.uint8)
    return Image.fromarray(values).resize((SIZE_PX, SIZE_PX), Image.Resampling.NEAREST)


def _texture(rng: np.random.Generator) -> Image.Image:
    """Stripes, checks or waves of two colours."""
    y, x = np.mgrid[0:SIZE_PX, 0:SIZE_PX] / SIZE_PX
    angle, pitch = rng.uniform(0, np.pi), rng.uniform(3, 25)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    wave = np.sin(2 * np.pi * pitch * along)
    pattern = [
        wave,
        wave * np.sin(2 * np.pi * pitch * across),
        np.sin(2 * np.pi * pitch * np.hypot(x - 0.5, y - 0.5)),
    ]
    chosen = pattern[int(rng.integers(3))]
    share = (chosen > 0 if rng.random() < 0.5 else (chosen + 1) / 2).astype(float)[..., None]
    values = share * np.array(_colour(rng)) + (1 - share) * np.array(_colour(rng))
    return Image.fromarray(values.astype(np.uint8))


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
    picture = Image.new(
        "RGB", (SIZE_PX, SIZE_PX), _colour(rng) if rng.random() < 0.4 else (250, 250, 250)
    )
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(3, 9))):
        left, top = (int(value) for value in rng.integers(0, 110, 2))
        box = (left, top, left + int(rng.integers(10, 80)), top + int(rng.integers(10, 80)))
        kind, colour, width = int(rng.integers(4)), _colour(rng), int(rng.integers(1, 6))
        if kind == 0:
            draw.ellipse(box, fill=colour)
        elif kind == 1:
            draw.rectangle(box, outline=colour, width=width)
        elif kind == 2:
            draw.line(box, fill=colour, width=width)
        else:
            draw.arc(
                box,
                int(rng.integers(0, 180)),
                int(rng.integers(180, 360)),
                fill=colour,
                width=width,
            )
    return picture


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
