"""What decoding a picture takes, estimated before: a file of 2 KB may ask for gigabytes.

Estimates are the worst case of a format; `benchmarks/memory.py` measures them. Knows no files.
"""

import struct
from typing import Any

from PIL import Image

from scenelet.errors import ImageTooLargeError
from scenelet.image_formats import Format

_RGB_BYTES = 4  # a pixel, as Pillow keeps it
_STORED_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2}
_DEFAULT_STORED_BYTES = 4
_TIFF_TILE = (322, 323)
_TIFF_ROWS_PER_STRIP = 278
_MIB = 2**20
_ALWAYS_BYTES = 8 * _MIB  # readers, buffers, what is made RGB at once


def check_memory_to_open(data: bytes, kind: Format, memory_bytes: int | None) -> None:
    """Refuse what takes too much as soon as it is opened.

    Raises:
        ImageTooLargeError: More than `memory_bytes`.
    """
    if memory_bytes is not None and kind.name == "WEBP" and (size := _webp_size(data)):
        width, height = size
        pixels = width * height
        needed = pixels * (kind.decoder_bytes + _RGB_BYTES) + len(data) + _ALWAYS_BYTES
        _refuse(size, kind, needed, memory_bytes)


def check_memory(
    image: Image.Image,
    stored: tuple[int, int],
    data: bytes,
    kind: Format,
    memory_bytes: int | None,
) -> None:
    """Refuse an opened picture that takes too much as soon as it is decoded.

    Args:
        image: Not yet decoded; its size is that at which it will be.
        stored: Its whole size.
        data: The file.
        kind: Its format.
        memory_bytes: That decoding may take; None: not limited.

    Raises:
        ImageTooLargeError: More than `memory_bytes`.
    """
    if memory_bytes is not None:
        _refuse(stored, kind, decoding_bytes(image, stored, data, kind), memory_bytes)


def decoding_bytes(image: Image.Image, stored: tuple[int, int], data: bytes, kind: Format) -> float:
    """Estimate: the picture as it is stored, as RGB, turned, and what its decoder keeps."""
    pixels = image.width * image.height
    own = _STORED_BYTES.get(image.mode, _DEFAULT_STORED_BYTES)
    again = _RGB_BYTES if image.mode != "RGB" or _may_be_turned(image) else 0
    decoder = _DECODERS.get(kind.name, _plain)(image, stored, data, kind)
    return pixels * (own + again) + decoder + len(data) + _ALWAYS_BYTES


def _may_be_turned(image: Image.Image) -> bool:
    return bool(
        {"exif", "Raw profile type exif", "transparency", "icc_profile"} & image.info.keys()
    )


def _plain(image: Any, stored: tuple[int, int], data: bytes, kind: Format) -> float:  # noqa: ARG001
    return kind.decoder_bytes * stored[0] * stored[1]


def _jpeg(image: Any, stored: tuple[int, int], data: bytes, kind: Format) -> float:
    """A file of several scans keeps the coefficients of all of them; one scan, a few lines."""
    if _is_one_scan(image, data):
        return 0.0
    components: int = image.layers
    return kind.decoder_bytes * components * stored[0] * stored[1]


def _is_one_scan(image: Any, data: bytes) -> bool:
    """Whether the first scan, whose head Pillow has just read, holds all components."""
    head = image.fp.tell() - (8 + 2 * image.layers)
    if image.info.get("progressive") or head < 0:
        return False
    return data[head : head + 2] == b"\xff\xda" and data[head + 4] == image.layers


def _tiff(image: Any, stored: tuple[int, int], data: bytes, kind: Format) -> float:  # noqa: ARG001
    """Its decoder keeps one strip or tile, which may be larger than the picture."""
    tags: dict[int, Any] = image.tag_v2
    if all(isinstance(tags.get(tag), int) for tag in _TIFF_TILE):
        width, height = (int(tags[tag]) for tag in _TIFF_TILE)
        return kind.decoder_bytes * width * height
    rows = tags.get(_TIFF_ROWS_PER_STRIP)
    height = min(rows, stored[1]) if isinstance(rows, int) else stored[1]
    return kind.decoder_bytes * stored[0] * height


_DECODERS = {"JPEG": _jpeg, "TIFF": _tiff}


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """Of its canvas, which is made as soon as it is opened."""
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return width, height
    if kind == b"VP8L" and len(data) >= 25:
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(data) >= 30:
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _refuse(size: tuple[int, int], kind: Format, needed: float, memory_bytes: int) -> None:
    if needed > memory_bytes:
        raise ImageTooLargeError(
            f"{size[0]} x {size[1]} pixels as {kind.name} take about {needed / _MIB:,.0f} MiB to"
            f" decode, {memory_bytes / _MIB:,.0f} MiB are there; send a smaller picture, or a JPEG"
        )
