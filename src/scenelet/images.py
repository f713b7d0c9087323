"""Untrusted bytes to an RGB uint8 array: the one preprocessing, in training, export and serving.

Knows nothing of labels or models. Needs Pillow only; numpy where an array is asked for, which
serving on Lambda does not. Beside it: `image_formats` (the one table of formats), `image_memory`
(what decoding takes), `image_colour` (embedded profiles), `image_repair` (files that are damaged
only beside the pixels).
"""

import hashlib
import importlib
import io
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from PIL import Image, ImageOps

from scenelet.errors import ImageTooLargeError, SceneletError, UnreadableImageError
from scenelet.image_colour import Converter, to_srgb
from scenelet.image_formats import FORMATS as FORMATS  # said here too: the house asks `images`
from scenelet.image_formats import SUFFIXES as SUFFIXES
from scenelet.image_formats import Format, format_of, what_else
from scenelet.image_formats import sniff as sniff
from scenelet.image_memory import check_memory, check_memory_to_open
from scenelet.image_repair import repaired, unsupported, why

if TYPE_CHECKING:
    from dataclasses import dataclass

    import numpy as np
else:  # the same, made quickly
    from scenelet.records import dataclass

MAX_PIXELS = 50_000_000
ORIENTATION = 0x0112  # EXIF's tag: how the stored pixels are to be turned
_SUBFILE, _DNG_VERSION = 0x00FE, 0xC612  # TIFF's tags: what a picture is for; a negative's
_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PADDING = (127, 127, 127)
_BAND_PIXELS = 250_000  # made RGB at once: what other modes need on the way stays small
_DEEP = 65535  # the brightest value of 16 bits
_TWELVE_BITS = 4095  # and of what microscopes and some cameras put into 16 bits


@dataclass(frozen=True)
class PreprocessSpec:
    """How an image becomes model input. Written into every bundle.

    Attributes:
        width: Of the model input, in pixels.
        height: Of the model input, in pixels.
        resize: Antialiased filter.
        max_pixels: Images with more pixels than this are refused before they are decoded.
        fit: "squash" squeezes the whole picture to width x height, "pad" keeps its aspect and lays
            it on grey, "crop" keeps its aspect and cuts off what is too long, in equal parts.
    """

    width: int
    height: int
    resize: Literal["bilinear", "bicubic"] = "bilinear"
    max_pixels: int = MAX_PIXELS
    fit: Literal["squash", "pad", "crop"] = "squash"


class Limits(NamedTuple):
    """What one picture may take.

    Attributes:
        pixels: Width x height, checked before any pixel is decoded.
        memory_bytes: That decoding may take, estimated before it begins; None: not limited.
        enough: (width, height) in pixels that suffice; a larger JPEG is then decoded at 1/2, 1/4
            or 1/8 of its size.
    """

    pixels: int = MAX_PIXELS
    memory_bytes: int | None = None
    enough: tuple[int, int] | None = None


NO_LIMITS = Limits()  # but of pixels


class Decoded(NamedTuple):
    """An upright RGB picture, and how it was stored.

    Attributes:
        picture: RGB.
        mode: Pillow's name of the stored pixels' mode; "I;12" where 16 bits hold but 12.
        orientation: EXIF's, 1 (as it is) to 8.
    """

    picture: Image.Image
    mode: str
    orientation: int


