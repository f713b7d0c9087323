"""Paint small scenes in the Intel layout, so that demo and tests need nothing from outside.

Every picture is a function of its seed. Colours, horizon, light and clutter are shared between the
classes, so that shape and texture decide, not the mean colour of a region.
"""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from scenelet.artefacts import whole_folder
from scenelet.errors import ArtefactError
from scenelet.parallel import Advance, silent

SIZE_PX = 150
Colour = tuple[int, int, int]
Rng = np.random.Generator

_SKIES = [
    ((90, 140, 210), (200, 220, 240)),
    ((240, 150, 90), (250, 220, 170)),
    ((150, 155, 165), (215, 215, 220)),
    ((30, 40, 80), (120, 110, 140)),
    ((60, 110, 170), (235, 190, 160)),
]
_GREENS = [(35, 85, 40), (70, 110, 45), (110, 120, 50), (150, 100, 40), (60, 75, 60)]
_STONES = [(120, 110, 105), (95, 100, 115), (140, 120, 95), (85, 80, 85), (160, 150, 140)]
_WALLS = [
    (170, 90, 70),
    (200, 190, 170),
    (110, 120, 135),
    (215, 200, 120),
    (140, 150, 160),
    (90, 75, 70),
]
_WATERS = [(40, 90, 130), (30, 120, 140), (90, 110, 125), (25, 55, 90), (110, 150, 165)]


def paint_scene(label: str, seed: int, size_px: int = SIZE_PX) -> Image.Image:
    """Paint one picture.

    Args:
        label: One of `SCENES`.
        seed: The same seed gives the same pixels.
        size_px: Width and height.

    Returns:
        RGB image.
    """
    rng = np.random.default_rng([seed, sorted(SCENES).index(label)])
    image = Image.new("RGB", (SIZE_PX, SIZE_PX))
    _sky(image, rng)
    SCENES[label](ImageDraw.Draw(image), rng)
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = _camera(image, rng)
    return (
        image if size_px == SIZE_PX else image.resize((size_px, size_px), Image.Resampling.BICUBIC)
    )


