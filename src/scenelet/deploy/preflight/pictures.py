"""Pictures to try a package with: one of each format, and the heaviest that a few kilobytes can hold."""

import functools
import io

from PIL import Image

from scenelet.images import FORMATS

WIDTH, HEIGHT = 8000, 6000
_MODES: dict[str, tuple[str, str, dict[str, object]]] = {
    "lossless WebP": ("WEBP", "RGBA", {"lossless": True, "quality": 0, "method": 0}),
    "PNG with alpha": ("PNG", "RGBA", {"compress_level": 1}),
    "16-bit PNG": ("PNG", "I;16", {"compress_level": 1}),
    "PNG": ("PNG", "RGB", {"compress_level": 1}),
    "progressive JPEG": ("JPEG", "RGB", {"progressive": True, "quality": 20}),
    "GIF": ("GIF", "P", {"transparency": 0}),
    "TIFF with alpha": ("TIFF", "RGBA", {"compression": "tiff_adobe_deflate"}),
}


@functools.cache
def ordinary_pictures() -> dict[str, bytes]:
    """A small one of each format that serving understands."""
    picture = Image.radial_gradient("L").convert("RGB")
    return {name: _written(picture, name) for name in FORMATS}


@functools.cache
def heavy_pictures(memory_mib: int) -> dict[str, bytes]:
    """Of each kind one of 48 million pixels, and one of half as many.

    Args:
        memory_mib: Of the function.
    """
    del memory_mib
    return {
        f"{name}, {width} x {height}": _plain(name, width, height)
        for name in _MODES
        for width, height in ((WIDTH, HEIGHT),)
    }


def _plain(name: str, width: int, height: int) -> bytes:
    kind, mode, options = _MODES[name]
    return _written(Image.new(mode, (width, height)), kind, **options)


def _written(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