def read(path: Path) -> bytes:
    """Bytes of an image file.

    Raises:
        UnreadableImageError: The file can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableImageError(f"{path}: can't be read: {error.strerror}") from error


def decode(
    data: bytes, max_pixels: int = MAX_PIXELS, enough: tuple[int, int] | None = None
) -> Image.Image:
    """The picture of `decode_fully`, which says how, and raises the same."""
    return decode_fully(data, Limits(max_pixels, enough=enough)).picture


def decode_fully(data: bytes, limits: Limits = NO_LIMITS) -> Decoded:
    """Decode image bytes to an upright RGB image. The only road from a file to pixels.

    Rotated by its EXIF orientation; an embedded colour profile converted to sRGB; 16-bit scaled to
    8; alpha laid over white; CMYK, palette and grey made RGB; of several frames the first. What is
    beside the pixels (texts, EXIF, profile, checksums of these) never costs the picture.

    Args:
        data: A whole image file; the format is sniffed, never believed.
        limits: Pixels and memory that it may take, and the size that suffices.

    Raises:
        UnreadableImageError: Empty, damaged, or no format that is decoded here.
        ImageTooLargeError: More pixels or memory than the limits.
    """
    kind = _kind_of(data)
    with warnings.catch_warnings():  # Pillow's: what they tell of, we answer or refuse
        warnings.simplefilter("ignore")
        try:
            return _decoded(data, kind, limits)
        except UnreadableImageError as error:
            again = _second_try(data, kind, limits)
            if again is None:
                raise UnreadableImageError(unsupported(data, kind.name) or str(error)) from error
            return again


def to_picture(data: bytes, spec: PreprocessSpec, memory_bytes: int | None = None) -> Image.Image:
    """Bytes of a file to model input as a picture. The only road from a file to a model.

    Args:
        data: A whole image file.
        spec: Target size in pixels, resize filter and limit of pixels.
        memory_bytes: That decoding may take; None: not limited.

    Raises:
        UnreadableImageError: Empty, damaged, or no format that is decoded here.
        ImageTooLargeError: More than `spec.max_pixels` pixels, or more memory than there is.
    """
    return _resized(decode_for(data, spec, memory_bytes), spec)


def to_pixels(data: bytes, spec: PreprocessSpec, memory_bytes: int | None = None) -> bytes:
    """`to_picture` as (height, width, 3) uint8 in C order, without numpy; raises the same."""
    return to_picture(data, spec, memory_bytes).tobytes()


def to_input(data: bytes, spec: PreprocessSpec) -> "np.ndarray":
    """`to_pixels` as an array (1, height, width, 3), uint8, 0-255; raises the same."""
    return preprocess(decode_for(data, spec), spec)


def decode_for(data: bytes, spec: PreprocessSpec, memory_bytes: int | None = None) -> Image.Image:
    """Decode no larger than preprocessing needs: a big JPEG at part of its size."""
    enough = (2 * spec.width, 2 * spec.height)
    return decode_fully(data, Limits(spec.max_pixels, memory_bytes, enough)).picture


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


def thumbnail(data: bytes, size_px: int, memory_bytes: int | None = None) -> Image.Image:
    """A small upright copy, at most `size_px` wide and high, without what is beside the pixels.

    Args:
        data: A whole image file.
        size_px: Of its longer side, at most.
        memory_bytes: That decoding may take; None: not limited.

    Raises:
        ImageError: As `decode_fully`.
    """
    enough = (2 * size_px, 2 * size_px)
    picture = decode_fully(data, Limits(memory_bytes=memory_bytes, enough=enough)).picture
    picture.info = {}
    picture.thumbnail((size_px, size_px), Image.Resampling.LANCZOS)
    return picture


def pixel_hash(image: Image.Image) -> str:
    """Hash of the decoded pixels: equal for equal pictures, however their files were compressed.

    Returns:
        16 hexadecimal digits.
    """
    digest = hashlib.blake2b(f"{image.width}x{image.height}".encode(), digest_size=8)
    digest.update(image.tobytes())
    return digest.hexdigest()


def _resized(image: Image.Image, spec: PreprocessSpec) -> Image.Image:
    size = (spec.width, spec.height)
    if image.size == size:
        return image
    kernel = _FILTERS[spec.resize]
    if spec.fit == "crop":
        return ImageOps.fit(image, size, kernel)
    if spec.fit == "pad":
        return ImageOps.pad(image, size, kernel, color=_PADDING)
    return image.resize(size, kernel)


def _kind_of(data: bytes) -> Format:
    if not data:
        raise UnreadableImageError("empty: 0 bytes")
    kind = format_of(data)
    if kind is None:
        raise UnreadableImageError(what_else(data))
    if not kind.is_installed and kind.package:
        raise UnreadableImageError(what_else(data))
    if not kind.is_installed:
        known = ", ".join(FORMATS)
        raise UnreadableImageError(
            f"{kind.name}, which the Pillow that is installed here can't decode, expected {known};"
            " save it as JPEG"
        )
    return kind


def _second_try(data: bytes, kind: Format, limits: Limits) -> Decoded | None:
    """Of a file that is damaged only beside its pixels, or lacks nothing but its end."""
    for candidates in repaired(data, kind.name):
        try:
            found = [_decoded(candidate, kind, limits) for candidate in candidates]
        except UnreadableImageError:
            continue
        if len({pixel_hash(each.picture) for each in found}) == 1:
            return found[0]
    return None


def _decoded(data: bytes, kind: Format, limits: Limits) -> Decoded:
    with _in_our_words(kind, limits):
        image = _open(data, kind, limits)
        stored = image.size
        if limits.enough is not None and kind.has_draft:
            image.draft(None, (max(limits.enough), max(limits.enough)))
        check_memory(image, stored, data, kind, limits.memory_bytes)
        image.load()
        return _upright(image, kind)


@contextmanager
def _in_our_words(kind: Format, limits: Limits) -> Iterator[None]:
    """Whatever Pillow raises, as an error that tells a stranger nothing of Pillow."""
    try:
        yield
    except SceneletError:
        raise
    except MemoryError as error:
        told = "more memory than there is; send a smaller picture"
        raise ImageTooLargeError(f"this {kind.name} takes {told}") from error
    except Image.DecompressionBombError as error:
        told = f"more than {limits.pixels:,} pixels; send a smaller picture"
        raise ImageTooLargeError(told) from error
    except Exception as error:  # its parsers raise many types on hostile bytes
        raise UnreadableImageError(f"damaged {kind.name}: {why(error)}") from error


def _open(data: bytes, kind: Format, limits: Limits) -> Image.Image:
    """The first frame, not yet decoded."""
    check_memory_to_open(data, kind, limits.memory_bytes)
    _load_reader(kind)
    image = Image.open(io.BytesIO(data), formats=(kind.opener or kind.name,))
    if kind.name == "TIFF":  # its own reader turns the picture, and trips over malformed EXIF
        _refuse_raw(image, data)
        image.load_end = lambda: None  # type: ignore[method-assign]
    pixels = image.width * image.height
    if pixels > limits.pixels:
        raise ImageTooLargeError(
            f"{image.width} x {image.height} = {pixels:,} pixels, at most {limits.pixels:,}"
            " allowed; send a smaller picture"
        )
    return image


def _refuse_raw(image: Image.Image, data: bytes) -> None:
    """Refuse a camera's raw file (NEF, ARW, DNG, CR2): what it holds first is but a thumbnail.

    Raises:
        UnreadableImageError: It is one.
    """
    tags: dict[int, Any] = getattr(image, "tag_v2", {})
    is_reduced = bool(int(tags.get(_SUBFILE, 0)) & 1)
    if is_reduced or _DNG_VERSION in tags or data[8:10] == b"CR":
        raise UnreadableImageError("a camera's raw file; save it as JPEG")


def _load_reader(kind: Format) -> None:
    """Pillow itself loads only some."""
    if kind.package:
        importlib.import_module(kind.package).register_heif_opener()
    else:
        importlib.import_module(f"PIL.{kind.plugins[0]}ImagePlugin")


def _upright(image: Image.Image, kind: Format) -> Decoded:
    """A loaded picture made RGB and turned; its own pixels are freed on the way."""
    mode, orientation = image.mode, orientation_of(image) if kind.has_exif else 1
    tones = _tones(image)
    mode = "I;12" if tones and tones.white == _TWELVE_BITS else mode
    picture = _rgb(image, tones)
    if orientation in _TURNS:
        if picture is not image:
            image.im = None  # type: ignore[assignment]
        picture = picture.transpose(_TURNS[orientation])
    return Decoded(picture, mode, orientation)


def orientation_of(image: Image.Image) -> int:
    """EXIF's, 1 to 8; 1 where EXIF is missing or makes no sense."""
    try:
        found = image.getexif().get(ORIENTATION, 1)
        return int(found) if 1 <= found <= max(_TURNS) else 1
    except Exception:  # malformed EXIF raises many types
        return 1


