"""What is refused before a training begins, and what is made of few pictures."""

from dataclasses import replace

import pytest

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.manifest import write_manifest
from scenelet.errors import ConfigError, DataError
from scenelet.learn.job import split_dataset
from scenelet.learn.networks import architecture_of, require_room
from scenelet.learn.train import in_steps
from scenelet.progress import SILENT
from scenelet.runs.recipe import TrainConfig


@pytest.mark.parametrize("network", ["plain", "depthwise", "resnet"])
def test_a_network_of_more_stages_than_the_pictures_have_room_for_is_refused(network):
    deep = TrainConfig(network=network, widths=(8, 8, 8, 8, 8), depths=(1, 1, 1, 1, 1))
    require_room(architecture_of(deep), 64)
    if network != "resnet":  # whose convolutions pad
        with pytest.raises(ConfigError, match="16 pixels are too few for a network of 5 stages"):
            require_room(architecture_of(deep), 16)


def test_an_epoch_of_few_pictures_is_several_steps():
    config = TrainConfig(batch_size=32)
    assert in_steps(config, 54, SILENT).batch_size == 6
    assert in_steps(config, 12, SILENT).batch_size == 4
    assert in_steps(config, 4_000, SILENT) == config


def test_doubted_labels_that_empty_a_class_are_refused(painted, tmp_path):
    rows = Dataset.open(painted / "seg_train").examined().rows
    doubted = [replace(row, label_quality=float(row.label != "sea")) for row in rows]
    write_manifest(tmp_path / "m.csv", doubted)
    with pytest.raises(DataError, match="no training image of class sea is left"):
        split_dataset(painted / "seg_train", tmp_path / "m.csv", TrainConfig(min_label_quality=0.5))
