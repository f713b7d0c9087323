import io
import re
import time
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from scenelet.dataset.scenes import paint_scene
from scenelet.deploy.preflight.pictures import ordinary_pictures
from scenelet.errors import UnreadableImageError
from scenelet.image_formats import FORMATS, PACKED, SUFFIXES, TABLE, format_of, named, sniff
from scenelet.images import ORIENTATION, decode

DOCS = Path(__file__).resolve().parents[1] / "docs"


HEIC = named("HEIC")
needs_heic = pytest.mark.skipif(not HEIC.is_installed, reason="needs the extra heic")


def encoded(kind, **options):
    if kind.package:
        pytest.importorskip(kind.package, reason=f"needs {kind.package}").register_heif_opener()
    buffer = io.BytesIO()
    paint_scene("sea", seed=2).save(buffer, kind.opener or kind.name, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", TABLE, ids=lambda kind: kind.name)
def test_every_format_of_the_table_is_told_from_its_bytes_and_decoded(kind):
    data = encoded(kind)
    assert sniff(data) == kind.name
    assert decode(data).size == paint_scene("sea", seed=2).size


def test_no_two_formats_share_a_suffix_or_a_start():
    assert len(SUFFIXES) == sum(len(each.suffixes) for each in TABLE if each.is_installed)
    for kind in (each for each in TABLE if each.is_installed):
        data = encoded(kind)
        assert [each.name for each in TABLE if each.matches(data)] == [kind.name]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_bytes_that_a_gateway_made_text_are_told_as_that(kind):
    mangled = encoded(named(kind)).decode("utf-8", "replace").encode()
    with pytest.raises(UnreadableImageError, match="were made text on their way"):
        decode(mangled)


@needs_heic
def test_a_heic_is_turned_once():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    upright = decode(encoded(HEIC)).transpose(Image.Transpose.ROTATE_270)
    found = decode(encoded(HEIC, exif=exif.tobytes()))
    assert max(ImageStat.Stat(ImageChops.difference(found, upright)).mean) < 8


@needs_heic
def test_a_heic_that_broke_off_is_damaged_and_called_by_its_name():
    data = encoded(HEIC)
    with pytest.raises(UnreadableImageError, match=r"^damaged HEIC: "):
        decode(data[: len(data) // 2])


def test_a_heic_where_its_extra_is_not_installed_says_what_to_do(monkeypatch):
    monkeypatch.setattr("scenelet.image_formats._has", lambda module: module != "pillow_heif")
    with pytest.raises(UnreadableImageError) as refused:
        decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500))
    assert str(refused.value).startswith("a HEIC picture, expected JPEG")
    assert "pip install 'scenelet[heic]'" in str(refused.value)


def test_the_documents_name_every_format():
    told = (DOCS / "serving.md").read_text(encoding="utf-8")
    for name in FORMATS:
        assert re.search(rf"\b{name.replace('JPEG2000', 'JPEG 2000')}\b", told, re.IGNORECASE), name


SENT = {
    "a JPEG XL picture": b"\xff\x0a" + bytes(30),
    "a BigTIFF picture": b"II+\0\x08\0\0\0" + bytes(30),
    "a camera's raw file": b"\0\0\0\x18ftypcrx \0\0\0\x01" + bytes(30),
    "a Photoshop file": b"8BPS\0\x01" + bytes(30),
    "an icon": b"\0\0\x01\0\x01\0\x10\x10" + bytes(30),
    "a DICOM file": bytes(128) + b"DICM" + bytes(30),
    "a PDF document": b"%PDF-1.7\n%\xe2\xe3",
    "an SVG drawing": b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>',
    "a web page (HTML)": b"\n<!DOCTYPE html><html><title>Sign in</title></html>",
    "an XML document": b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    "a Git LFS pointer, not the file": b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
    "a git-annex pointer, not the file": b"/annex/objects/SHA256E-s1--2.jpg\n",
    "a video": b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41",
    "an archive or an office document": b"PK\x03\x04\x14\0" + bytes(30),
    "what macOS keeps beside a file": b"\0\x05\x16\x07\0\x02\0\0Mac OS X",
    "a picture as base64 text": b"/9j/4AAQSkZJRgABAQAAAQABAAD/",
    "nothing but zeros": bytes(524),
    "JSON": b'{"error": "not found"}',
    "not an image: 14 bytes": b"a secret token",
}


@pytest.mark.parametrize("what", sorted(SENT))
def test_what_is_no_picture_of_ours_is_called_by_its_name(what):
    with pytest.raises(UnreadableImageError) as error:
        decode(SENT[what])
    assert str(error.value).startswith(what), error.value
    assert "expected JPEG, PNG" in str(error.value)
    assert "secret" not in str(error.value)


def test_every_answer_to_what_is_none_of_ours_says_what_to_do():
    for what in SENT.keys() - {"not an image: 14 bytes"}:
        with pytest.raises(UnreadableImageError, match=r"; \w+"):
            decode(SENT[what])


def test_a_format_that_is_not_installed_is_named(monkeypatch):
    avif = next(each for each in TABLE if each.name == "AVIF")
    monkeypatch.setattr("scenelet.image_formats._has", lambda _: False)
    assert not avif.is_installed
    data = b"\0\0\0\x1cftypavif" + bytes(500)
    assert format_of(data) is avif
    with pytest.raises(UnreadableImageError, match="AVIF, which the Pillow that is installed here"):
        decode(data)


@pytest.mark.parametrize(
    "text",
    [b"<!---->" * 600, b" " * 5000, b"\xef\xbb\xbf" + b"\n" * 5000, b"<?xml" * 900, b"<!--" * 1200,
     b"../" * 1500, b"%PDF" * 1200, b"<!-- -->  " * 400],
)  # fmt: skip
def test_no_text_makes_telling_it_slow(text):
    start_s = time.process_time()
    with pytest.raises(UnreadableImageError):
        decode(text)
    assert time.process_time() - start_s < 0.5


def test_a_package_holds_what_pillow_reads_by_itself_whatever_is_installed_here():
    pictures = ordinary_pictures()
    assert list(pictures) == list(PACKED)
    assert [sniff(data) for data in pictures.values()] == list(PACKED)
    assert {each.name for each in TABLE if each.package}.isdisjoint(PACKED)
