import contextlib
import json
import shutil

import pytest

from scenelet.bundle.contract import CONTRACT, LITERT, parse_contract, read_contract, verify_files
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
    change(copy, format_version=5)
    with pytest.raises(
        BundleFormatError, match=r"found format version 5, expected 4\. Update scenelet\."
    ):
        read_contract(copy)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"format_version": "1"}, "found format version 1"),
        ({"class_names": ["a"]}, "at least 2 different names"),
        ({"class_names": ["a", "a"]}, "at least 2 different names"),
        ({"class_names": ["a", "b"]}, "its classes do not fit"),
        ({"temperature": 0}, "temperature: found 0, expected a number above 0"),
        ({"temperature": "hot"}, "temperature: found 'hot', expected a number"),
        ({"temperature": float("nan")}, "temperature: found nan, expected a number"),
        ({"abstain_below": None}, "abstain_below: found None, expected a number"),
        ({"preprocess": {"width": 64}}, r"preprocess\.height: missing"),
        ({"golden": [{}]}, r"golden\[0\]\.file: missing"),
        ({"figures": {}}, r"figures\.images: missing"),
        ({"training": {}}, r"training\.images: missing"),
        ({"promises": {}}, r"promises\.images: missing"),
        ({"strangers": []}, "strangers: expected figures of feature distance or energy"),
        ({"parity": {"images": 3, "differences": {}}}, "parity.differences: expected at least one"),
        ({"surprise": 1}, "surprise: unknown"),
        ({"sha256": {"../planted": ""}}, "expected a path inside the bundle"),
    ],
)
def test_a_contract_that_does_not_fit_together_is_refused_and_says_why(copy, values, message):
    change(copy, **values)
    with pytest.raises(BundleFormatError, match=message):
        read_contract(copy)


def test_a_class_list_that_does_not_fit_the_model_is_refused(copy):
    values = json.loads((copy / CONTRACT).read_text())
    kept = values["class_names"][:2]
    figures, sets = values["figures"], values["prediction_sets"]
    figures["per_class"] = {name: figures["per_class"][name] for name in kept}
    figures["confusion"] = {kept[0]: {kept[0]: figures["images"]}}
    sets = {**sets, "thresholds": dict.fromkeys(kept, 0.5)}
    few = {"figures": figures, "prediction_sets": sets}
    for golden in values["golden"]:
        golden["probabilities"] = dict.fromkeys(kept, 0.5)
    for split, counts in values["training"]["images"].items():
        values["training"]["images"][split] = {name: counts[name] for name in kept}
    change(copy, class_names=kept, golden=values["golden"], training=values["training"], **few)
    with pytest.raises(BundleFormatError, match=r"knows 6 classes, .* says .* 2 classes"):
        BundleModel(copy)


def test_names_that_changed_places_are_refused(copy):
    names = json.loads((copy / CONTRACT).read_text())["class_names"]
    change(copy, class_names=[names[1], names[0], *names[2:]])
    with pytest.raises(BundleFormatError, match=r"figures\.per_class: its classes do not fit"):
        read_contract(copy)


@pytest.mark.parametrize("file", ["../../../../planted.txt", "/etc/planted", "golden/../../x"])
def test_no_file_of_a_bundle_lies_outside_it(copy, file):
    values = json.loads((copy / CONTRACT).read_text())
    values["golden"][0]["file"] = file
    change(copy, golden=values["golden"], sha256={**values["sha256"], file: "0" * 64})
    with pytest.raises(BundleFormatError, match="expected a path inside the bundle"):
        read_contract(copy)


@pytest.mark.parametrize("text", ["", "[]", "{", "null"])
def test_a_broken_contract_is_one_line(copy, text):
    (copy / CONTRACT).write_text(text)
    with pytest.raises(BundleFormatError, match=r"bundle\.json: ") as error:
        read_contract(copy)
    assert "\n" not in str(error.value)


def test_what_was_written_is_what_is_read(bundle):
    contract = read_contract(bundle)
    assert json.loads(json.dumps(contract.as_dict())) == json.loads((bundle / CONTRACT).read_text())


def test_nothing_in_the_contract_may_be_emptied_unnoticed(bundle):
    """Each dictionary and list of it, however deep, is either checked or free to be empty.

    What is inside of a recipe and of a network is for `learn` to know.
    """
    free = {
        "thresholds",
        "stranger_scales",
        "pooled",
        "teachers",
        "command",
        "versions",
        "train_sizes",
        "widths",
        "depths",
    }
    whole = json.loads((bundle / CONTRACT).read_text())
    accepted = set()
    for path in containers(whole):
        changed = json.loads(json.dumps(whole))
        place = changed
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = type(place[path[-1]])()
        with contextlib.suppress(BundleFormatError):
            parse_contract(json.dumps(changed).encode(), "x")
            accepted.add(path[-1])
    assert accepted <= free


def containers(value, path=()):
    """Paths of the dictionaries and lists below a value."""
    steps = value.items() if isinstance(value, dict) else enumerate(value)
    for step, each in steps:
        if isinstance(each, dict | list):
            yield (*path, step)
            yield from containers(each, (*path, step))


def test_bytes_that_are_no_model_are_refused():
    with pytest.raises(BundleFormatError, match="not a LiteRT model"):
        LiteRTModel(b"hello", "x.tflite")
