"""Painted scenes: every picture is a function of its seed. Knows nothing of files.

Colours, horizon, light and clutter are shared between the classes, so that shape and texture
decide, not the mean colour of a region.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIZE_PX = 150
Colour = tuple[int, int, int]
Draw = ImageDraw.ImageDraw
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
_ICE = [(225, 235, 242), (190, 215, 230), (215, 215, 215), (240, 225, 215)]
_SANDS = [(220, 200, 160), (190, 170, 140), (120, 110, 105)]
_ROADS = [(75, 75, 80), (110, 105, 100), (50, 52, 58), (135, 130, 125)]
_BARK, _SNOW, _SAIL = (95, 70, 50), (235, 238, 242), (240, 240, 235)
_MARKING, _SHADOW, _CLOUD = (230, 225, 190), (30, 30, 32), (235, 235, 238)


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
    if size_px == SIZE_PX:
        return image
    return image.resize((size_px, size_px), Image.Resampling.BICUBIC)


def jpeg(image: Image.Image, quality: int = 88) -> bytes:
    """Encode as JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _buildings(draw: Draw, rng: Rng) -> None:
    ground = _between(rng, 118, 150)
    _fill_from(draw, ground, _pick(_STONES + _GREENS, rng))
    for _ in range(_between(rng, 1, 6)):
        left, width = _between(rng, -20, 120), _between(rng, 28, 85)
        _building(draw, rng, (left, _between(rng, 5, 75), left + width, ground))


