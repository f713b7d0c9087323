"""The bundle that comes along."""

import json

import pytest

from scenelet.bundle.contract import read_contract, verify_files
from scenelet.bundle.numeric import softmax
from scenelet.bundle.runtime import BundleModel
from scenelet.images import to_input


def test_every_checksum_fits(shipped_bundle):
    verify_files(shipped_bundle, read_contract(shipped_bundle))


def test_the_model_is_under_5_mb_and_the_whole_folder_under_13_5(shipped_bundle):
    files = [path for path in shipped_bundle.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 13_500_000
    assert (shipped_bundle / "model.tflite").stat().st_size < 5_000_000


def test_golden_images_answer_as_recorded(shipped_bundle):
    model = BundleModel(shipped_bundle)
    for golden in model.contract.golden:
        values = softmax(
            model.logits(
                to_input((shipped_bundle / golden.file).read_bytes(), model.contract.preprocess)
            ),
            model.contract.temperature,
        )
        assert list(golden.probabilities.values()) == pytest.approx(list(values), abs=1e-3)


def test_predict_uses_it_by_default(shipped_bundle, scenelet):
    done = scenelet("predict", shipped_bundle / "golden" / "buildings.jpg", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["bundle"] == "intel-scenes"
