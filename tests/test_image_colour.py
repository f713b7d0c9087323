"""The same picture in another colour space gives the same pixels."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageFilter

from scenelet.dataset.scenes import paint_scene
from scenelet.images import decode, pixel_hash

SCENE = paint_scene("forest", seed=3).filter(ImageFilter.GaussianBlur(4))
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PRIMARIES = {
    "Display P3": [(0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)],
    "Adobe RGB": [(0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)],
    "ProPhoto": [(0.79767, 0.28804, 0), (0.13519, 0.71188, 0), (0.03134, 0.00009, 0.82491)],
}  # fmt: skip


def encoded(image, kind="PNG", **options):
    if kind == "HEIF":
        pytest.importorskip("pillow_heif", reason="needs heic").register_heif_opener()
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def profile_of(primaries):
    """sRGB's profile with other primaries."""
    made, count = bytearray(SRGB), struct.unpack(">I", SRGB[128:132])[0]
    wanted = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True))
    for entry in (132 + 12 * number for number in range(count)):
        if values := wanted.get(bytes(made[entry : entry + 4])):
            at = struct.unpack(">I", made[entry + 4 : entry + 8])[0] + 8
            made[at : at + 12] = b"".join(struct.pack(">i", round(v * 65536)) for v in values)
    return bytes(made)


def stored_in(profile, image=SCENE, mode="RGB"):
    there = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    here = ImageCms.createProfile("sRGB")
    wide = ImageCms.applyTransform(image, ImageCms.buildTransform(here, there, "RGB", mode, 1))
    wide.info.clear()  # it would be saved with it
    return wide


def difference(one, other):
    return np.abs(np.asarray(one, float) - np.asarray(other, float)).mean()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("space", sorted(PRIMARIES))
def test_wide_gamut_pictures_are_converted_to_srgb(space, kind):
    profile = profile_of(PRIMARIES[space])
    options = {"quality": 98} if kind in ("JPEG", "AVIF", "HEIF") else {}
    options |= {"lossless": True} if kind == "WEBP" else {}
    wide = stored_in(profile)
    got = decode(encoded(wide, kind, icc_profile=profile, **options))
    plain = decode(encoded(wide, kind, **options))
    assert difference(got, SCENE) < 0.5 * difference(plain, SCENE)
    assert difference(got, SCENE) < 4


def test_alpha_and_palette_are_converted_too():
    profile = profile_of(PRIMARIES["Display P3"])
    wide = stored_in(profile)
    clear = wide.copy()
    clear.putalpha(255)
    assert difference(decode(encoded(clear, icc_profile=profile)), SCENE) < 2
    palette = wide.quantize(256)
    got = decode(encoded(palette, icc_profile=profile))
    assert difference(got, SCENE) < difference(palette.convert("RGB"), SCENE)


def test_an_srgb_profile_changes_no_pixel():
    data = encoded(SCENE, icc_profile=SRGB)
    assert pixel_hash(decode(data)) == pixel_hash(SCENE)


def test_a_lab_tiff_looks_like_its_rgb_original():
    here, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    stored = ImageCms.applyTransform(SCENE, ImageCms.buildTransform(here, lab, "RGB", "LAB"))
    assert difference(decode(encoded(stored, "TIFF")), SCENE) < 3


@pytest.mark.parametrize("profile", [b"", b"rubbish", SRGB[:200], b"\0" * 5000, SRGB[:128] * 9])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_profile_that_makes_no_sense_is_passed_over(profile, mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    stored = SCENE.convert(mode)
    expected = decode(encoded(stored, kind))
    assert pixel_hash(decode(encoded(stored, kind, icc_profile=profile))) == pixel_hash(expected)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_profile_of_another_kind_of_pixels_is_passed_over(mode):
    profile = profile_of(PRIMARIES["ProPhoto"])
    kind = "JPEG" if mode == "CMYK" else "PNG"
    data = encoded(SCENE.convert(mode), kind, icc_profile=profile)
    assert pixel_hash(decode(data)) == pixel_hash(decode(encoded(SCENE.convert(mode), kind)))


def test_bands_show_no_seams():
    tall = Image.new("RGB", (2000, 1600), (200, 40, 90))
    profile = profile_of(PRIMARIES["Display P3"])
    colours = decode(encoded(tall, icc_profile=profile)).getcolors()
    assert colours is not None
    assert len(colours) == 1
