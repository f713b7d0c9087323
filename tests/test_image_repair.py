"""What is beside the pixels never costs a picture; what is in them is refused in our own words."""

import io
import struct
import zlib

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from scenelet.dataset.scenes import paint_scene
from scenelet.errors import ImageError, UnreadableImageError
from scenelet.images import decode, pixel_hash

SCENE = paint_scene("street", seed=1)


def encoded(kind, image=SCENE, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind, content, checksum=None):
    checksum = zlib.crc32(kind + content) if checksum is None else checksum
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


def png_with(*chunks, after_pixels=False):
    """A PNG with further chunks behind its head, or behind its pixels."""
    data = encoded("PNG")
    at = data.rindex(b"IEND") - 4 if after_pixels else 33
    return data[:at] + b"".join(chunks) + data[at:]


def long_text():
    info = PngInfo()
    info.add_text("story", "x" * 3_000_000, zip=True)
    return encoded("PNG", pnginfo=info)


TURNED = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
BESIDE = {
    "3 MB of compressed text": long_text(),
    "text behind the pixels": png_with(
        chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(3_000_000))), after_pixels=True
    ),
    "many texts": png_with(*[chunk(b"tEXt", b"k%d\0" % n + b"v" * 900_000) for n in range(80)]),
    "a profile of 3 MB": png_with(chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(3_000_000)))),
    "an odd compression of the profile": png_with(chunk(b"iCCP", b"p\0\x07abc")),
    "no profile at all": png_with(chunk(b"iCCP", b"p")),
    "malformed EXIF": png_with(chunk(b"eXIf", b"MM\0*\xff\xff\xff\xff")),
    "EXIF of rubbish": png_with(chunk(b"eXIf", b"rubbish")),
    "a wrong checksum": png_with(chunk(b"tEXt", b"k\0v", checksum=1)),
    "a wrong checksum of pHYs": png_with(chunk(b"pHYs", bytes(9), checksum=2)),
    "a short gAMA": png_with(chunk(b"gAMA", b"\0")),
    "a short cHRM": png_with(chunk(b"cHRM", b"\0" * 5)),
    "a cut comment at the end": png_with(chunk(b"tEXt", b"k\0" + b"v" * 99), after_pixels=True)[
        :-60
    ],
    "a broken animation": png_with(chunk(b"acTL", b"\0")),
    "no end": encoded("PNG")[:-12],
}


@pytest.mark.parametrize("name", sorted(BESIDE))
def test_what_is_beside_the_pixels_of_a_png_never_costs_it(name):
    assert pixel_hash(decode(BESIDE[name])) == pixel_hash(SCENE)


def jpeg_with(*segments):
    data = encoded("JPEG", quality=95)
    parts = [b"\xff" + bytes([m]) + struct.pack(">H", len(c) + 2) + c for m, c in segments]
    return data[:2] + b"".join(parts) + data[2:]