def _rgb(image: Image.Image, tones: "_Tones | None") -> Image.Image:
    convert = to_srgb(image)
    if image.mode == "RGB" and convert is None and not image.has_transparency_data:
        return image
    made = Image.new("RGB", image.size)
    height = max(1, _BAND_PIXELS // image.width)
    for upper in range(0, image.height, height):
        box = (0, upper, image.width, min(upper + height, image.height))
        band = image.crop(box)
        made.paste(_rgb_band(band, tones, convert), box)
    return made


def _rgb_band(band: Image.Image, tones: "_Tones | None", convert: Converter | None) -> Image.Image:
    if tones:
        black, scale = tones.black, 255 / (tones.white - tones.black)
        band = band.convert("F" if band.mode == "F" else "I")
        band = band.point(lambda value: value * scale - black * scale).convert("L")
    elif band.has_transparency_data:
        rgba = band.convert("RGBA")
        band = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    if convert is not None:
        return convert(band)
    return band.convert("RGB")


class _Tones(NamedTuple):
    """The values that become black and white, of a picture of more than 8 bits a pixel."""

    black: float
    white: float


def _tones(image: Image.Image) -> _Tones | None:
    """Of a picture of more than 8 bits a pixel; None of any other.

    Values under zero are of a range around it (-1 to 1), or begin where they begin.
    """
    if image.mode != "F" and not image.mode.startswith("I"):
        return None
    least, most = (float(value) for value in image.getextrema())  # type: ignore[arg-type]
    if not math.isfinite(least) or not math.isfinite(most):
        raise UnreadableImageError("its values are no numbers (nan, inf); save it again")
    if image.mode == "F":
        white = 1 if most <= 1 else 255 if most <= 255 else _DEEP
    else:
        white = _TWELVE_BITS if 255 < most <= _TWELVE_BITS else _DEEP
    return _Tones(0 if least >= 0 else -white if least >= -white else least, white)
