"""Networks, built from transformers' configs with fresh weights. Knows nothing of data or training."""

import logging
from typing import Protocol, cast

from torch import Tensor, nn

from scenelet.learn.config import TrainConfig


class _Logits(Protocol):
    logits: Tensor


class Network(nn.Module):
    """Normalised pixels to logits: (n, 3, height, width) float -> (n, classes) float."""

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, pixels: Tensor) -> Tensor:
        """Compute logits."""
        return cast(_Logits, self.classifier(pixels)).logits


def build_network(config: TrainConfig, class_count: int) -> nn.Module:
    """A compact network of 3x3 convolutions with fresh weights: (n, 3, height, width) -> (n, classes).

    Args:
        config: Network, widths, depths and stem.
        class_count: Number of logits.

    Source: transformers' ResNet with basic blocks (He et al. 2015); the two-convolution stem as in He et al. 2018.
    """
    if config.network == "plain":
        return _plain(config, class_count)
    for name in ("torchao", "torch.utils._pytree"):  # transformers looks for torchao; its missing GPU parts are no news here
        logging.getLogger(name).setLevel(logging.CRITICAL)
    from transformers import AutoModelForImageClassification, ResNetConfig

    classifier = AutoModelForImageClassification.from_config(
        ResNetConfig(
            embedding_size=config.widths[0],
            hidden_sizes=list(config.widths),
            depths=list(config.depths),
            layer_type="basic",
            num_labels=class_count,
        )
    )
    if config.stem == "3x3":
        classifier.resnet.embedder.embedder = _stem(config.widths[0])
    return Network(classifier)


def _plain(config: TrainConfig, class_count: int) -> nn.Sequential:
    """Stages of convolutions with batch normalisation and ReLU, each ended by max-pooling; then the mean and a linear layer."""
    layers: list[nn.Module] = []
    channels = 3
    for width, depth in zip(config.widths, config.depths, strict=True):
        for _ in range(depth):
            layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, class_count))


def _stem(width: int) -> nn.Sequential:
    half = max(8, width // 2)
    layers = nn.Sequential(
        nn.Conv2d(3, half, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(half),
        nn.ReLU(),
        nn.Conv2d(half, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    )
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layers


def parameter_count(network: nn.Module) -> int:
    """Number of trained values."""
    return sum(parameter.numel() for parameter in network.parameters())


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Decay for weight matrices and filters, none for biases and batch normalisation."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in parameters if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in parameters if parameter.ndim <= 1], "weight_decay": 0.0},
    ]


def normalise(pixels: Tensor) -> Tensor:
    """uint8 (or float 0-255) pixels to the range that networks are fed: about -1 to 1, without data set statistics."""
    return (pixels.float() - 127.5) / 64.0
