"""Files that are damaged only beside their pixels, and words for those that are damaged in them.

Pillow gives a picture up for a wrong checksum of a comment; browsers show it. What is cut away
here are texts, profiles and the like; never a pixel is made up. Knows no pixels itself.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from PIL import UnidentifiedImageError

_PNG_START = 8
_PNG_NEEDED = (b"tRNS",)  # optional, but part of what is seen
_PNG_KEPT = (b"tRNS", b"eXIf")
_MOST_TEXT = 1_000_000  # bytes, inflated: more is passed over by Pillow with the picture
_JPEG_END = b"\xff\xd9"
_JPEG_FRAMES = {0xC3: "lossless", 0xC5: "hierarchical", 0xC6: "hierarchical", 0xC7: "lossless"}
_JPEG_KEPT = (0xE0, 0xE1, 0xEE)  # JFIF, EXIF and XMP, Adobe's colour
_JFIF_BYTES = 18
_WEBP_KEPT = (b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF")
_WEBP_METADATA_FLAGS = 0x20 | 0x08 | 0x04  # ICC profile, EXIF, XMP
_TIFF_TAGS = (277, 258, 339)  # samples a pixel, bits a sample, kind of number
_TIFF_NUMBERS = {2: "signed numbers", 3: "floating-point numbers"}
_TIFF_UNKNOWN = ("pixel mode", "samples per pixel")
_TRUNCATED = ("truncated", "not enough", "too short", "premature", "unexpected end")


def repaired(data: bytes, name: str) -> Iterator[list[bytes]]:
    """Other bytes to try in turn, of a file that could not be decoded.

    Yields:
        Bytes of files that all have to show the same pixels: else pixels are missing.
    """
    bare = _BARE.get(name, bytes)(data)
    if bare != data:
        yield [bare]
    if name == "JPEG":
        # Had pixels been lost with the end, different rubbish in their place would be seen.
        cut = bare.rstrip(_JPEG_END[:1])
        yield [cut + _JPEG_END, cut + 64 * b"\x5a" + _JPEG_END]


def why(error: BaseException) -> str:
    """What is wrong, in our words: a library's own may hold addresses, paths and codecs."""
    told = str(error).lower()
    if isinstance(error, EOFError) or any(word in told for word in _TRUNCATED):
        return "it ends too early; copy or send it again"
    if isinstance(error, SyntaxError | struct.error | UnidentifiedImageError):
        return "what it says of itself makes no sense; save it again"
    return "its pixels can't be decoded; save it again"


def unsupported(data: bytes, name: str) -> str:
    """A message for a file of a kind that is whole but never decoded; "" for any other."""
    told = {"JPEG": _unsupported_jpeg, "TIFF": _unsupported_tiff}.get(name, lambda _: "")(data)
    return f"{told}, which is not decoded here; save it as JPEG or PNG of 8 bits" if told else ""


def _bare_png(data: bytes) -> bytes:
    """Chunks of pixels, and those beside them that are whole and do no harm."""
    kept = [data[:_PNG_START]]
    for kind, start, end in _png_chunks(data):
        is_optional = bool(kind[:1].islower())
        if not is_optional or _is_harmless(kind, data[start:end]):
            kept.append(data[start:end])
    return b"".join(kept)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each chunk; the last may be cut."""
    at = _PNG_START
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], at, at + 12 + length
        at += 12 + length


def _is_harmless(kind: bytes, chunk: bytes) -> bool:
    content, found = chunk[8:-4], int.from_bytes(chunk[-4:], "big")
    is_whole = len(chunk) == 12 + int.from_bytes(chunk[:4], "big")
    if not is_whole or zlib.crc32(chunk[4:-4]) != found:
        return False
    return kind in _PNG_KEPT or (kind == b"iCCP" and _is_small_profile(content))


def _is_small_profile(content: bytes) -> bool:
    packed = content.partition(b"\0")[2]
    if packed[:1] != b"\0":
        return False
    inflating = zlib.decompressobj()
    try:
        inflating.decompress(packed[1:], _MOST_TEXT)
    except zlib.error:
        return False
    return not inflating.unconsumed_tail


def _bare_jpeg(data: bytes) -> bytes:
    """Without comments and what applications keep, but for EXIF, profile and Adobe's colour."""
    kept, at = [data[:2]], 2
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data) and data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        segment = data[at:end]
        if not _is_application(segment) or _is_kept(segment):
            kept.append(segment)
        at = max(end, at + 4)
    return b"".join((*kept, data[at:]))


def _is_application(segment: bytes) -> bool:
    return 0xE0 <= segment[1] <= 0xEF or segment[1] == 0xFE


def _is_kept(segment: bytes) -> bool:
    is_whole_jfif = segment[1] != 0xE0 or len(segment) >= _JFIF_BYTES
    return (segment[1] in _JPEG_KEPT and is_whole_jfif) or segment[4:16] == b"ICC_PROFILE\0"


def _bare_webp(data: bytes) -> bytes:
    kept, at = [], 12
    while at + 8 <= len(data):
        end = at + 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        end += end % 2
        kind, chunk = data[at : at + 4], data[at:end]
        if kind == b"VP8X" and len(chunk) > 8:
            chunk = chunk[:8] + bytes([chunk[8] & ~_WEBP_METADATA_FLAGS]) + chunk[9:]
        if kind in _WEBP_KEPT:
            kept.append(chunk)
        at = end
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


_BARE = {"PNG": _bare_png, "JPEG": _bare_jpeg, "WEBP": _bare_webp}


def _unsupported_jpeg(data: bytes) -> str:
    at = 2
    while data[at : at + 1] == b"\xff" and at + 5 <= len(data):
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            bits, kind = data[at + 4], _JPEG_FRAMES.get(marker, "")
            return f"a {kind} JPEG" if kind else f"a JPEG of {bits} bits" if bits != 8 else ""
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return ""


def _unsupported_tiff(data: bytes) -> str:
    """Bands, bits and kind of number, where the tags can be read and Pillow knows no such mode."""
    from PIL import TiffImagePlugin

    try:
        TiffImagePlugin.TiffImageFile(io.BytesIO(data))
    except SyntaxError as error:
        unknown = any(word in str(error) for word in _TIFF_UNKNOWN)
        return _kind_of_tiff(data) if unknown else ""
    except Exception:  # damaged in another way
        return ""
    return ""


def _kind_of_tiff(data: bytes) -> str:
    from PIL import TiffImagePlugin

    directory, stream = TiffImagePlugin.ImageFileDirectory_v2(data[:8]), io.BytesIO(data)
    try:
        stream.seek(directory.next)
        directory.load(stream)
        bands, bits, number = (_first(directory.get(tag, 1)) for tag in _TIFF_TAGS)
    except Exception:  # malformed tags raise many types
        return ""
    kind = f"{_TIFF_NUMBERS[number]} of " if number in _TIFF_NUMBERS else ""
    return f"a TIFF of {bands} bands, each {kind}{bits} bits"


def _first(value: Any) -> int:
    return int(value[0] if isinstance(value, tuple) else value)
