"""The one table of image formats: how each is called, told from its bytes, decoded, and packed.

Whatever else must know about formats (which files are pictures, what a door says it takes, which
parts of Pillow go into a package) derives it from `TABLE`. Knows no pixels.
"""

import re
from functools import cache
from importlib.util import find_spec
from typing import NamedTuple


class Format(NamedTuple):
    """One format that can be decoded, where its part of Pillow is installed.

    Attributes:
        name: As people call it.
        suffixes: Of file names, in lower case.
        mime: Media type.
        signature: Pattern of the first bytes; a file's name is never believed.
        plugins: Pillow's readers, without "ImagePlugin"; the first opens it.
        compiled: Pillow's compiled module, beside the one that all formats need.
        decoder_bytes: A pixel that the decoder keeps beside the picture, in the worst case.
        has_exif: Whether it can say that it is to be turned.
        has_draft: Whether it can be decoded at 1/2, 1/4 or 1/8 of its size.
        package: That reads it, where Pillow alone does not; it is installed by an extra.
        opener: As Pillow calls it, where that is another name.
    """

    name: str
    suffixes: tuple[str, ...]
    mime: str
    signature: bytes
    plugins: tuple[str, ...]
    compiled: str = ""
    decoder_bytes: float = 0.0
    has_exif: bool = False
    has_draft: bool = False
    package: str = ""
    opener: str = ""

    @property
    def is_installed(self) -> bool:
        """Whether what is here can decode it."""
        return all(_has(name) for name in (self.package, self.compiled and f"PIL.{self.compiled}"))

    def matches(self, data: bytes) -> bool:
        """Whether the first bytes promise this format."""
        return _starts(data, self.signature)


@cache
def _has(module: str) -> bool:
    return not module or find_spec(module) is not None


def _starts(data: bytes, pattern: bytes) -> bool:
    """Compiled when first asked, and kept by `re`: all at once would be part of each cold start."""
    return re.match(pattern, data, re.DOTALL) is not None


TABLE = (
    Format(
        name="JPEG",
        suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"),
        mime="image/jpeg",
        signature=rb"\xff\xd8\xff",
        plugins=("Jpeg", "Mpo"),
        decoder_bytes=2.0,  # a component; see images.py: files of several scans alone
        has_exif=True,
        has_draft=True,
    ),
    Format(
        name="PNG",
        suffixes=(".png",),
        mime="image/png",
        signature=rb"\x89PNG\r\n\x1a\n",
        plugins=("Png",),
        has_exif=True,
    ),
    Format(
        name="WEBP",
        suffixes=(".webp",),
        mime="image/webp",
        signature=rb"RIFF.{4}WEBP",
        plugins=("WebP",),
        compiled="_webp",
        decoder_bytes=12.0,  # two canvases, and the frame as bytes
        has_exif=True,
    ),
    Format(
        name="GIF",
        suffixes=(".gif",),
        mime="image/gif",
        signature=rb"GIF8[79]a",
        plugins=("Gif",),
        decoder_bytes=1.0,
    ),
    Format(
        name="BMP",
        suffixes=(".bmp", ".dib"),
        mime="image/bmp",
        signature=rb"BM",
        plugins=("Bmp",),
    ),
    Format(
        name="TIFF",
        suffixes=(".tif", ".tiff"),
        mime="image/tiff",
        signature=rb"II\*\0|MM\0\*",
        plugins=("Tiff",),
        decoder_bytes=8.0,  # one strip may hold all of it
        has_exif=True,
    ),
    Format(
        name="AVIF",
        suffixes=(".avif",),
        mime="image/avif",
        signature=rb".{4}ftyp(?:avi[fs]|(?:mif1|msf1).{4}(?:.{4}){0,12}?avif)",
        plugins=("Avif",),
        compiled="_avif",
        decoder_bytes=12.0,
        has_exif=True,
    ),
    Format(
        name="JPEG2000",
        suffixes=(".jp2", ".j2k", ".jpx", ".jpf", ".j2c"),
        mime="image/jp2",
        signature=rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n",
        plugins=("Jpeg2K",),
        decoder_bytes=20.0,
    ),
    Format(
        name="HEIC",
        suffixes=(".heic", ".heif", ".hif"),
        mime="image/heic",
        signature=rb".{4}ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)",
        plugins=(),
        decoder_bytes=12.0,
        package="pillow_heif",  # which turns the picture itself
        opener="HEIF",
    ),
)

