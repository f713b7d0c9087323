"""Networks, built from a description in plain values, with fresh weights.

Knows nothing of data or training.
"""

import copy
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from scenelet.errors import ConfigError
from scenelet.learn.efficientnet import SCALES, EfficientNetLite
from scenelet.runs.recipe import TrainConfig

Architecture = Mapping[str, Any]
PIXEL_CENTRE, PIXEL_SCALE = 127.5, 64.0


class _Logits(Protocol):
    logits: Tensor


class Network(nn.Module):
    """A classifier of transformers as a network like ours.

    (n, 3, height, width) `normalise`d pixels -> (n, classes) logits.
    """

    def __init__(
        self, classifier: nn.Module, mean: Sequence[float] = (), std: Sequence[float] = ()
    ) -> None:
        """Args: the classifier, and mean and deviation (of values 0-1) of its own pixel scaling."""
        super().__init__()
        self.classifier = classifier
        self.rescales = bool(mean and std)
        if self.rescales:
            deviation = torch.tensor(std).view(1, -1, 1, 1)
            scale, shift = (
                PIXEL_SCALE / 255 / deviation,
                (0.5 - torch.tensor(mean).view(1, -1, 1, 1)) / deviation,
            )
            self.register_buffer("scale", scale, persistent=False)
            self.register_buffer("shift", shift, persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Compute logits."""
        if self.rescales:
            pixels = pixels * self.scale + self.shift
        return cast(_Logits, self.classifier(pixels)).logits


def architecture_of(config: TrainConfig) -> dict[str, Any]:
    """The description of the network that a recipe asks for."""
    if config.network in SCALES:
        return {"network": config.network}
    return {
        "network": config.network,
        "widths": list(config.widths),
        "depths": list(config.depths),
        "stem": config.stem,
    }


def build_network(architecture: Architecture, class_count: int) -> nn.Module:
    """A network with fresh weights: (n, 3, height, width) -> (n, classes).

    Args:
        architecture: Of `architecture_of`, or a classifier of transformers as `hub_architecture`
            describes it.
        class_count: Number of logits.
    """
    kind = architecture["network"]
    if kind in ("plain", "depthwise"):
        return _chain(architecture, class_count)
    if kind in SCALES:
        return EfficientNetLite(kind, class_count, architecture.get("taps", False))
    hush_transformers()
    if kind == "transformers":
        return _from_transformers(architecture, class_count)
    return _residual(architecture, class_count)


def require_room(architecture: Architecture, size: int) -> None:
    """See to it that pictures of so many pixels outlast all stages, each of which halves them.

    Raises:
        ConfigError: They do not.
    """
    try:
        with torch.device("meta"):
            build_network(architecture, 2).eval()(torch.zeros(1, 3, size, size))
    except RuntimeError as error:
        raise ConfigError(
            f"--input-size, --set train_sizes: {size} pixels are too few for a network of"
            f" {len(architecture.get('widths', ())) or 'so many'} stages. Give larger ones, or"
            " fewer --set widths."
        ) from error


def hub_architecture(config: Any, mean: Sequence[float], std: Sequence[float]) -> dict[str, Any]:
    """Describe a classifier of transformers by its config and the scaling of its pixels."""
    return {
        "network": "transformers",
        "config": config.to_dict(),
        "mean": list(mean),
        "std": list(std),
    }


def hush_transformers() -> None:
    """Keep transformers from telling about GPU parts that are not here, and from drawing bars."""
    for name in ("torchao", "torch.utils._pytree"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()


def _from_transformers(architecture: Architecture, class_count: int) -> Network:
    from transformers import AutoConfig, AutoModelForImageClassification

    values = dict(architecture["config"])
    config = AutoConfig.for_model(values.pop("model_type"), **values)
    config.num_labels = class_count
    return Network(
        AutoModelForImageClassification.from_config(config),
        architecture["mean"],
        architecture["std"],
    )


def _residual(architecture: Architecture, class_count: int) -> Network:
    """ResNet's basic blocks (He et al. 2015); the two-convolution stem as in He et al. 2018."""
    from transformers import AutoModelForImageClassification, ResNetConfig

    widths = architecture["widths"]
    classifier = AutoModelForImageClassification.from_config(
        ResNetConfig(
            embedding_size=widths[0],
            hidden_sizes=list(widths),
            depths=list(architecture["depths"]),
            layer_type="basic",
            num_labels=class_count,
        )
    )
    if architecture["stem"] == "3x3":
        classifier.resnet.embedder.embedder = _stem(widths[0])
    return Network(classifier)


def _chain(architecture: Architecture, class_count: int) -> nn.Sequential:
    """Stages of convolutions with batch normalisation and ReLU, each ended by max-pooling.

    Then the mean and a linear layer.

    "depthwise" splits each convolution into a depthwise and a pointwise one, as in MobileNet
    (Howard et al. 2017).
    """
    layers: list[nn.Module] = []
    channels = 3
    for width, depth in zip(architecture["widths"], architecture["depths"], strict=True):
        for _ in range(depth):
            if architecture["network"] == "depthwise" and channels > 3:
                layers += _convolution(channels, channels, 3, groups=channels) + _convolution(
                    channels, width, 1
                )
            else:
                layers += _convolution(channels, width, 3)
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, class_count)
    )