def _building(draw: Draw, rng: Rng, box: tuple[int, int, int, int]) -> None:
    left, top, right, _ = box
    wall = _pick(_WALLS + _STONES, rng)
    draw.rectangle(box, fill=wall)
    if rng.random() < 0.25:
        roof = [(left, top), (left + (right - left) // 2, top - 20), (right, top)]
        draw.polygon(roof, fill=_shade(wall, 0.7))
    _windows(draw, rng, box, _shade(wall, float(rng.choice([0.45, 0.6, 1.5]))))


def _windows(draw: Draw, rng: Rng, box: tuple[int, int, int, int], glass: Colour) -> None:
    left, top, right, foot = box
    step_x, step_y = _between(rng, 7, 16), _between(rng, 8, 18)
    for x in range(left + 4, right - 4, step_x):
        for y in range(top + 4, foot - 4, step_y):
            if rng.random() < 0.93:
                draw.rectangle((x, y, x + step_x // 2, y + step_y // 2), fill=glass)


def _forest(draw: Draw, rng: Rng) -> None:
    floor = _between(rng, 60, 130)
    _fill_from(draw, floor, _pick(_GREENS + _STONES, rng))
    crown = _fir if rng.random() < 0.5 else _leafy
    for depth in np.linspace(0.45, 1.0, _between(rng, 16, 45)):
        x = _between(rng, -5, 155)
        foot = int(floor + (depth - 0.4) * rng.integers(10, 60))
        height = int(depth * rng.integers(50, 130))
        leaf = _shade(_pick(_GREENS, rng), float(0.5 + 0.6 * depth))
        trunk = (x - 1, foot - height, x + int(3 * depth), foot)
        draw.rectangle(trunk, fill=_shade(_BARK, float(rng.uniform(0.5, 1.3))))
        crown(draw, rng, (x, foot - height), height, float(depth), leaf)


def _fir(draw: Draw, _: Rng, top: tuple[int, int], height: int, __: float, leaf: Colour) -> None:
    x = top[0]
    for tier in range(4):
        tip, half = top[1] + tier * height // 6, (tier + 2) * height // 22
        base = tip + height // 3
        triangle = [(x, tip), (x - half, base), (x + half, base)]
        draw.polygon(triangle, fill=_shade(leaf, 1 - 0.08 * tier))


def _leafy(
    draw: Draw, rng: Rng, top: tuple[int, int], height: int, depth: float, leaf: Colour
) -> None:
    for _ in range(7):
        x = top[0] + int(rng.normal(0, height * 0.1))
        y = top[1] + int(rng.normal(height * 0.12, height * 0.12))
        radius = int(rng.integers(3, 10) * depth) + 2
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, fill=_shade(leaf, float(rng.uniform(0.75, 1.25))))


def _glacier(draw: Draw, rng: Rng) -> None:
    if rng.random() < 0.6:
        _fill_below(draw, _ridge(rng, rng.integers(25, 60), 22), _pick(_STONES, rng))
    top = _ridge(rng, rng.integers(45, 95), 9)
    ice = _pick(_ICE, rng)
    _fill_below(draw, top, ice)
    for _ in range(_between(rng, 18, 45)):
        _crevasse(draw, rng, top, ice)
    if rng.random() < 0.5:
        _icy_lake(draw, rng, ice)


def _crevasse(draw: Draw, rng: Rng, top: np.ndarray, ice: Colour) -> None:
    """Short, jagged, roughly level."""
    x, y = _between(rng, 0, 140), _between(rng, 60, 150)
    points = [
        (x + 7 * k, y + int(rng.normal(0, 3)) + int(k * rng.normal(0, 1.5)))
        for k in range(_between(rng, 2, 8))
    ]
    if y > top[min(x, SIZE_PX - 1)] + 5:
        dark = _shade(ice, float(rng.uniform(0.6, 0.88)))
        draw.line(points, fill=dark, width=_between(rng, 1, 4))


def _icy_lake(draw: Draw, rng: Rng, ice: Colour) -> None:
    shore = _between(rng, 118, 142)
    _fill_from(draw, shore, _pick(_WATERS, rng))
    for _ in range(_between(rng, 2, 8)):
        x, y, size = _between(rng, 0, 150), _between(rng, shore, 150), _between(rng, 4, 14)
        left, right = (x - size // 3, y - size // 2), (x + size // 2, y - size // 3)
        draw.polygon([(x - size, y), left, right, (x + size, y)], fill=ice)


def _mountain(draw: Draw, rng: Rng) -> None:
    layers = _between(rng, 1, 4)
    base = _pick(_STONES, rng)
    for layer in range(layers):
        ridge = _ridge(rng, 35 + 28 * layer + rng.integers(-10, 10), 34 - 5 * layer)
        rock = _shade(base, 1.15 - 0.2 * layer)
        _fill_below(draw, ridge, rock)
        _snow(draw, rng, ridge)
        for _ in range(_between(rng, 4, 12)):
            _gully(draw, rng, ridge, _shade(rock, 0.75))
    if rng.random() < 0.55:
        _fill_below(draw, _ridge(rng, rng.integers(112, 138), 4), _pick(_GREENS + _WATERS, rng))


def _snow(draw: Draw, rng: Rng, ridge: np.ndarray) -> None:
    line = int(ridge.min() + rng.integers(8, 34)) if rng.random() < 0.6 else 0
    for x in range(SIZE_PX):
        if ridge[x] < line:
            end = min(line + _between(rng, -6, 6), ridge[x] + 30)
            draw.line((x, ridge[x], x, end), fill=_SNOW)


def _gully(draw: Draw, rng: Rng, ridge: np.ndarray, dark: Colour) -> None:
    """Runs down the slope."""
    x = _between(rng, 0, SIZE_PX - 1)
    end = (x + _between(rng, -14, 14), ridge[x] + _between(rng, 18, 45))
    draw.line((x, ridge[x] + 4, *end), fill=dark, width=2)


def _sea(draw: Draw, rng: Rng) -> None:
    horizon = _between(rng, 40, 105)
    water = _pick(_WATERS, rng)
    if rng.random() < 0.3:
        _fill_below(draw, _ridge(rng, horizon - 8, 7), _pick(_STONES, rng))
    _fill_from(draw, horizon, water)
    for _ in range(_between(rng, 40, 110)):
        _wave(draw, rng, horizon, water)
    if rng.random() < 0.4:
        _beach(draw, rng)
    if rng.random() < 0.3:
        _boat(draw, rng, horizon)


def _wave(draw: Draw, rng: Rng, horizon: int, water: Colour) -> None:
    y = int(horizon + (SIZE_PX - horizon) * rng.random() ** 1.4)
    x = _between(rng, -20, 150)
    length = int(rng.integers(4, 12) + (y - horizon) * 0.35)
    line = (x, y, x + length, y + _between(rng, -1, 2))
    colour = _shade(water, float(rng.uniform(0.7, 1.6)))
    draw.line(line, fill=colour, width=1 + (y - horizon) // 40)


def _beach(draw: Draw, rng: Rng) -> None:
    outline = _ridge(rng, rng.integers(115, 140), 3)
    slope = (np.arange(SIZE_PX) * rng.uniform(-0.2, 0.2)).astype(int)
    _fill_below(draw, outline + slope, _pick(_SANDS, rng))


def _boat(draw: Draw, rng: Rng, horizon: int) -> None:
    x, y = _between(rng, 20, 130), horizon + _between(rng, 0, 15)
    hull = [(x - 9, y), (x + 9, y), (x + 6, y + 4), (x - 6, y + 4)]
    draw.polygon(hull, fill=_pick(_WALLS, rng))
    draw.polygon([(x, y - 2), (x, y - 18), (x + 8, y - 3)], fill=_SAIL)


def _street(draw: Draw, rng: Rng) -> None:
    vanish = _between(rng, 50, 100), _between(rng, 55, 90)
    _fill_from(draw, vanish[1], _pick(_STONES + _GREENS, rng))
    for edge in (0, SIZE_PX):
        _house_fronts(draw, rng, vanish, edge)
    road = _pick(_ROADS, rng)
    half = _between(rng, 45, 90)
    _road(draw, vanish, half, road)
    for _ in range(_between(rng, 0, 4)):
        _car(draw, rng, vanish, half)


def _house_fronts(draw: Draw, rng: Rng, vanish: tuple[int, int], edge: int) -> None:
    """Shrink from the edge of the picture towards the vanishing point."""
    near = edge
    while abs(near - vanish[0]) > 12:
        far = int(near + (vanish[0] - near) * rng.uniform(0.25, 0.5))
        wall, height = _pick(_WALLS + _STONES, rng), rng.uniform(0.7, 2.2)
        tops = [vanish[1] - abs(x - vanish[0]) * height for x in (near, far)]
        foot = [vanish[1] + abs(x - vanish[0]) * 0.45 for x in (near, far)]
        front = [(near, tops[0]), (far, tops[1]), (far, foot[1]), (near, foot[0])]
        draw.polygon(front, fill=wall)
        _floors(draw, (near, far), tops, foot, _shade(wall, 0.6))
        near = far


def _floors(
    draw: Draw, ends: tuple[int, int], tops: list[float], foot: list[float], dark: Colour
) -> None:
    for part in (0.25, 0.5, 0.75):
        heights = [high + (low - high) * part for high, low in zip(tops, foot, strict=True)]
        draw.line(list(zip(ends, heights, strict=True)), fill=dark, width=2)


def _road(draw: Draw, vanish: tuple[int, int], half: int, colour: Colour) -> None:
    x, y = vanish
    near = [(75 + half, SIZE_PX), (75 - half, SIZE_PX)]
    draw.polygon([(x - 2, y), (x + 2, y), *near], fill=colour)
    for part in np.linspace(0.15, 0.95, 5):
        start = x + (75 - x) * part, y + (SIZE_PX - y) * part
        end = start[0] + (75 - x) * 0.08, start[1] + 8 * part
        draw.line((*start, *end), fill=_MARKING, width=1 + int(3 * part))


def _car(draw: Draw, rng: Rng, vanish: tuple[int, int], half: int) -> None:
    part = rng.uniform(0.2, 0.9)
    x = vanish[0] + rng.uniform(-0.8, 0.8) * half * part
    y, size = vanish[1] + (SIZE_PX - vanish[1]) * part, 4 + 16 * part
    left, right = x - size / 2, x + size / 2
    draw.rectangle((left, y - size * 0.6, right, y), fill=_pick(_WALLS, rng))
    draw.rectangle((left, y - 2, right, y), fill=_SHADOW)


SCENES: dict[str, Callable[[Draw, Rng], None]] = {
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
    for _ in range(_between(rng, 0, 5)):
        x, y, width = _between(rng, 0, 150), _between(rng, 0, 50), _between(rng, 10, 35)
        draw.ellipse((x, y, x + width, y + width // 3), fill=_CLOUD)


def _camera(image: Image.Image, rng: Rng) -> Image.Image:
    """Light, colour cast, focus and noise: the same for every class."""
    pixels = np.asarray(image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.1))), float)
    exposed = 255 * (pixels / 255) ** rng.uniform(0.6, 1.6)
    pixels = exposed * rng.uniform(0.8, 1.2, 3) + rng.uniform(-15, 15)
    if rng.random() < 0.12:
        pixels = np.broadcast_to(pixels.mean(2, keepdims=True), pixels.shape)
    pixels = pixels + rng.normal(0, rng.uniform(2, 10), pixels.shape)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _ridge(rng: Rng, height: float | np.integer, roughness: float) -> np.ndarray:
    """A mountain's outline, by summed random triangles of halving width.

    Returns:
        (SIZE_PX,) int row numbers.
    """
    outline, x = np.full(SIZE_PX, float(height)), np.arange(SIZE_PX)
    for octave in range(5):
        knots = np.linspace(0, SIZE_PX - 1, 3 * 2**octave + 1)
        outline += np.interp(x, knots, rng.normal(0, roughness / 2**octave, len(knots)))
    return np.asarray(np.clip(outline, 2, SIZE_PX - 1).astype(int))


def _fill_below(draw: Draw, outline: np.ndarray, colour: Colour) -> None:
    ends = [(SIZE_PX, int(outline[-1])), (SIZE_PX, SIZE_PX)]
    line = ((x, int(y)) for x, y in enumerate(outline))
    draw.polygon([(0, SIZE_PX), *line, *ends], fill=colour)


def _fill_from(draw: Draw, row: int, colour: Colour) -> None:
    draw.rectangle((0, row, SIZE_PX, SIZE_PX), fill=colour)


def _between(rng: Rng, low: int, high: int) -> int:
    """A whole number, `high` excluded."""
    return int(rng.integers(low, high))


def _pick(colours: list[Colour], rng: Rng) -> Colour:
    return _shade(colours[rng.integers(len(colours))], float(rng.uniform(0.8, 1.2)))


def _shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (int(min(255, channel * factor)) for channel in colour)
    return red, green, blue
