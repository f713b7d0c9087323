import numpy as np
import pytest
import torch
from PIL import Image

from scenelet.dataset.dataset import Dataset
from scenelet.learn.networks import build_network
from scenelet.learn.pretrained import Pretrained
from scenelet.learn.targets import answers_once, targets_of
from scenelet.runs.recipe import TrainConfig

PLAIN = {"network": "plain", "widths": [4], "depths": [1]}


def test_targets_are_smoothed_labels_mixed_with_the_teachers_answers():
    config = TrainConfig(label_smoothing=0.3, teacher_weight=0.5)
    assert targets_of(np.array([1]), 3, config)[0] == pytest.approx([0.1, 0.8, 0.1])
    mixed = targets_of(np.array([1]), 3, config, np.array([[1.0, 0, 0]]))
    assert mixed[0] == pytest.approx([0.55, 0.4, 0.05])
    assert mixed.dtype == np.float32


@pytest.fixture
def colours(tmp_path):
    """Two classes told apart by their colour; one picture in ten lies in the wrong folder."""
    draw = np.random.default_rng(0)
    for number in range(100):
        red = number % 2
        folder = tmp_path / "photos" / ("red" if red ^ (number % 10 == 0) else "blue")
        folder.mkdir(parents=True, exist_ok=True)
        pixels = draw.integers(0, 90, (16, 16, 3), np.uint8)
        pixels[..., 0 if red else 2] += 120
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return Dataset.open(tmp_path / "photos").examined()


def test_a_teacher_without_the_classes_answers_through_a_head_that_never_saw_the_label(
    colours, tmp_path, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path))
    torch.manual_seed(0)
    backbone = Pretrained("lite0", build_network(PLAIN, 7), PLAIN)
    config = TrainConfig(input_size=16)
    answers = answers_once([backbone], colours, colours.class_names, config)
    is_red = [int(row.path.split("/")[-1].split(".")[0]) % 2 == 1 for row in colours.rows]
    found = answers.argmax(1) == colours.class_names.index("red")
    assert np.mean(found == is_red) > 0.97  # the wrong labels are not believed


def test_the_answers_of_several_teachers_are_averaged(colours, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    config, names = TrainConfig(input_size=16), colours.class_names
    teachers = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        teachers.append(Pretrained(f"run{seed}", build_network(PLAIN, 2), PLAIN, names))
    both = answers_once(teachers, colours, names, config)
    each = [answers_once([teacher], colours, names, config) for teacher in teachers]
    assert np.allclose(both, (each[0] + each[1]) / 2, atol=1e-6)
    assert not np.allclose(each[0], each[1])
