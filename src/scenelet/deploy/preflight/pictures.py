"""Pictures to try a package with: one of each format, and the heaviest of a few kilobytes."""

import functools
import io

from PIL import Image

from scenelet.image_formats import PACKED
from scenelet.images import ORIENTATION

SIZES = ((8000, 6000), (5600, 4200))
_KINDS: dict[str, tuple[str, str, dict[str, object]]] = {
    "lossless WebP with alpha": ("WEBP", "RGBA", {"lossless": True, "quality": 0, "method": 0}),
    "lossless WebP": ("WEBP", "RGB", {"lossless": True, "quality": 0, "method": 0}),
    "PNG with alpha": ("PNG", "RGBA", {"compress_level": 1}),
    "16-bit PNG": ("PNG", "I;16", {"compress_level": 1}),
    "PNG": ("PNG", "RGB", {"compress_level": 1}),
    "progressive JPEG": ("JPEG", "CMYK", {"progressive": True, "quality": 20}),
    "GIF": ("GIF", "P", {"transparency": 0}),
    "TIFF with alpha": ("TIFF", "RGBA", {"compression": "tiff_adobe_deflate"}),
}


@functools.cache
def ordinary_pictures() -> dict[str, bytes]:
    """A small one of each format that a package understands."""
    picture = Image.radial_gradient("L").convert("RGB")
    return {name: _written(picture, name) for name in PACKED}


@functools.cache
def heavy_pictures() -> dict[str, bytes]:
    """Of each kind one as large as is allowed, and one of half as many pixels."""
    return {
        f"{name}, {width} x {height}": _plain(*kind, width, height)
        for name, kind in _KINDS.items()
        for width, height in SIZES
    }


def _plain(kind: str, mode: str, options: dict[str, object], width: int, height: int) -> bytes:
    """Nothing but zeros; to be turned, where the format can say so: that takes another copy."""
    turned = Image.Exif()
    turned[ORIENTATION] = 6
    more = {} if kind == "GIF" else {"exif": turned}
    return _written(Image.new(mode, (width, height)), kind, **more, **options)


def _written(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
