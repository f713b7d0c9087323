"""Untrusted bytes to an RGB uint8 array: the one preprocessing, for training's evaluation, export and serving.

Knows nothing of labels or models. Needs Pillow only; numpy where an array is asked for, which
serving on Lambda does not.
"""

import hashlib
import importlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from PIL import Image, ImageOps

from scenelet.errors import ImageTooLargeError, UnreadableImageError

if TYPE_CHECKING:
    import numpy as np

SUFFIXES = frozenset({".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
MAX_PIXELS = 50_000_000
_PLUGINS = {name: f"{name.title()}ImagePlugin" for name in FORMATS} | {"WEBP": "WebPImagePlugin"}
_ORIENTATION = 0x0112
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@dataclass(frozen=True)
class PreprocessSpec:
    """How an image becomes model input. Written into every bundle.

    Attributes:
        width: Of the model input, in pixels.
        height: Of the model input, in pixels.
        resize: Antialiased filter; the whole picture is squeezed to width x height.
        max_pixels: Images with more pixels than this are refused before they are decoded.
    """

    width: int
    height: int
    resize: Literal["bilinear", "bicubic"] = "bilinear"
    max_pixels: int = MAX_PIXELS


def read(path: Path) -> bytes:
    """Bytes of an image file.

    Raises:
        UnreadableImageError: The file can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableImageError(f"can't be read: {error.strerror}") from error


def open_image(data: bytes, max_pixels: int = MAX_PIXELS) -> Image.Image:
    """Open image bytes without decoding the pixels.

    Args:
        data: A whole image file; the format is sniffed, never believed.
        max_pixels: Limit on width x height, checked before any pixel is decoded.

    Returns:
        The undecoded image (the first frame, if there are several).

    Raises:
        UnreadableImageError: Empty, or none of `FORMATS`.
        ImageTooLargeError: More than `max_pixels` pixels.
    """
    if not data:
        raise UnreadableImageError("empty: 0 bytes")
    kind = sniff(data)
    if kind is None:
        raise UnreadableImageError(
            f"not an image: {len(data):,} bytes, expected {', '.join(FORMATS)}"
        )
    try:
        importlib.import_module(
            f"PIL.{_PLUGINS[kind]}"
        )  # Pillow loads a few of its readers by itself, not all
        image = Image.open(io.BytesIO(data), formats=(kind,))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooLargeError(f"more than {max_pixels:,} pixels: {error}") from error
    except (
        Exception
    ) as error:  # Pillow's parsers raise many types on hostile bytes; all mean the same here
        raise UnreadableImageError(f"damaged {kind}: {_one_line(error)}") from error
    if image.width * image.height > max_pixels:
        raise ImageTooLargeError(
            f"{image.width} x {image.height} = {image.width * image.height:,} pixels, at most"
            f" {max_pixels:,} allowed; send a smaller picture"
        )
    return image


def sniff(data: bytes) -> str | None:
    """Which of `FORMATS` the first bytes promise, whatever a file name or header says.

    None if none.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    signatures: dict[str, bytes | tuple[bytes, ...]] = {
        "JPEG": b"\xff\xd8\xff",
        "PNG": b"\x89PNG\r\n\x1a\n",
        "GIF": (b"GIF87a", b"GIF89a"),
        "BMP": b"BM",
        "TIFF": (b"II*\0", b"MM\0*"),
    }
    return next((name for name, start in signatures.items() if data.startswith(start)), None)


def decode(
    data: bytes, max_pixels: int = MAX_PIXELS, enough: tuple[int, int] | None = None
) -> Image.Image:
    """Decode image bytes to an upright RGB image.

    Rotated by its EXIF orientation; 16-bit scaled to 8; alpha laid over white; CMYK, palette and
    grey made RGB.

    Args:
        data: A whole image file.
        max_pixels: Limit on width x height, checked before any pixel is decoded.
        enough: (width, height) in pixels that suffice; a larger JPEG is then decoded at 1/2, 1/4 or
            1/8 of its size.

    Returns:
        RGB image.

    Raises:
        UnreadableImageError: Empty, truncated, or no supported image.
        ImageTooLargeError: More than `max_pixels` pixels.
    """
    image = open_image(data, max_pixels)
    if enough is not None and image.format in ("JPEG", "MPO"):
        image.draft(None, (max(enough), max(enough)))
    return upright_rgb(image)


def upright_rgb(image: Image.Image) -> Image.Image:
    """Decode what `open_image` opened; the second half of `decode`.

    Raises:
        UnreadableImageError: Truncated or damaged.
        ImageTooLargeError: More pixels than there is memory for.
    """
    try:
        image.load()
        turned = (
            image.getexif().get(_ORIENTATION, 1) != 1
        )  # asked first: transposing copies the picture in any case
        return _rgb(ImageOps.exif_transpose(image) if turned else image)
    except MemoryError as error:
        raise ImageTooLargeError(
            f"{image.width} x {image.height} pixels: more than there is memory for"
        ) from error
    except Exception as error:
        raise UnreadableImageError(f"damaged {image.format}: {_one_line(error)}") from error


def preprocess(image: Image.Image, spec: PreprocessSpec) -> "np.ndarray":
    """Turn one decoded RGB image into model input, the same way in training and serving.

    Args:
        image: As `decode` returns it.
        spec: Target size in pixels and resize filter.

    Returns:
        Array (1, height, width, 3), uint8, 0-255.

    Source: Pillow's antialiased resize; see docs/decisions/0002-one-preprocessing.md.
    """
    import numpy as np

    return np.asarray(_resized(image, spec), dtype=np.uint8)[None]


def to_pixels(data: bytes, spec: PreprocessSpec) -> bytes:
    """Bytes of a file to bytes of model input, without numpy. The only road from a file to a model.

    Returns:
        (height, width, 3) uint8 in C order.

    Raises:
        UnreadableImageError: Empty, truncated, or no supported image.
        ImageTooLargeError: More than `spec.max_pixels` pixels.
    """
    return _resized(decode_for(data, spec), spec).tobytes()


def to_input(data: bytes, spec: PreprocessSpec) -> "np.ndarray":
    """`to_pixels` as an array (1, height, width, 3), uint8, 0-255; raises the same."""
    return preprocess(decode_for(data, spec), spec)


def decode_for(data: bytes, spec: PreprocessSpec) -> Image.Image:
    """`decode` at no more than the model input needs; raises the same."""
    return decode(data, spec.max_pixels, enough=(2 * spec.width, 2 * spec.height))


def _resized(image: Image.Image, spec: PreprocessSpec) -> Image.Image:
    size = (spec.width, spec.height)
    return image if image.size == size else image.resize(size, _FILTERS[spec.resize])


def pixel_hash(image: Image.Image) -> str:
    """Hash of the decoded pixels: equal for equal pictures, however their files were compressed.

    Returns:
        16 hexadecimal digits.
    """
    digest = hashlib.blake2b(f"{image.width}x{image.height}".encode(), digest_size=8)
    digest.update(image.tobytes())
    return digest.hexdigest()


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return _from_high_depth(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _from_high_depth(image: Image.Image) -> Image.Image:
    """16-bit (and 32-bit) grey to 8-bit RGB by value, where Pillow alone would clip everything over 255 to white."""
    if image.mode != "F":
        return (
            image.convert("I")
            .point(lambda value: value * (255 / 65535))
            .convert("L")
            .convert("RGB")
        )
    most = float(image.getextrema()[1])  # type: ignore[arg-type]
    top = 65535 if most > 255 else 255 if most > 1 else 1
    return image.point(lambda value: value * (255 / top)).convert("L").convert("RGB")


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