def jpeg(image: Image.Image, quality: int = 88) -> bytes:
    """Encode as JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def paint_data_set(
    out: Path, per_class: int, seed: int = 0, advance: Advance = silent
) -> dict[str, int]:
    """Paint a data set: seg_train/, seg_test/ (a quarter as many) and unlabelled seg_pred/.

    Args:
        out: Folder to make; must not hold anything yet.
        per_class: Training images of each class.
        seed: Another seed, other pictures.
        advance: Called after each picture.

    Returns:
        Number of images by part.

    Raises:
        ArtefactError: `out` holds something already, or can't be written.
    """
    if out.exists() and any(out.iterdir()):
        raise ArtefactError(f"{out}: is not empty, nothing was painted. Give a new folder.")
    plan = [
        ("seg_train", per_class, 0),
        ("seg_test", max(1, per_class // 4), 1),
        ("seg_pred", max(1, per_class // 8), 2),
    ]
    with whole_folder(out) as folder:
        for part, count, stream in plan:
            for label in sorted(SCENES):
                place = folder / part if part == "seg_pred" else folder / part / label
                place.mkdir(parents=True, exist_ok=True)
                for number in range(count):
                    # seg_pred says nothing of the class in its file names
                    inside = number * len(SCENES) + sorted(SCENES).index(label)
                    stem = f"{inside if part == 'seg_pred' else number:05d}"
                    picture = paint_scene(label, seed=(seed * 3 + stream) * 1_000_003 + number)
                    (place / f"{stem}.jpg").write_bytes(jpeg(picture))
                    advance()
    return {part: count * len(SCENES) for part, count, _ in plan}


def count_painted(per_class: int) -> int:
    """How many pictures `paint_data_set` paints in all."""
    return len(SCENES) * (per_class + max(1, per_class // 4) + max(1, per_class // 8))


def _buildings(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    ground = int(rng.integers(118, 150))
    draw.rectangle((0, ground, SIZE_PX, SIZE_PX), fill=_pick(_STONES + _GREENS, rng))
    for _ in range(int(rng.integers(1, 6))):
        left, width = int(rng.integers(-20, 120)), int(rng.integers(28, 85))
        top = int(rng.integers(5, 75))
        wall = _pick(_WALLS + _STONES, rng)
        draw.rectangle((left, top, left + width, ground), fill=wall)
        if rng.random() < 0.25:
            draw.polygon(
                [(left, top), (left + width // 2, top - 20), (left + width, top)],
                fill=_shade(wall, 0.7),
            )
        glass = _shade(wall, float(rng.choice([0.45, 0.6, 1.5])))
        step_x, step_y = int(rng.integers(7, 16)), int(rng.integers(8, 18))
        for x in range(left + 4, left + width - 4, step_x):
            for y in range(top + 4, ground - 4, step_y):
                if rng.random() < 0.93:
                    draw.rectangle((x, y, x + step_x // 2, y + step_y // 2), fill=glass)


def _forest(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    floor = int(rng.integers(60, 130))
    draw.rectangle((0, floor, SIZE_PX, SIZE_PX), fill=_pick(_GREENS + _STONES, rng))
    pointed = rng.random() < 0.5
    for depth in np.linspace(0.45, 1.0, int(rng.integers(16, 45))):
        x, foot = int(rng.integers(-5, 155)), int(floor + (depth - 0.4) * rng.integers(10, 60))
        height, leaf = (
            int(depth * rng.integers(50, 130)),
            _shade(_pick(_GREENS, rng), float(0.5 + 0.6 * depth)),
        )
        draw.rectangle(
            (x - 1, foot - height, x + int(3 * depth), foot),
            fill=_shade((95, 70, 50), float(rng.uniform(0.5, 1.3))),
        )
        if pointed:
            for tier in range(4):
                tip, half = foot - height + tier * height // 6, (tier + 2) * height // 22
                draw.polygon(
                    [(x, tip), (x - half, tip + height // 3), (x + half, tip + height // 3)],
                    fill=_shade(leaf, 1 - 0.08 * tier),
                )
        else:
            for _ in range(7):
                cx, cy = (
                    x + int(rng.normal(0, height * 0.1)),
                    foot - height + int(rng.normal(height * 0.12, height * 0.12)),
                )
                radius = int(rng.integers(3, 10) * depth) + 2
                draw.ellipse(
                    (cx - radius, cy - radius, cx + radius, cy + radius),
                    fill=_shade(leaf, float(rng.uniform(0.75, 1.25))),
                )


def _glacier(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    if rng.random() < 0.6:
        _fill_below(draw, _ridge(rng, rng.integers(25, 60), 22), _pick(_STONES, rng))
    top = _ridge(rng, rng.integers(45, 95), 9)
    ice = _pick([(225, 235, 242), (190, 215, 230), (215, 215, 215), (240, 225, 215)], rng)
    _fill_below(draw, top, ice)
    for _ in range(int(rng.integers(18, 45))):  # crevasses: short, jagged, roughly level
        x, y = int(rng.integers(0, 140)), int(rng.integers(60, 150))
        points = [
            (x + 7 * k, y + int(rng.normal(0, 3)) + int(k * rng.normal(0, 1.5)))
            for k in range(int(rng.integers(2, 8)))
        ]
        if y > top[min(x, SIZE_PX - 1)] + 5:
            draw.line(
                points,
                fill=_shade(ice, float(rng.uniform(0.6, 0.88))),
                width=int(rng.integers(1, 4)),
            )
    if rng.random() < 0.5:
        shore = int(rng.integers(118, 142))
        draw.rectangle((0, shore, SIZE_PX, SIZE_PX), fill=_pick(_WATERS, rng))
        for _ in range(int(rng.integers(2, 8))):
            x, y, size = (
                int(rng.integers(0, 150)),
                int(rng.integers(shore, 150)),
                int(rng.integers(4, 14)),
            )
            draw.polygon(
                [
                    (x - size, y),
                    (x - size // 3, y - size // 2),
                    (x + size // 2, y - size // 3),
                    (x + size, y),
                ],
                fill=ice,
            )


def _mountain(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    layers = int(rng.integers(1, 4))
    base = _pick(_STONES, rng)
    for layer in range(layers):
        ridge = _ridge(rng, 35 + 28 * layer + rng.integers(-10, 10), 34 - 5 * layer)
        rock = _shade(base, 1.15 - 0.2 * layer)
        _fill_below(draw, ridge, rock)
        snow_line = int(ridge.min() + rng.integers(8, 34)) if rng.random() < 0.6 else 0
        for x in range(SIZE_PX):
            if ridge[x] < snow_line:
                draw.line(
                    (x, ridge[x], x, min(snow_line + int(rng.integers(-6, 6)), ridge[x] + 30)),
                    fill=(235, 238, 242),
                )
        for _ in range(int(rng.integers(4, 12))):  # gullies run down the slope
            x = int(rng.integers(0, SIZE_PX - 1))
            draw.line(
                (
                    x,
                    ridge[x] + 4,
                    x + int(rng.integers(-14, 14)),
                    ridge[x] + int(rng.integers(18, 45)),
                ),
                fill=_shade(rock, 0.75),
                width=2,
            )
    if rng.random() < 0.55:
        _fill_below(draw, _ridge(rng, rng.integers(112, 138), 4), _pick(_GREENS + _WATERS, rng))


def _sea(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    horizon = int(rng.integers(40, 105))
    water = _pick(_WATERS, rng)
    if rng.random() < 0.3:
        _fill_below(draw, _ridge(rng, horizon - 8, 7), _pick(_STONES, rng))
    draw.rectangle((0, horizon, SIZE_PX, SIZE_PX), fill=water)
    for _ in range(int(rng.integers(40, 110))):
        y = int(horizon + (SIZE_PX - horizon) * rng.random() ** 1.4)
        x, length = int(rng.integers(-20, 150)), int(rng.integers(4, 12) + (y - horizon) * 0.35)
        draw.line(
            (x, y, x + length, y + int(rng.integers(-1, 2))),
            fill=_shade(water, float(rng.uniform(0.7, 1.6))),
            width=1 + (y - horizon) // 40,
        )
    if rng.random() < 0.4:
        sand = _ridge(rng, rng.integers(115, 140), 3) + (
            np.arange(SIZE_PX) * rng.uniform(-0.2, 0.2)
        ).astype(int)
        _fill_below(draw, sand, _pick([(220, 200, 160), (190, 170, 140), (120, 110, 105)], rng))
    if rng.random() < 0.3:
        x, y = int(rng.integers(20, 130)), horizon + int(rng.integers(0, 15))
        draw.polygon(
            [(x - 9, y), (x + 9, y), (x + 6, y + 4), (x - 6, y + 4)], fill=_pick(_WALLS, rng)
        )
        draw.polygon([(x, y - 2), (x, y - 18), (x + 8, y - 3)], fill=(240, 240, 235))


def _street(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    vanish_x, vanish_y = int(rng.integers(50, 100)), int(rng.integers(55, 90))
    draw.rectangle((0, vanish_y, SIZE_PX, SIZE_PX), fill=_pick(_STONES + _GREENS, rng))
    for side in (-1, 1):  # house fronts shrink towards the vanishing point
        edge = 0 if side < 0 else SIZE_PX
        near = edge
        while abs(near - vanish_x) > 12:
            far = int(near + (vanish_x - near) * rng.uniform(0.25, 0.5))
            wall, height = _pick(_WALLS + _STONES, rng), rng.uniform(0.7, 2.2)
            tops = [vanish_y - abs(x - vanish_x) * height for x in (near, far)]
            foot = [vanish_y + abs(x - vanish_x) * 0.45 for x in (near, far)]
            draw.polygon(
                [(near, tops[0]), (far, tops[1]), (far, foot[1]), (near, foot[0])], fill=wall
            )
            for part in (0.25, 0.5, 0.75):
                draw.line(
                    [
                        (near, tops[0] + (foot[0] - tops[0]) * part),
                        (far, tops[1] + (foot[1] - tops[1]) * part),
                    ],
                    fill=_shade(wall, 0.6),
                    width=2,
                )
            near = far
    road, half = (
        _pick([(75, 75, 80), (110, 105, 100), (50, 52, 58), (135, 130, 125)], rng),
        int(rng.integers(45, 90)),
    )
    draw.polygon(
        [
            (vanish_x - 2, vanish_y),
            (vanish_x + 2, vanish_y),
            (75 + half, SIZE_PX),
            (75 - half, SIZE_PX),
        ],
        fill=road,
    )
    for part in np.linspace(0.15, 0.95, 5):
        x, y = vanish_x + (75 - vanish_x) * part, vanish_y + (SIZE_PX - vanish_y) * part
        draw.line(
            (x, y, x + (75 - vanish_x) * 0.08, y + 8 * part),
            fill=(230, 225, 190),
            width=1 + int(3 * part),
        )
    for _ in range(int(rng.integers(0, 4))):
        part = rng.uniform(0.2, 0.9)
        x, y, size = (
            vanish_x + rng.uniform(-0.8, 0.8) * half * part,
            vanish_y + (SIZE_PX - vanish_y) * part,
            4 + 16 * part,
        )
        draw.rectangle((x - size / 2, y - size * 0.6, x + size / 2, y), fill=_pick(_WALLS, rng))
        draw.rectangle((x - size / 2, y - 2, x + size / 2, y), fill=(30, 30, 32))


SCENES: dict[str, Callable[[ImageDraw.ImageDraw, Rng], None]] = {
    "buildings": _buildings,
    "forest": _forest,
    "glacier": _glacier,
    "mountain": _mountain,
    "sea": _sea,
    "street": _street,
}


def _sky(image: Image.Image, rng: Rng) -> None:
    high, low = (np.array(colour, float) for colour in _SKIES[rng.integers(len(_SKIES))])
    fade = np.linspace(0, 1, SIZE_PX)[:, None, None] ** rng.uniform(0.5, 1.5)
    sky = np.broadcast_to(high + (low - high) * fade, (SIZE_PX, SIZE_PX, 3)) * rng.uniform(0.8, 1.1)
    image.paste(Image.fromarray(np.clip(sky, 0, 255).astype(np.uint8)))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(0, 5))):
        x, y, width = int(rng.integers(0, 150)), int(rng.integers(0, 50)), int(rng.integers(10, 35))
        draw.ellipse((x, y, x + width, y + width // 3), fill=(235, 235, 238))


def _camera(image: Image.Image, rng: Rng) -> Image.Image:
    """Light, colour cast, focus and noise: the same for every class."""
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.1))), float)
    pixels = 255 * (pixels / 255) ** rng.uniform(0.6, 1.6) * rng.uniform(0.8, 1.2, 3) + rng.uniform(
        -15, 15
    )
    if rng.random() < 0.12:
        pixels = np.broadcast_to(pixels.mean(2, keepdims=True), pixels.shape)
    pixels = pixels + rng.normal(0, rng.uniform(2, 10), pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _ridge(rng: Rng, height: float | np.integer, roughness: float) -> np.ndarray:
    """A mountain's outline: (SIZE_PX,) row numbers, by summed random triangles of halving width."""
    outline, x = np.full(SIZE_PX, float(height)), np.arange(SIZE_PX)
    for octave in range(5):
        knots = np.linspace(0, SIZE_PX - 1, 3 * 2**octave + 1)
        outline += np.interp(x, knots, rng.normal(0, roughness / 2**octave, len(knots)))
    return np.asarray(np.clip(outline, 2, SIZE_PX - 1).astype(int))


def _fill_below(draw: ImageDraw.ImageDraw, outline: np.ndarray, colour: Colour) -> None:
    points = [
        (0, SIZE_PX),
        *((x, int(y)) for x, y in enumerate(outline)),
        (SIZE_PX, int(outline[-1])),
        (SIZE_PX, SIZE_PX),
    ]
    draw.polygon(points, fill=colour)


def _pick(colours: list[Colour], rng: Rng) -> Colour:
    return _shade(colours[rng.integers(len(colours))], float(rng.uniform(0.8, 1.2)))


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (int(min(255, channel * factor)) for channel in colour)
    return red, green, blue
