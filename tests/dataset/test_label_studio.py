"""Exports of Label Studio as people have them: several tools, several annotators, nothing yet."""

import json

import pytest

from scenelet.dataset.label_studio import path_of, record_of, task_of
from scenelet.dataset.manifest import read_manifest
from scenelet.errors import DataError


def task(image="/data/upload/3/0a1b2c3d-cat.jpg", choices=(), **more):
    results = [{"type": "choices", "value": {"choices": each}} for each in choices]
    return {"id": 1, "data": {"image": image}, "annotations": [{"result": results}], **more}


def test_a_choice_is_the_label():
    record = record_of(task(choices=[["cat"]]))
    assert record["label"] == ["cat"]
    assert not record["excluded"]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (task(), "not labelled yet"),
        ({"data": {"image": "a.jpg"}}, "not labelled yet"),
        (
            {"data": {"image": "a.jpg"}, "annotations": [{"result": [{"value": {"x": 1}}]}]},
            "annotated, but not by a choice",
        ),
        (
            {
                "data": {"image": "a.jpg"},
                "annotations": [
                    {"was_cancelled": True, "result": [{"value": {"choices": ["cat"]}}]}
                ],
            },
            "not labelled yet",
        ),
    ],
)
def test_a_task_without_a_choice_says_why(given, reason):
    assert record_of(given)["excluded"] == reason


def test_annotators_who_differ_are_several_labels(tmp_path):
    tasks = [task(choices=[["cat"], ["dog"]]), task("b.jpg", choices=[["cat"], ["cat"]])]
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    differing, agreed = read_manifest(tmp_path / "export.json")
    assert differing.excluded == "several labels: cat, dog"
    assert (agreed.label, agreed.excluded) == ("cat", "")


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("/data/local-files/?d=photos/my%20cat/1.jpg", "photos/my cat/1.jpg"),
        ("/data/upload/3/0a1b2c3d-cat.jpg", "0a1b2c3d-cat.jpg"),
        ("s3://bucket/cat/1.jpg", "s3://bucket/cat/1.jpg"),
        ("cat/1.jpg", "cat/1.jpg"),
        ("100%/1 ?.jpg", "100%/1 ?.jpg"),
    ],
)
def test_a_picture_is_found_where_label_studio_says(address, path):
    assert path_of(address) == path


@pytest.mark.parametrize("path", ["a b/Käse #1?.jpg", "s3://bucket/a.jpg", "https://a.org/b.jpg"])
def test_a_task_that_is_written_is_read_back(path):
    record = record_of(task_of(1, path, "cat", "val"))
    assert (path_of(record["path"]), record["label"], record["split"]) == (path, ["cat"], "val")


def test_the_short_form_is_a_list_of_records(tmp_path):
    (tmp_path / "min.json").write_text(json.dumps([{"image": "a.jpg", "choice": "cat", "id": 7}]))
    assert read_manifest(tmp_path / "min.json")[0].label == "cat"


@pytest.mark.parametrize("text", ["{", "{}", "[1]", '["a.jpg"]'])
def test_another_json_is_refused_in_a_line(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError, match=r"x\.json: "):
        read_manifest(tmp_path / "x.json")


def test_several_choices_of_the_short_form_are_several_labels(tmp_path):
    records = [
        {"image": "a.png", "choice": {"choices": ["cat", "dog"]}},
        {"image": "b.png", "choice": {"choices": ["cat"]}},
    ]
    (tmp_path / "export.json").write_text(json.dumps(records))
    first, second = read_manifest(tmp_path / "export.json")
    assert (first.excluded, second.label) == ("several labels: cat, dog", "cat")