_SAVE = "save it as JPEG"
_PHONE = f"{_SAVE} (an iPhone does so itself: Settings, Camera, Formats, Most Compatible)"
# What people send that is none of these: what it is, and what to do.
_FOREIGN = (
    (rb".{4}ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)", "a HEIC picture",
     f"{_PHONE}; on a machine of your own: pip install 'scenelet[heic]'"),
    (rb"\xff\x0a|\0\0\0\x0cJXL ", "a JPEG XL picture", _SAVE),
    (rb"II\+\0|MM\0\+", "a BigTIFF picture", f"{_SAVE} or plain TIFF"),
    (rb".{4}ftypcrx |FUJIFILMCCD-RAW", "a camera's raw file", _SAVE),
    (rb"8BPS", "a Photoshop file", _SAVE),
    (rb"gimp xcf", "a GIMP file", _SAVE),
    (rb"\0\0[\x01\x02]\0[^\0]", "an icon", f"{_SAVE} or PNG"),
    (rb"P[1-7]\s", "a PNM picture", f"{_SAVE} or PNG"),
    (rb"v/1\x01|#\?RADIANCE", "a picture of high dynamic range", _SAVE),
    (rb"DDS |qoif|\x8aMNG|\x8bJNG|AT&TFORM|icns", "a picture of a rare kind", _SAVE),
    (rb".{128}DICM", "a DICOM file", f"export its picture and {_SAVE}"),
    (rb"\x93NUMPY|\x89HDF|SIMPLE  =", "a file of numbers", _SAVE),
    (rb"%PDF-|.{0,1000}?%PDF-1", "a PDF document", f"take the picture out of it and {_SAVE}"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript document", _SAVE),
    (rb"\s*+(?:\xef\xbb\xbf)?\s*+(?:<\?xml.{0,2000}?|<!--.{0,2000}?|<!DOCTYPE svg.{0,500}?)?<svg",
     "an SVG drawing", f"{_SAVE} or PNG"),
    (rb"(?i)(?:\xef\xbb\xbf)?\s*+(?:<!--(?>.{0,2000}?-->)\s*+)*+"
     rb"<(?:!doctype html|html|head|body|title|script)", "a web page (HTML)",
     "give the address of the picture itself; it may need a sign-in"),
    (rb"(?:\xef\xbb\xbf)?\s*<\?xml", "an XML document", "give the picture itself"),
    (rb"version https://git-lfs", "a Git LFS pointer, not the file", "run git lfs pull"),
    (rb"\.?\.?(?:/|\.\./)*(?:\.git/)?annex/objects/", "a git-annex pointer, not the file",
     "run git annex get"),
    (rb".{4}(?:ftyp|moov|mdat|wide|free)|\x1a\x45\xdf\xa3|RIFF.{4}AVI |\0\0\x01\xba|FLV\x01|OggS",
     "a video", f"{_SAVE} one of its frames"),
    (rb"RIFF.{4}WAVE|ID3|fLaC", "a sound", "give a picture"),
    (rb"PK\x03\x04|PK\x05\x06|7z\xbc\xaf|Rar!|\x1f\x8b|BZh[1-9]|\xfd7zXZ|.{257}ustar",
     "an archive or an office document", "unpack it and give the pictures in it"),
    (rb"PAR1", "a Parquet table", "give the table itself"),
    (rb"\0\x05\x16[\0\x07]", "what macOS keeps beside a file", "give the file without ._"),
    (rb"\s*(?:data:image/|/9j/|iVBORw0KGgo|UklGR|R0lGOD)", "a picture as base64 text",
     "decode it, or send it as JSON: {\"image\": ...}"),
    (rb"(?:\xef\xbf\xbd){2}|\xef\xbf\xbdPNG|RIFF.{0,3}\xef\xbf\xbd",
     "bytes that were made text on their way",
     "send the bytes as they are; a gateway must know image/* and multipart/form-data as binary"),
    (rb"\0+\Z", "nothing but zeros: a copy that broke off", "copy it again"),
    (rb"\s*[\[{]", "JSON", "give the picture itself"),
)  # fmt: skip
LOOKED_AT = 4096  # bytes at the start of a file that tell what it is

FORMATS = tuple(each.name for each in TABLE if each.is_installed)
PACKED = tuple(each.name for each in TABLE if each.is_installed and not each.package)  # by Pillow
SUFFIXES = frozenset(suffix for each in TABLE for suffix in each.suffixes if each.is_installed)


def format_of(data: bytes) -> Format | None:
    """The format that the first bytes promise, whether it can be decoded here or not."""
    return next((each for each in TABLE if each.matches(data)), None)


def suffix_of(data: bytes) -> str:
    """The usual suffix of that format; "" of none that is known."""
    kind = format_of(data)
    return kind.suffixes[0] if kind else ""


def sniff(data: bytes) -> str | None:
    """Name of the format that the first bytes promise, whatever a file name or header says."""
    found = format_of(data)
    return found.name if found else None


def named(name: str) -> Format:
    """The format of a name in `FORMATS`."""
    return next(each for each in TABLE if each.name == name)


def what_else(data: bytes) -> str:
    """What bytes of no format of ours are, and what to do; for a message."""
    known, found = f"expected {', '.join(FORMATS)}", foreign(data)
    if found:
        what, advice = found
        return f"{what}, {known}; {advice}"
    return f"not an image: {len(data):,} bytes, {known}"


def foreign(data: bytes) -> tuple[str, str] | None:
    """What bytes of no format of ours are, and what to do; None where nobody knows."""
    start = data[:LOOKED_AT]
    found = (each[1:] for each in _FOREIGN if _starts(start, each[0]))
    return next(found, None)
