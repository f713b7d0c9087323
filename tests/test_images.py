import io

import numpy as np
import pytest
from PIL import Image

from scenelet.dataset.scenes import jpeg, paint_scene
from scenelet.errors import ImageTooLargeError, UnreadableImageError
from scenelet.export.golden import nasty_files, rotated_jpeg
from scenelet.images import (
    PreprocessSpec,
    decode,
    decode_fully,
    pixel_hash,
    preprocess,
    sniff,
    to_input,
)

SPEC = PreprocessSpec(64, 64)
SCENE = paint_scene("street", seed=1)


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png_bomb(width, height):
    """A tiny file that promises a gigantic picture."""
    return encoded(Image.new("1", (width, height)), "PNG")


@pytest.mark.parametrize("name", sorted(nasty_files()))
def test_every_form_of_image_becomes_uint8_nhwc(name):
    pixels = to_input(nasty_files()[name], SPEC)
    assert pixels.shape == (1, 64, 64, 3)
    assert pixels.dtype == np.uint8


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_all_formats_are_sniffed_from_their_bytes(kind):
    data = encoded(SCENE, kind)
    assert sniff(data) == kind
    assert decode(data).size == SCENE.size


def test_empty_bytes_are_refused():
    with pytest.raises(UnreadableImageError, match="empty: 0 bytes"):
        decode(b"")


def test_text_is_refused_without_showing_its_content():
    with pytest.raises(UnreadableImageError, match="not an image: 14 bytes") as error:
        decode(b"a secret token")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_truncated_images_are_refused_not_half_grey(kind):
    data = encoded(SCENE, kind)
    with pytest.raises(UnreadableImageError, match="damaged"):
        decode(data[: len(data) // 2])


def test_a_20000_pixel_bomb_is_refused_before_it_is_decoded():
    bomb = png_bomb(20_000, 20_000)
    assert len(bomb) < 100_000
    with pytest.raises(ImageTooLargeError):
        decode(bomb)


def test_an_image_just_over_the_limit_says_its_size():
    with pytest.raises(
        ImageTooLargeError, match=r"8000 x 7000 = 56,000,000 pixels, at most 50,000,000"
    ):
        decode(png_bomb(8000, 7000))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation):
    upright = Image.new("RGB", (40, 20), "black")
    upright.paste("white", (0, 0, 20, 20))  # left half white
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = upright if undo is None else upright.transpose(undo)
    shown = decode(rotated_jpeg(stored, orientation))
    assert shown.size == (40, 20)
    assert np.asarray(shown)[:, :16].mean() > 240
    assert np.asarray(shown)[:, 24:].mean() < 15


def test_16_bit_grey_keeps_its_shades():
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (64, 1))
    shades = np.asarray(decode(encoded(Image.fromarray(ramp), "PNG")))[0, :, 0].astype(int)
    assert np.abs(shades - np.linspace(0, 255, 64)).max() <= 1


def test_transparent_parts_lie_over_white():
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert decode(encoded(image, "PNG")).getpixel((4, 4)) == (255, 255, 255)


def test_cmyk_looks_like_its_rgb_original():
    cmyk = np.asarray(decode(encoded(SCENE.convert("CMYK"), "JPEG", quality=95)), float)
    assert np.abs(cmyk - np.asarray(SCENE, float)).mean() < 4


def test_an_animated_gif_is_judged_by_its_first_frame():
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert decode(data).getpixel((8, 8)) == (255, 0, 0)


def test_a_large_jpeg_decoded_small_looks_the_same():
    large = SCENE.resize((1600, 1200), Image.Resampling.BICUBIC)
    data = jpeg(large, quality=95)
    whole = np.asarray(decode(data).resize((64, 64), Image.Resampling.BILINEAR), float)
    assert np.abs(to_input(data, SPEC)[0].astype(float) - whole).mean() < 2


def test_pixel_hash_sees_pixels_not_files():
    assert pixel_hash(decode(encoded(SCENE, "PNG"))) == pixel_hash(decode(encoded(SCENE, "BMP")))
    assert pixel_hash(SCENE) != pixel_hash(SCENE.transpose(Image.Transpose.FLIP_LEFT_RIGHT))


@pytest.mark.parametrize("size", [(60, 20), (20, 60)])
def test_a_picture_is_squashed_padded_or_cropped_as_the_spec_says(size):
    picture = Image.new("RGB", size, "white")
    made = {
        fit: preprocess(picture, PreprocessSpec(30, 30, fit=fit))[0]
        for fit in ("squash", "pad", "crop")
    }
    assert (made["squash"] == 255).all()
    assert (made["crop"] == 255).all()
    assert (made["pad"] == 255).all(2).mean() == pytest.approx(1 / 3)
    assert (made["pad"][0, 0] == 127).all()


def test_a_crop_keeps_the_middle():
    picture = Image.new("RGB", (90, 30), "black")
    picture.paste((255, 255, 255), (30, 0, 60, 30))
    assert (preprocess(picture, PreprocessSpec(30, 30, fit="crop")) == 255).all()


def grey(values, kind="TIFF"):
    buffer = io.BytesIO()
    Image.fromarray(values.reshape(8, 32)).save(buffer, kind)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("values", "mode"),
    [
        (np.linspace(-1, 1, 256, dtype=np.float32), "F"),
        (np.linspace(0, 1, 256, dtype=np.float32), "F"),
        (np.linspace(0, 4095, 256).astype(np.uint16), "I;12"),
        (np.linspace(0, 65535, 256).astype(np.uint16), "I;16"),
        (np.linspace(-70000, 65535, 256).astype(np.int32), "I"),
    ],
    ids=str,
)
def test_deep_pictures_keep_all_their_tones(values, mode):
    decoded = decode_fully(grey(values))
    tones = np.asarray(decoded.picture)[..., 0]
    assert decoded.mode == mode
    assert (tones.min(), tones.max()) == (0, 255)
    assert len(np.unique(tones)) > 200


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_picture_without_numbers_is_refused(value):
    with pytest.raises(UnreadableImageError, match="no numbers"):
        decode_fully(grey(np.full(256, value, np.float32)))


@pytest.mark.parametrize("tags", [{254: 1}, {50706: b"\x01\x04\x00\x00"}])
def test_the_thumbnail_of_a_cameras_raw_file_is_not_taken_for_the_picture(tags):
    buffer = io.BytesIO()
    Image.new("RGB", (160, 120)).save(buffer, "TIFF", tiffinfo=tags)
    with pytest.raises(UnreadableImageError, match="a camera's raw file; save it as JPEG"):
        decode_fully(buffer.getvalue())
