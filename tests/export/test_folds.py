import json

import pytest
from streamlit.testing.v1 import AppTest

from scenelet.app.sources import Sources
from scenelet.bundle.contract import read_contract
from scenelet.bundle.training_data import read_training_data
from scenelet.dataset.manifest import write_manifest
from scenelet.runs.run import Run

pytestmark = pytest.mark.pipeline
MODEL = "from scenelet.app import model\nmodel.page()"
RUNS = "from scenelet.app import runs\nruns.page()"
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


def test_the_page_shows_what_its_folds_said_and_no_error(folded, painted, tmp_path, monkeypatch):
    manifest = tmp_path / "manifest.csv"
    write_manifest(manifest, folded[0].rows())
    asked = Sources(
        bundle=str(folded[1]),
        data=str(painted / "seg_train"),
        runs=str(folded[0].folder),
        manifest=str(manifest),
    )
    for name, value in asked.to_environment().items():
        monkeypatch.setenv(name, value)
    model = AppTest.from_string(MODEL, default_timeout=120).run()
    assert not model.exception
    assert not model.error
    assert any("one of 2 models that had not seen it" in each.value for each in model.caption)
    runs = AppTest.from_string(RUNS, default_timeout=60).run()
    assert not runs.exception
    assert "on all pictures, judged in 2 folds" in runs.success[0].value
    accuracy = next(each.value for each in runs.metric if each.label == "Accuracy, out of fold")
    assert accuracy == f"{folded[2]['val_top1_accuracy']:.1%}"
