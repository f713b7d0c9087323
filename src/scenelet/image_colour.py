"""Embedded colour profiles: Display P3, Adobe RGB, CMYK for print and the like become sRGB.

Pillow's ImageCms is imported only for a picture that has a profile. A profile that makes no sense
is passed over, as if there were none. Knows no files.
"""

import io
from collections.abc import Callable
from typing import Any

from PIL import Image

from scenelet.errors import UnreadableImageError

Converter = Callable[[Image.Image], Image.Image]
_MODE_OF_SPACE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}
_GREY_MODES = ("1", "L", "LA", "I", "F")
_MOST_PROFILE_BYTES = 4_000_000
_UNSEEN = 2  # of 255: a profile that changes no colour by more is taken for sRGB


def to_srgb(image: Image.Image) -> Converter | None:
    """What turns bands of this loaded picture into sRGB; None where nothing is to be done.

    Raises:
        UnreadableImageError: A Lab picture, and no ImageCms to convert it.
    """
    profile = image.info.get("icc_profile") or b""
    if image.mode != "LAB" and not (isinstance(profile, bytes) and profile):
        return None
    try:
        from PIL import ImageCms
    except ImportError as error:
        if image.mode != "LAB":
            return None
        told = "a Lab picture, which the Pillow that is installed here can't convert; save it as"
        raise UnreadableImageError(f"{told} RGB") from error
    try:
        if image.mode == "LAB":
            return _converter(ImageCms.createProfile("LAB"), "LAB")
        return _embedded(image, profile) if len(profile) <= _MOST_PROFILE_BYTES else None
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _embedded(image: Image.Image, profile: bytes) -> Converter | None:
    from PIL import ImageCms

    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    mode = _MODE_OF_SPACE.get(opened.profile.xcolor_space.strip(), "")
    is_grey = image.mode in _GREY_MODES or image.mode.startswith("I;16")
    fits = {"L": is_grey, "CMYK": image.mode == "CMYK", "RGB": not is_grey}
    if not fits.get(mode) or (mode == "RGB" and image.mode in ("CMYK", "YCbCr")):
        return None
    convert = _converter(opened, mode)
    return None if mode == "RGB" and _changes_nothing(convert) else convert


def _converter(profile: Any, mode: str) -> Converter:
    from PIL import ImageCms

    transform = ImageCms.buildTransform(
        profile, ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC
    )

    def convert(band: Image.Image) -> Image.Image:
        band = band if band.mode == mode else band.convert("RGB").convert(mode)
        return transform.apply(band)

    return convert


def _changes_nothing(convert: Converter) -> bool:
    """Most profiles are sRGB's own: such pixels are left as they are."""
    from PIL import ImageChops

    steps = range(0, 256, 51)
    colours = bytes(value for r in steps for g in steps for b in steps for value in (r, g, b))
    cube = Image.frombytes("RGB", (len(colours) // 3, 1), colours)
    difference = ImageChops.difference(cube, convert(cube))
    return max(high for _, high in difference.getextrema()) <= _UNSEEN  # type: ignore[misc]
