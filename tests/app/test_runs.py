import json
import os
import time

import pytest
from streamlit.testing.v1 import AppTest

from scenelet.app.sources import VARIABLE
from scenelet.artefacts import write_json
from scenelet.runs.history import Epoch, write_history

EPOCHS = [
    Epoch(0, 1.5, 0.9, 0.60, 0.002, 3.0),
    Epoch(1, 1.2, 0.7, 0.70, 0.001, 3.0),
    Epoch(2, 1.1, 0.8, 0.80, 0.0001, 3.0),
]
RESULT = {"best_epoch": 2, "epochs": 3}


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """Draws the page over a folder of runs."""
    folder = tmp_path / "runs" / "mine"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("epochs: 9\n")
    settings = {"bundle": "", "runs": str(tmp_path / "runs"), "searches": "", "trusted": []}
    monkeypatch.setenv(VARIABLE, json.dumps(settings))

    def draw():
        page = "from scenelet.app.runs import page\npage()"
        drawn = AppTest.from_string(page, default_timeout=30).run()
        assert not drawn.exception
        return drawn

    return folder, draw


def test_the_page_shows_the_epoch_that_training_chose(shown):
    folder, draw = shown
    write_history(folder / "metrics.csv", EPOCHS)
    write_json(folder / "result.json", RESULT)
    drawn = draw()
    assert "epoch 2 of 3 chosen" in drawn.success[0].value
    assert [(m.label, m.value) for m in drawn.metric][:2] == [
        ("Accuracy, epoch 2", "70.0%"),
        ("Log loss there", "0.70"),
    ]


def test_a_training_under_way_shows_how_far_it_is(shown):
    folder, draw = shown
    write_history(folder / "metrics.csv", EPOCHS[:1])
    assert "Under way: 1 of 9 epochs, about 24 s left" in draw().info[0].value
    hours_ago = time.time() - 3 * 3600
    os.utime(folder / "metrics.csv", (hours_ago, hours_ago))
    assert "Stopped, by the look of it: 1 of 9 epochs" in draw().warning[0].value


def test_several_trainings_stand_in_one_table_with_the_epoch_that_each_chose(shown):
    folder, draw = shown
    other = folder.with_name("other")
    other.mkdir()
    (other / "config.yaml").write_text("epochs: 9\n")
    write_history(folder / "metrics.csv", EPOCHS)
    write_history(other / "metrics.csv", EPOCHS[:1])
    table = draw().dataframe[0].value.set_index("training")
    assert table.loc["mine", "accuracy"] == 0.70
    assert table.loc["other", "epochs"] == 1


def test_a_recipe_that_can_not_be_read_is_one_line_on_the_page(shown):
    folder, draw = shown
    (folder / "config.yaml").write_text("a: [")
    assert "config.yaml" in draw().error[0].value
