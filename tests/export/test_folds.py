import json

import pytest

from scenelet.bundle.contract import read_contract
from scenelet.bundle.training_data import read_training_data
from scenelet.runs.run import Run

pytestmark = pytest.mark.pipeline
FLAGS = ("--recipe", "quick", "--epochs", "2", "--threads", "1", "--folds", "2")


@pytest.fixture(scope="module")
def folded(painted, tmp_path_factory, scenelet):
    """A run of two folds, and its bundle."""
    place = tmp_path_factory.mktemp("folded")
    done = scenelet("train", painted, *FLAGS, "--runs", place, "--name", "r", "--json")
    assert done.code == 0, done.err
    exported = scenelet("export", place / "r", "--out", place / "bundle")
    assert exported.code == 0, exported.err
    return Run(place / "r"), place / "bundle", json.loads(done.out), exported.out


def test_a_bundle_of_folds_states_out_of_fold_figures_of_all_pictures(folded):
    run, bundle, result, said = folded
    contract = read_contract(bundle)
    count = sum(len(fold.rows()) for fold in run.folds) // 2
    assert contract.figures.images == contract.promises.images == count
    assert contract.figures.top1_accuracy.value == pytest.approx(result["val_top1_accuracy"])
    assert contract.training.count("val") == 0
    assert set(read_training_data(bundle / "training-data.csv").values()) == {"train"}
    assert "out-of-fold accuracy of model.tflite" in said
    card = (bundle / "MODEL_CARD.md").read_text()
    assert "one of 2 networks that had not seen it" in " ".join(card.split())
    assert "They are validation figures" not in card


def test_such_a_bundle_is_not_measured_on_what_it_learned_from(folded, painted, scenelet):
    for part in ("val", "auto"):
        done = scenelet("evaluate", folded[1], painted / "seg_train", "--part", part)
        assert done.code == 1
        assert "was judged in folds; its card has these figures" in done.err
