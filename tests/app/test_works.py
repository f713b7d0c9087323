"""What the pages Train and Label show without a browser: of a work on disk, and to strangers."""

import json
import shutil
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from scenelet.app.sources import VARIABLE
from scenelet.app.works import Work
from scenelet.artefacts import write_json
from scenelet.dataset.corrections import TABLE, Correction
from scenelet.dataset.manifest import write_manifest
from scenelet.dataset.row import Row
from scenelet.runs.growing import Answered, Growing, write_growing
from scenelet.runs.history import Epoch, write_history


def drawn(page, tmp_path, monkeypatch, **more):
    settings = {"bundle": "", "runs": str(tmp_path / "runs"), "trusted": [], **more}
    monkeypatch.setenv(VARIABLE, json.dumps(settings))
    found = AppTest.from_string(f"from scenelet.app.{page} import page\npage()").run(timeout=30)
    assert not found.exception
    return found


@pytest.mark.parametrize("page", ["train", "label"])
def test_where_others_reach_the_pages_nothing_is_written_from_them(page, tmp_path, monkeypatch):
    found = drawn(page, tmp_path, monkeypatch, is_own=False)
    assert "open to others" in found.info[0].value
    assert not found.button
    assert not found.text_input


def test_a_stopped_work_says_its_step_its_log_and_how_its_answers_grew(
    tmp_path, monkeypatch, painted
):
    work = Work(tmp_path / "trained" / "mine")
    work.run.folder.mkdir(parents=True)
    write_json(work.folder / "command.json", {"data": str(painted), "options": [], "process": 1})
    work.log.write_text("$ scenelet data audit x\n$ scenelet train x\nkilled <b>\n")
    write_history(work.run.metrics_csv, [Epoch(0, 1.0, 0.9, 0.5, 0.1, 1.0)] * 2)
    told = (Answered("<b>forest", 0.7, 0.2),)
    write_growing(work.run.growing_json, Growing((("<i>.jpg", "sea"),), {0: told, 1: told}))
    found = drawn("train", tmp_path, monkeypatch)
    assert "What is done is kept" in found.warning[0].value
    assert work.steps() == ["data", "train"]
    assert [button.label for button in found.button] == ["Go on"]
    assert "killed <b>" in found.code[0].value
    shown = "".join(str(each.proto) for each in found.get("html"))
    assert "answered &lt;b&gt;forest" in shown
    assert "<i>" not in shown


def test_a_work_that_is_not_begun_can_not_be_damaged_by_a_stop(tmp_path):
    work = Work(tmp_path)
    work.stop()
    assert not work.is_running
    assert work.steps() == []


def test_a_work_that_could_not_go_on_says_why_in_its_own_line(tmp_path, monkeypatch):
    work = Work(tmp_path / "trained" / "mine")
    work.folder.mkdir(parents=True)
    write_json(work.folder / "command.json", {"data": "photos", "options": [], "process": 1})
    work.log.write_text("$ scenelet data audit x\nscenelet: photos: 1 class found (cats)\n")
    found = drawn("train", tmp_path, monkeypatch)
    assert "1 class found (cats)" in found.warning[0].value


def test_a_damaged_table_of_corrections_is_told_beside_a_complete_work(
    tmp_path, monkeypatch, painted, bundle
):
    work = Work(tmp_path / "trained" / "mine")
    shutil.copytree(bundle, work.bundle)
    write_json(work.folder / "command.json", {"data": str(painted), "options": [], "process": 1})
    (tmp_path / "corrections").mkdir()
    (tmp_path / "corrections" / TABLE).write_text("no,table\n1,2\n")
    found = drawn("train", tmp_path, monkeypatch)
    assert found.metric[0].label == "Right, of held-out pictures"
    assert "damaged" in found.error[0].value


def test_corrections_are_offered_again_only_where_there_is_something_new_to_learn(tmp_path):
    work, name = Work(tmp_path / "mine"), "0" * 16
    said = Correction(f"{name}.jpg", "sea", "forest", "mine")
    (work.folder / "improved").mkdir(parents=True)
    rows = [Row("a.jpg", "forest", split="val"), Row(f"corrections/{name}.jpg", "sea")]
    write_manifest(work.folder / "improved" / "manifest.csv", rows)
    work.log.write_text("5 pictures to add\n")
    assert not work.has_tried([said])  # it was stopped before its verdict
    work.log.write_text("the new one is: worse\n12 held-out pictures\n")
    assert work.verdict == "the new one is: worse"
    assert work.has_tried([said])
    assert not work.has_tried([replace(said, label="street")])
    assert not work.has_tried([said, Correction("other.jpg", "sea")])
