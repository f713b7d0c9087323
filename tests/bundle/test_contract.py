import json
import shutil

import pytest

from scenelet.bundle.contract import CONTRACT, LITERT, read_contract, verify_files
from scenelet.bundle.runtime import BundleModel, LiteRTModel
from scenelet.errors import BundleFormatError, BundleTamperedError


@pytest.fixture
def copy(bundle, tmp_path):
    return shutil.copytree(bundle, tmp_path / "copy")


def change(folder, **values):
    path = folder / CONTRACT
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_sound_bundle_verifies_every_file(bundle):
    contract = read_contract(bundle)
    verify_files(bundle, contract)
    written = {path.relative_to(bundle).as_posix() for path in bundle.rglob("*") if path.is_file()}
    assert set(contract.sha256) == written - {CONTRACT}


def test_a_missing_bundle_is_named(tmp_path):
    with pytest.raises(BundleFormatError, match="no bundle here"):
        BundleModel(tmp_path)


def test_a_missing_model_is_named(copy):
    (copy / LITERT).unlink()
    with pytest.raises(BundleFormatError, match=r"model\.tflite: missing from the bundle"):
        BundleModel(copy)


def test_a_tampered_model_is_refused_before_it_is_loaded(copy):
    content = bytearray((copy / LITERT).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / LITERT).write_bytes(content)
    with pytest.raises(BundleTamperedError, match=r"model\.tflite: checksum differs"):
        BundleModel(copy)


def test_a_tampered_golden_image_is_found(copy):
    next((copy / "golden").iterdir()).write_bytes(b"x")
    with pytest.raises(BundleTamperedError, match="golden"):
        verify_files(copy, read_contract(copy))


def test_a_newer_format_says_to_update(copy):
    change(copy, format_version=4)
    with pytest.raises(
        BundleFormatError, match=r"found format version 4, expected 3\. Update scenelet\."
    ):
        read_contract(copy)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format_version": "1"}, "found format version 1"),
        ({"class_names": ["a"]}, "at least 2 different names"),
        ({"class_names": ["a", "a"]}, "at least 2 different names"),
        ({"class_names": ["a", "b"]}, "its classes do not fit"),
        ({"temperature": 0}, "temperature found 0"),
        ({"temperature": "hot"}, "incomplete or malformed"),
        ({"preprocess": {"width": 64}}, "incomplete or malformed"),
        ({"golden": [{}]}, "incomplete or malformed"),
    ],
)
def test_a_manifest_that_does_not_fit_together_is_refused_and_says_why(copy, values, message):
    change(copy, **values)
    with pytest.raises(BundleFormatError, match=message):
        read_contract(copy)


def test_a_class_list_that_does_not_fit_the_model_is_refused(copy):
    change(copy, class_names=["a", "b"], golden=[])
    with pytest.raises(BundleFormatError, match=r"knows 6 classes, .* says .* 2 classes"):
        BundleModel(copy)


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_a_broken_manifest_is_one_line(copy, text):
    (copy / CONTRACT).write_text(text)
    with pytest.raises(BundleFormatError, match=r"bundle\.json: ") as error:
        read_contract(copy)
    assert "\n" not in str(error.value)


def test_bytes_that_are_no_model_are_refused():
    with pytest.raises(BundleFormatError, match="not a LiteRT model"):
        LiteRTModel(b"hello", "x.tflite")