def _convolution(
    channels: int, width: int, size: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    convolution = nn.Conv2d(
        channels, width, size, stride=stride, padding=size // 2, groups=groups, bias=False
    )
    return [convolution, nn.BatchNorm2d(width), nn.ReLU()]


def _stem(width: int) -> nn.Sequential:
    half = max(8, width // 2)
    layers = nn.Sequential(*_convolution(3, half, 3, stride=2), *_convolution(half, width, 3))
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layers


def head_name(network: nn.Module) -> str:
    """Dotted name of the last linear layer, which turns features into logits.

    Raises:
        ConfigError: There is none.
    """
    names: list[str] = [
        name for name, module in network.named_modules() if isinstance(module, nn.Linear)
    ]
    if not names:
        raise ConfigError(
            "this network ends in no linear layer, so its head can't be told. Start from another"
            " one."
        )
    return names[-1]


def headless(network: nn.Module) -> nn.Module:
    """A copy that ends in the features which the head would turn into logits."""
    body = copy.deepcopy(network)
    body.set_submodule(head_name(body), nn.Identity())
    return body


def parameter_count(network: nn.Module) -> int:
    """Number of trained values."""
    return sum(parameter.numel() for parameter in network.parameters())


def parameter_groups(
    network: nn.Module, learning_rate: float, weight_decay: float, early_rate: float = 1.0
) -> list[dict[str, Any]]:
    """Groups for the optimiser.

    Weight matrices and filters decay, biases and batch normalisation do not.

    Args:
        network: Whose parameters.
        learning_rate: Of the head.
        weight_decay: AdamW's.
        early_rate: Learning rate of the first layers as a part of the head's; it rises towards the
            head in four steps (discriminative fine-tuning, Howard and Ruder 2018). 1: the same
            everywhere.
    """
    head, groups = head_name(network), dict[tuple[float, bool], list[nn.Parameter]]()
    named = list(network.named_parameters())
    for position, (name, parameter) in enumerate(named):
        depth = 4 if name.startswith(head + ".") else 4 * position // len(named)
        rate = learning_rate * early_rate ** (1 - depth / 4)
        groups.setdefault((rate, parameter.ndim > 1), []).append(parameter)
    return [
        {"params": parameters, "lr": rate, "weight_decay": weight_decay if decays else 0.0}
        for (rate, decays), parameters in groups.items()
    ]


def hold(network: nn.Module, part: float, batch_norm: str = "trained") -> None:
    """Hold the first layers still, their batch statistics too; the others and the head are trained.

    Args:
        network: Whose layers, counted by their parameters in order.
        part: 0 trains all layers, 1 the head alone.
        batch_norm: "held" holds the batch statistics of all layers; "trained" of the first alone.
    """
    head, named = head_name(network) + ".", list(network.named_parameters())
    network.train(part < 1)
    for position, (name, parameter) in enumerate(named):
        parameter.requires_grad_(position >= part * len(named) or name.startswith(head))
    for module in network.modules():
        own = list(module.parameters(recurse=False))
        is_still = own and not any(parameter.requires_grad for parameter in own)
        if is_still or (batch_norm == "held" and isinstance(module, nn.BatchNorm2d)):
            module.eval()


def normalise(pixels: Tensor) -> Tensor:
    """Pixels (0-255) to the range that networks are fed: about -2 to 2, whatever the data set."""
    return (pixels.float() - PIXEL_CENTRE) / PIXEL_SCALE
