import pytest
import torch
from torch import nn

from scenelet.learn.efficientnet import (
    FEATURES,
    Block,
    EfficientNetLite,
    SameConv,
    Stage,
    scaled_stages,
)
from scenelet.learn.networks import (
    build_network,
    head_name,
    hold,
    parameter_groups,
)


@pytest.mark.parametrize("side", [15, 16, 105, 160])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_padding_is_tensorflows_the_greater_half_right_and_below(side, kernel, stride):
    convolution = SameConv(1, 1, kernel, stride)
    nn.init.ones_(convolution.weight)
    found = convolution(torch.ones(1, 1, side, side))[0, 0]
    out = -(-side // stride)
    before = max(0, (out - 1) * stride + kernel - side) // 2
    starts = torch.arange(out) * stride - before
    covered = (starts + kernel).clamp(max=side) - starts.clamp(min=0)
    assert torch.equal(found, (covered[:, None] * covered[None, :]).float())


def test_sizes_are_those_of_the_published_networks():
    counts = {
        name: sum(parameter.numel() for parameter in EfficientNetLite(name, 1000).parameters())
        for name in ("lite0", "lite1", "lite2")
    }
    assert counts == {"lite0": 4_652_008, "lite1": 5_416_680, "lite2": 6_092_072}
    assert [stage.channels for stage in scaled_stages(1.1, 1.2)] == [16, 24, 48, 88, 120, 208, 352]


def test_taps_lie_behind_the_last_layers_features_and_leave_those_as_they_are():
    torch.manual_seed(0)
    plain, tapped = EfficientNetLite("lite0", 3).eval(), EfficientNetLite("lite0", 3, True).eval()
    tapped.load_state_dict(
        {name: tensor for name, tensor in plain.state_dict().items() if "_fc" not in name},
        strict=False,
    )
    plain._fc = tapped._fc = nn.Identity()
    pixels = torch.randn(2, 3, 64, 64)
    features = tapped(pixels)
    assert features.shape == (2, FEATURES + 2 * (112 + 192))
    assert torch.equal(features[:, :FEATURES], plain(pixels))


def test_a_block_adds_its_input_only_where_the_shapes_allow():
    stage = Stage(2, 3, 2, 6, 24)
    assert not Block(16, stage, first=True).adds
    assert Block(24, stage, first=False).adds


def test_the_head_learns_fastest_and_the_stem_most_slowly():
    network = build_network({"network": "lite0"}, 5)
    assert head_name(network) == "_fc"
    groups = parameter_groups(network, 0.1, 0.05, early_rate=0.1)
    rates = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    assert rates[id(network._fc.weight)] == 0.1
    assert rates[id(network._conv_stem.weight)] == pytest.approx(0.01)


@pytest.mark.parametrize("part", [0.0, 0.2, 1.0])
def test_held_layers_keep_weights_and_statistics_and_the_others_move(part):
    network = build_network({"network": "lite0"}, 4)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    hold(network, part)
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    network(torch.randn(4, 3, 32, 32)).square().sum().backward()
    optimizer.step()
    after = network.state_dict()
    moved = [name for name in after if not torch.equal(after[name], before[name])]
    held = [name for name in after if name not in moved]
    assert {"_fc.weight", "_fc.bias"} <= set(moved)
    assert ("_conv_stem.weight" in moved) == (part == 0)
    assert ("_bn0.running_mean" in moved) == (part == 0)
    assert ("_bn1.running_mean" in moved) == (part < 1)
    assert part < 1 or len(held) == len(after) - 2
