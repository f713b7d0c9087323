"""Painted pictures in the forms that usually go wrong: for parity and recorded answers."""

import io

import numpy as np
from PIL import Image

from scenelet.dataset.scenes import SCENES, jpeg, paint_scene
from scenelet.images import ORIENTATION


def golden_files() -> dict[str, bytes]:
    """File name -> bytes: one scene of each class, each in another form.

    The same on every machine with the same Pillow.
    """
    scenes = {label: paint_scene(label, seed=2_024) for label in sorted(SCENES)}
    return {
        "buildings.jpg": jpeg(scenes["buildings"]),
        "forest-large.jpg": jpeg(
            scenes["forest"].resize((1200, 900), Image.Resampling.BICUBIC), quality=70
        ),
        "glacier-palette.png": _png(
            scenes["glacier"].convert("P", palette=Image.Palette.ADAPTIVE, colors=64)
        ),
        "mountain-exif-rotated.jpg": rotated_jpeg(
            scenes["mountain"].resize((200, 140), Image.Resampling.BICUBIC), 6
        ),
        "sea-alpha.png": _png(
            _half_transparent(scenes["sea"].resize((96, 80), Image.Resampling.BICUBIC))
        ),
        "street-grey.jpg": jpeg(scenes["street"].convert("L")),
    }


def nasty_files() -> dict[str, bytes]:
    """`golden_files` and more forms that reveal a second preprocessing.

    CMYK, 16-bit, progressive, thin, all rotations.
    """
    scene = paint_scene("street", seed=7)
    wide = scene.resize((301, 173), Image.Resampling.BICUBIC)
    cmyk, progressive = io.BytesIO(), io.BytesIO()
    scene.convert("CMYK").save(cmyk, "JPEG")
    wide.save(progressive, "JPEG", progressive=True, quality=80)
    deep = Image.fromarray(np.asarray(scene.convert("L"), np.uint16) * 257)
    return golden_files() | {
        "cmyk.jpg": cmyk.getvalue(),
        "progressive.jpg": progressive.getvalue(),
        "16-bit.png": _png(deep),
        "one-pixel.png": _png(scene.resize((1, 1))),
        "one-pixel-high.png": _png(scene.resize((400, 1))),
        **{
            f"exif-{orientation}.jpg": rotated_jpeg(wide, orientation)
            for orientation in range(1, 9)
        },
    }


def rotated_jpeg(image: Image.Image, orientation: int) -> bytes:
    """A JPEG whose EXIF says that its pixels are to be turned (1-8)."""
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=88, exif=exif)
    return buffer.getvalue()


def _half_transparent(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
