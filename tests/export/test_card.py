from dataclasses import replace

import numpy as np
import onnx
import pytest
from commands import REPOSITORY

from scenelet.bundle.contract import LITERT, ONNX, parse_contract, read_contract
from scenelet.bundle.figures import PredictionSets
from scenelet.bundle.metrics import evaluate
from scenelet.export.card import model_card

SIZES = {LITERT: 1_000_000, ONNX: 1_000_000}


@pytest.fixture
def contract(shipped_bundle):
    return read_contract(shipped_bundle)


def many(contract, count):
    """The same contract of many classes, three held-out images each."""
    rng, names = np.random.default_rng(0), tuple(f"breed number {n} | <b>" for n in range(count))
    labels = np.repeat(np.arange(count), 3)
    probabilities = rng.dirichlet(np.full(count, 0.01), len(labels))
    counts = {split: dict.fromkeys(names, 20) for split in ("train", "val")}
    return replace(
        contract,
        class_names=names,
        figures=evaluate(labels, probabilities, names),
        prediction_sets=PredictionSets({}, (), "too few"),
        training=replace(contract.training, images=counts),
        golden=tuple(
            replace(each, probabilities=dict.fromkeys(names, 0.0025)) for each in contract.golden
        ),
    )


@pytest.mark.pipeline
def test_it_tells_the_versions_of_the_file_for_onnx(shipped_bundle, bundle):
    for folder in (shipped_bundle, bundle):
        model = onnx.load(folder / "model.onnx")
        told = f"opset {model.opset_import[0].version}, IR version {model.ir_version}"
        assert told in (folder / "MODEL_CARD.md").read_text("utf-8")


def test_of_four_hundred_classes_card_and_contract_stay_readable(contract):
    import json

    large = many(contract, 400)
    card = model_card(large, SIZES)
    assert len(card.encode()) < 50_000
    assert "The 30 weakest of 400 classes" in card
    assert "and 370 more" in card
    text = json.dumps(large.as_dict())
    assert len(text) < 500_000
    assert parse_contract(text.encode(), "x").figures == large.figures


def test_names_of_people_are_shown_as_they_are(contract):
    card = model_card(many(contract, 3), SIZES)
    assert r"breed number 0 \| \<b\>" in card
    assert "<b>" not in card.replace(r"\<b\>", "")


def test_a_model_that_can_t_keep_its_promises_says_so_at_the_top(contract):
    weak = replace(many(contract, 3), abstain_below=1.1)
    head = model_card(weak, SIZES).split("## How good it is")[0]
    assert "so it always abstains" in head
    assert "No prediction sets" in head
    assert "Fewer than 10 held-out images of" in head
    assert "Mind" not in model_card(contract, SIZES).split("## How good it is")[0]


@pytest.mark.parametrize("folder", ["models/intel-scenes", "tests/assets/tiny"])
def test_what_a_committed_bundle_tells_people_is_what_its_contract_says(folder):
    from scenelet.export.formats import FORMATS
    from scenelet.export.steps import for_people

    bundle = REPOSITORY / folder
    sizes = {each.file: (bundle / each.file).stat().st_size for each in FORMATS}
    for name, content in for_people(read_contract(bundle), sizes).items():
        assert (bundle / name).read_bytes() == content, f"run scripts/renew_cards.py {folder}"
