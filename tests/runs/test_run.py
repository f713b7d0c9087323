from dataclasses import replace
from pathlib import Path

import pytest

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.row import Row
from scenelet.dataset.sources import Folder
from scenelet.errors import ConfigError, DataError
from scenelet.runs.recipe import TrainConfig
from scenelet.runs.run import Result, Run, run_name, same_network

CONFIG = TrainConfig(epochs=3)
NETWORK = {"architecture": {"widths": [8, 16]}, "init": None, "teachers": []}
RESULT = Result(2, 3, 0.8, 0.5, "", 400, 12.5, 1000, 20, 12.5, classes={"a": (9, 10)})


def dataset(label="cat"):
    rows = (
        Row("cat/1.jpg", label, "train", 9, 9, "a" * 16),
        Row("dog/1.jpg", "dog", "train", 9, 9, "b" * 16),
        Row("dog/2.jpg", "dog", "val", 9, 9, "c" * 16),
    )
    return Dataset(Folder(Path("photos")), rows)


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "mine")
    run.open(CONFIG, dataset(), NETWORK, {"python": "3.11"})
    return run


def test_what_was_opened_is_read_back(run):
    assert run.config() == CONFIG
    assert run.rows() == list(dataset().rows)
    assert run.architecture() == {"widths": [8, 16]}
    assert run.data()["class_names"] == ["cat", "dog"]
    assert run.data()["images"]["train"] == {"cat": 1, "dog": 1}


def test_a_run_is_complete_once_its_figures_are_written(run):
    assert not run.is_complete
    with pytest.raises(DataError, match="no complete run here"):
        run.result()
    run.complete(RESULT)
    assert run.is_complete
    assert run.result() == RESULT


def test_the_same_training_opens_it_again_whatever_the_threads(run):
    run.open(replace(CONFIG, threads=7), dataset(), NETWORK, {})
    assert run.config().threads == CONFIG.threads


@pytest.mark.parametrize(
    ("config", "data", "network", "said"),
    [
        (replace(CONFIG, epochs=4), dataset(), NETWORK, "epochs 3 v 4"),
        (CONFIG, dataset(label="dog"), NETWORK, "other images, labels or split"),
        (CONFIG, dataset(), {**NETWORK, "architecture": {}}, "other layers"),
    ],
)
def test_another_training_is_refused_and_says_what_differs(run, config, data, network, said):
    with pytest.raises(ConfigError, match=said):
        run.open(config, data, network, {})


def test_two_processes_do_not_train_in_one_run(run):
    with run.locked(), pytest.raises(ConfigError, match="another process"), run.locked():
        pass


def test_a_start_is_known_by_its_weights_and_not_by_its_place():
    one = {**NETWORK, "init": {"origin": "runs/a", "weights": "1234"}}
    moved = {**NETWORK, "init": {"origin": "runs/b", "weights": "1234"}}
    other = {**NETWORK, "init": {"origin": "runs/a", "weights": "5678"}}
    assert same_network(one, moved)
    assert not same_network(one, other)


@pytest.mark.parametrize("damage", ["{", "[]", '{"best_epoch": 1}'])
def test_damaged_figures_are_one_line(run, damage):
    (run.folder / "result.json").write_text(damage)
    with pytest.raises(DataError, match=r"result\.json missing or damaged"):
        run.result()


def test_a_folder_that_is_no_run_is_one_line(tmp_path):
    with pytest.raises(DataError, match="no run here"):
        Run(tmp_path).config()


def test_a_run_that_nobody_named_is_called_by_data_and_recipe(tmp_path):
    assert run_name(tmp_path / "photos", "recipes/mine.yaml") == "photos-mine"
    assert run_name(tmp_path / "photos", None) == "photos-default"


def test_a_run_in_a_folder_that_is_called_folds_is_no_fold(tmp_path):
    assert Run(tmp_path).fold(1).is_fold
    assert not Run(tmp_path / "folds" / "photos-quick").is_fold
