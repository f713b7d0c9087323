import pytest

from scenelet.runs.growing import Answered, Growing, read_growing, some_of_each, write_growing
from scenelet.runs.run import Run


def test_a_few_pictures_are_one_of_each_class_in_turn():
    assert some_of_each([0, 0, 0, 1, 1, 2], most=4) == [0, 1, 3, 5]
    assert some_of_each([0] * 3) == [0, 1, 2]
    assert some_of_each([]) == []


def test_what_was_written_is_read_back_and_what_is_damaged_is_nothing(tmp_path):
    growing = Growing((("sea/1.jpg", "sea"),), {0: (Answered("forest", 0.6, 0.3),)})
    write_growing(tmp_path / "growing.json", growing)
    assert read_growing(tmp_path / "growing.json") == growing
    (tmp_path / "growing.json").write_text('{"pictures": 3}')
    assert read_growing(tmp_path / "growing.json") is None


@pytest.mark.pipeline
def test_a_training_writes_what_each_epoch_answers_to_twelve_held_out_pictures(run_folder):
    run = Run(run_folder)
    growing = read_growing(run.growing_json)
    held_out = {(row.path, row.label) for row in run.rows() if row.split == "val"}
    assert len(growing.pictures) == 12
    assert held_out.issuperset(growing.pictures)
    assert sorted(growing.epochs) == [epoch.epoch for epoch in run.history()]
    assert all(len(told) == 12 for told in growing.epochs.values())
    right = [
        each.of_truth == each.probability
        for (_, label), each in zip(growing.pictures, growing.epochs[2], strict=True)
        if each.label == label
    ]
    assert right
    assert all(right)
