"""A file of 2 KB may ask for gigabytes.

What decoding takes is estimated, and refused beforehand.
"""

import io
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from scenelet.dataset.scenes import paint_scene
from scenelet.errors import ImageTooLargeError
from scenelet.images import Limits, PreprocessSpec, decode_fully, to_pixels

SPEC = PreprocessSpec(64, 64)
OF_512_MIB = 412 * 2**20
OF_128_MIB = 28 * 2**20


def encoded(mode, size, kind, **options):
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [
        ("RGB", "WEBP", {"lossless": True}),
        ("RGBA", "WEBP", {"lossless": True}),
        ("RGB", "WEBP", {}),
        ("RGBA", "PNG", {}),
        ("I;16", "PNG", {}),
        ("RGB", "JPEG", {"progressive": True}),
        ("CMYK", "TIFF", {"compression": "tiff_lzw"}),
    ],
)
def test_what_takes_too_much_is_refused_before_it_is_decoded(mode, kind, options):
    data = encoded(mode, (3000, 2500), kind, **options)
    with pytest.raises(
        ImageTooLargeError, match=rf"3000 x 2500 pixels as {kind} take about \d+ MiB to decode"
    ):
        to_pixels(data, SPEC, OF_128_MIB)
    assert len(to_pixels(data, SPEC)) == 64 * 64 * 3


def test_a_lossless_webp_of_two_kilobytes_is_refused_where_its_canvas_has_no_room():
    data = encoded("RGB", (8000, 6000), "WEBP", lossless=True)
    assert len(data) < 2500
    with pytest.raises(ImageTooLargeError, match="412 MiB are there"):
        to_pixels(data, SPEC, OF_512_MIB)


def test_an_ordinary_jpeg_of_a_phone_is_answered_in_little_memory():
    assert to_pixels(encoded("RGB", (8000, 6000), "JPEG"), SPEC, OF_128_MIB)


def test_a_jpeg_of_many_scans_that_does_not_say_progressive_counts_as_one():
    """Its components come one after the other, so all of them are kept."""
    data = bytearray(encoded("RGB", (6000, 5000), "JPEG"))
    scan = data.index(b"\xff\xda")
    data[scan : scan + 14] = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0"
    with pytest.raises(ImageTooLargeError, match="as JPEG take about"):
        to_pixels(bytes(data), SPEC, OF_128_MIB)


def test_a_tiff_counts_with_its_tiles_which_may_be_larger_than_it():
    tags = {
        256: 4,
        257: 4,
        258: 8,
        259: 8,
        262: 1,
        277: 1,
        322: 60_000,
        323: 60_000,
        324: 8,
        325: 9,
    }
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    data = struct.pack("<2sHI", b"II", 42, 20) + bytes(12)
    data += struct.pack("<H", len(tags)) + entries + bytes(4)
    with pytest.raises(ImageTooLargeError, match="as TIFF take about"):
        to_pixels(data, SPEC, OF_512_MIB)


def test_a_profile_or_a_turn_counts_as_another_copy():
    exif = Image.Exif()
    exif[0x0112] = 6
    size, memory = (2600, 2000), 30 * 2**20
    assert decode_fully(encoded("RGB", size, "BMP"), Limits(memory_bytes=50 * 2**20))
    assert to_pixels(encoded("RGB", size, "PNG"), SPEC, memory)
    with pytest.raises(ImageTooLargeError):
        to_pixels(encoded("RGB", size, "PNG", exif=exif), SPEC, memory)


def test_without_a_limit_memory_is_no_reason():
    data = io.BytesIO()
    paint_scene("sea", seed=1).save(data, "WEBP")
    assert decode_fully(data.getvalue(), Limits(memory_bytes=None))


@pytest.mark.pipeline
def test_a_file_that_holds_more_than_it_says_does_not_end_the_function(bundle):
    """An AVIF that says 100 x 75 pixels, around a stream of 40 million."""
    large = encoded("RGB", (8000, 5000), "AVIF", speed=10)
    at = large.index(b"ispe") + 8
    lying = large[:at] + struct.pack(">II", 100, 75) + large[at + 8 :]
    code = (
        "import base64, sys; from scenelet.serve.aws_lambda import handler;"
        "event = {'image': base64.b64encode(sys.stdin.buffer.read()).decode()};"
        "print(handler(event, None)['status'])"
    )
    lambdas = {"AWS_LAMBDA_FUNCTION_NAME": "f", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"}
    environment = {**os.environ, **lambdas, "SCENELET_BUNDLE": str(bundle)}
    done = subprocess.run(
        [sys.executable, "-c", code], input=lying, capture_output=True, env=environment, check=False
    )
    assert done.stdout.strip() in (b"413", b"422"), done.stderr[-500:]


@pytest.mark.pipeline
def test_no_format_takes_more_than_is_estimated():
    script = Path(__file__).resolve().parents[1] / "benchmarks" / "memory.py"
    done = subprocess.run(
        [sys.executable, str(script), "--megapixels", "5"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "MORE THAN ESTIMATED" not in done.stdout, done.stdout
    assert len(done.stdout.splitlines()) > 20
