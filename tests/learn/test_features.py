from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from scenelet.dataset.dataset import Dataset
from scenelet.images import PreprocessSpec
from scenelet.learn import features
from scenelet.learn.features import BATCH, PART, Lens, features_of
from scenelet.progress import SILENT

SPEC = PreprocessSpec(24, 24)


class Counted(nn.Module):
    """A convolution that counts the pictures that it is shown."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.convolution, self.seen = nn.Conv2d(3, 5, 3), 0

    def forward(self, pixels):
        self.seen += len(pixels)
        return self.convolution(pixels).mean((2, 3))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """More than one part of the cache, all different, two classes."""
    folder = tmp_path_factory.mktemp("pictures")
    draw = np.random.default_rng(0)
    for number in range(PART + 40):
        path = folder / ("odd" if number % 2 else "even") / f"{number:04}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(draw.integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    return Dataset.open(folder).examined()


def lens(network, view="as it is"):
    return Lens(network, "w", SPEC, view=view)


def test_features_are_the_networks_and_each_picture_is_computed_once(pictures, tmp_path):
    network = Counted()
    found = features_of(pictures, lens(network), cache=tmp_path)
    seen = network.seen
    again = features_of(pictures, lens(network), cache=tmp_path)
    assert network.seen == seen
    assert np.array_equal(found, again)
    row = pictures.rows[7]
    pixels = torch.from_numpy(pictures.input(row, SPEC).copy()).permute(0, 3, 1, 2)
    with torch.inference_mode():
        expected = network((pixels.float() - 127.5) / 64)
    assert np.allclose(found[7], expected.numpy()[0], atol=1e-5)


def test_a_killed_pass_goes_on_and_ends_with_the_same_bits(pictures, tmp_path, monkeypatch):
    whole = features_of(pictures, lens(Counted()), cache=tmp_path / "whole")
    kept = features._keep

    def killed(folder, names, values):
        kept(folder, names, values)
        raise KeyboardInterrupt

    monkeypatch.setattr(features, "_keep", killed)
    with pytest.raises(KeyboardInterrupt):
        features_of(pictures, lens(Counted()), cache=tmp_path / "cut")
    monkeypatch.undo()
    network = Counted()
    again = features_of(pictures, lens(network), cache=tmp_path / "cut")
    assert np.array_equal(whole, again)
    assert network.seen < PART


def test_a_pictures_features_hang_on_no_other_picture(pictures, tmp_path):
    whole = features_of(pictures, lens(Counted()), cache=tmp_path / "whole")
    alone = features_of(pictures.of(pictures.rows[5:6]), lens(Counted()), cache=tmp_path / "one")
    assert np.array_equal(alone[0], whole[5])
    assert len(pictures.rows) > BATCH


def test_another_view_size_or_weight_is_another_place_in_the_cache(pictures, tmp_path):
    few = pictures.of(pictures.rows[:3])
    plain = lens(Counted())
    mirrored = replace(plain, view="mirrored")
    keys = {plain.key, mirrored.key, replace(plain, weights="v").key}
    keys.add(replace(plain, spec=PreprocessSpec(32, 32)).key)
    assert len(keys) == 4
    one, other = (features_of(few, each, cache=tmp_path) for each in (plain, mirrored))
    assert not np.allclose(one, other)


def test_a_cache_that_can_not_be_written_costs_no_answer(pictures, tmp_path):
    few, told = pictures.of(pictures.rows[:3]), []
    progress = SimpleNamespace(say=told.append, counting=SILENT.counting)
    (tmp_path / "file").write_text("no folder")
    found = features_of(few, lens(Counted()), progress, cache=tmp_path / "file")
    assert np.array_equal(found, features_of(few, lens(Counted()), cache=tmp_path))
    assert "not kept for the next time" in told[-1]
