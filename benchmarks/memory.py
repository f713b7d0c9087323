"""What decoding takes, measured in fresh processes, beside the estimate that refuses it beforehand.

python benchmarks/memory.py --megapixels 12
"""

import argparse
import io
import json
import subprocess
import sys
from collections.abc import Callable

from PIL import Image

from scenelet.image_formats import TABLE
from scenelet.image_memory import decoding_bytes

MIB = 2**20
Made = Callable[[tuple[int, int]], Image.Image]


def _of(mode: str) -> Made:
    return lambda size: Image.new(mode, size)


def _deep(size: tuple[int, int]) -> Image.Image:
    return Image.new("I;16", size)


WORST: dict[str, tuple[Made, str, dict[str, object]]] = {
    "JPEG": (_of("RGB"), "JPEG", {}),
    "JPEG, progressive": (_of("RGB"), "JPEG", {"progressive": True, "subsampling": 0}),
    "JPEG, progressive CMYK": (_of("CMYK"), "JPEG", {"progressive": True}),
    "PNG": (_of("RGB"), "PNG", {}),
    "PNG, alpha": (_of("RGBA"), "PNG", {}),
    "PNG, palette": (_of("P"), "PNG", {}),
    "PNG, 16 bits": (_deep, "PNG", {}),
    "PNG, one bit": (_of("1"), "PNG", {}),
    "WebP, lossless": (_of("RGB"), "WEBP", {"lossless": True}),
    "WebP, alpha": (_of("RGBA"), "WEBP", {"lossless": True}),
    "WebP, lossy": (_of("RGB"), "WEBP", {}),
    "GIF": (_of("P"), "GIF", {}),
    "BMP": (_of("RGB"), "BMP", {}),
    "TIFF, LZW in one strip": (_of("RGB"), "TIFF", {"compression": "tiff_lzw", "tiffinfo": {278: 10**6}}),
    "TIFF, CMYK in one strip": (_of("CMYK"), "TIFF", {"compression": "tiff_adobe_deflate", "tiffinfo": {278: 10**6}}),
    "TIFF, 16 bits": (_deep, "TIFF", {"compression": "tiff_adobe_deflate"}),
    "TIFF, JPEG inside": (_of("RGB"), "TIFF", {"compression": "jpeg"}),
    "TIFF, floats": (_of("F"), "TIFF", {"compression": "tiff_adobe_deflate"}),
    "AVIF": (_of("RGB"), "AVIF", {"speed": 10}),
    "AVIF, alpha, 4:4:4": (_of("RGBA"), "AVIF", {"speed": 10, "subsampling": "4:4:4"}),
    "JPEG 2000": (_of("RGB"), "JPEG2000", {}),
    "JPEG 2000, alpha": (_of("RGBA"), "JPEG2000", {}),
    "JPEG 2000, 16 bits": (_deep, "JPEG2000", {}),
}  # fmt: skip


def picture(name: str, megapixels: float) -> bytes:
    """A file that is small, and large when decoded."""
    make, kind, options = WORST[name]
    width = int((megapixels * 1e6 * 4 / 3) ** 0.5)
    buffer = io.BytesIO()
    make((width, width * 3 // 4)).save(buffer, kind, **options)
    return buffer.getvalue()


def measured_mib(data: bytes) -> float:
    """Growth of the largest resident size of a fresh process."""
    done = subprocess.run(
        [sys.executable, __file__, "--decode"], input=data, capture_output=True, check=True
    )
    return float(json.loads(done.stdout))


def estimated_mib(data: bytes) -> float:
    """As serving estimates it."""
    image = Image.open(io.BytesIO(data))
    kind, size = next(each for each in TABLE if each.matches(data)), image.size
    if kind.has_draft:
        image.draft(None, (300, 300))
    return decoding_bytes(image, size, data, kind) / MIB


def _decode() -> None:
    from scenelet.images import PreprocessSpec, to_pixels

    def peak_mib(line: str) -> float:
        with open("/proc/self/status", encoding="ascii") as file:
            return next(int(each.split()[1]) for each in file if each.startswith(line)) / 1024

    spec, data = PreprocessSpec(150, 150, max_pixels=10**9), sys.stdin.buffer.read()
    for kind in ("JPEG", "PNG"):  # what is imported once is no picture's own
        buffer = io.BytesIO()
        Image.new("RGB", (9, 9)).save(buffer, kind)
        to_pixels(buffer.getvalue(), spec)
    before = peak_mib("VmRSS")
    to_pixels(data, spec)
    print(json.dumps(peak_mib("VmHWM") - before))


def main() -> None:
    """Print a line a picture."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--megapixels", type=float, default=12)
    options.add_argument("--only", default="", help="Names that begin so.")
    options.add_argument("--decode", action="store_true", help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.decode:
        _decode()
        return
    print(f"{'':26}{'file':>10}{'measured':>12}{'estimated':>12}   MiB at {asked.megapixels:g} Mpx")
    for name in (each for each in WORST if each.startswith(asked.only)):
        data = picture(name, asked.megapixels)
        found, expected = measured_mib(data), estimated_mib(data)
        verdict = "" if found <= expected else "   MORE THAN ESTIMATED"
        print(f"{name:26}{len(data):10,}{found:12.0f}{expected:12.0f}{verdict}")


if __name__ == "__main__":
    main()