@pytest.mark.parametrize(
    "segments",
    [
        [(0xE1, b"Exif\0\0")],
        [(0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff")],
        [(0xE1, b"Exif\0\0II*\0\x08\0\0\0\xff\xff")],
        [(0xE2, b"MPF\0rubbish")],
        [(0xE2, b"MPF\0MM\0*\0\0\0\x08\0\x02\xb0\x01\0\x04\0\0\0\x01\0\0\0\x09")],
        [(0xE2, b"ICC_PROFILE\0\x01\x01rubbish")],
        [(0xED, b"Photoshop 3.0\x008BIM\x03\xed")],
        [(0xE0, b"JFIF\0")],
        [(0xFE, b"\xff\xd8\xff a comment")],
    ],
)
def test_what_is_beside_the_pixels_of_a_jpeg_never_costs_it(segments):
    plain = encoded("JPEG", quality=95)
    assert pixel_hash(decode(jpeg_with(*segments))) == pixel_hash(decode(plain))


@pytest.mark.parametrize("value", [b"\0\x02\0\0\0\x02ab\0\0", b"\0\x03\0\0\0\x02\0\x06\0\x03"])
def test_an_orientation_that_is_no_number_turns_nothing(value):
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12" + value + b"\0\0\0\0"
    assert decode(jpeg_with((0xE1, exif))).size == SCENE.size


def test_metadata_that_makes_sense_still_counts_beside_what_does_not():
    wrong = chunk(b"tEXt", b"k\0v", checksum=1)
    turned = decode(png_with(wrong, chunk(b"eXIf", TURNED)))
    assert turned.size == SCENE.size[::-1]


def test_a_webp_with_a_cut_or_malformed_exif_is_decoded():
    exif = Image.Exif()
    exif[0x010E] = "x" * 200
    whole = encoded("WEBP", lossless=True, exif=exif)
    for data in (whole[:-40], whole.replace(b"x" * 200, b"y" * 200).replace(b"MM\0*", b"rubb")):
        assert pixel_hash(decode(data)) == pixel_hash(decode(encoded("WEBP", lossless=True)))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("cut", [1, 2])
def test_a_jpeg_that_lacks_nothing_but_its_end_is_decoded(cut, progressive):
    data = encoded("JPEG", progressive=progressive)
    assert pixel_hash(decode(data[:-cut])) == pixel_hash(decode(data))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.99])
def test_a_jpeg_that_lacks_pixels_is_refused(part, progressive):
    data = encoded("JPEG", quality=92, progressive=progressive)
    with pytest.raises(UnreadableImageError, match="damaged JPEG: it ends too early"):
        decode(data[: int(part * len(data))])


def spoilt(kind):
    """Files of a format with every hundredth byte changed, from the start and in the middle."""
    data = bytearray(encoded(kind))
    for at in range(20, len(data), 97):
        data[at] ^= 0x5A
    return bytes(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP", "AVIF", "JPEG2000"])
@pytest.mark.parametrize("how", ["spoilt", "cut", "head"])
def test_no_message_holds_an_address_a_path_or_a_librarys_words(kind, how):
    whole = encoded(kind)
    data = {"spoilt": spoilt(kind), "cut": whole[: len(whole) // 3], "head": whole[:24]}[how]
    try:
        decode(data)
    except ImageError as error:
        told = str(error)
        ours = (f"damaged {kind}: ", "not decoded here", "send a smaller picture")
        assert any(words in told for words in ours)
        foreign = ("0x", "BytesIO", "object", "PIL", "site-packages", "decoder", "buffer", "-2")
        assert not any(word in told for word in foreign), told


def test_the_same_damage_is_told_in_the_same_words():
    told = set()
    for _ in range(3):
        with pytest.raises(UnreadableImageError) as error:
            decode(b"GIF89a rubbish")
        told.add(str(error.value))
    assert len(told) == 1


def tiff(bands, bits, number):
    """An uncompressed TIFF of 4 x 4 pixels; number: 1 unsigned, 2 signed, 3 floating-point."""
    pixels = bytes(4 * 4 * bands * bits // 8)
    tags = {256: 4, 257: 4, 258: bits, 259: 1, 262: 2, 273: 8, 277: bands, 278: 4, 339: number}
    tags[279] = len(pixels)
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    head = struct.pack("<2sHI", b"II", 42, 8 + len(pixels))
    return head + pixels + struct.pack("<H", len(tags)) + entries + bytes(4)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (tiff(3, 32, 3), "a TIFF of 3 bands, each floating-point numbers of 32 bits"),
        (tiff(7, 8, 1), "a TIFF of 7 bands, each 8 bits"),
    ],
)
def test_a_tiff_of_a_kind_that_is_not_decoded_is_called_so_not_damaged(data, told):
    with pytest.raises(UnreadableImageError, match=f"{told}, which is not decoded here"):
        decode(data)


def test_a_jpeg_of_a_kind_that_is_not_decoded_is_called_so_not_damaged():
    twelve = bytearray(encoded("JPEG"))
    twelve[twelve.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(UnreadableImageError, match="a JPEG of 12 bits, which is not decoded here"):
        decode(bytes(twelve))
