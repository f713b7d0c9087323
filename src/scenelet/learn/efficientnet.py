"""EfficientNet-Lite 0, 1 and 2: no squeeze-and-excite, ReLU6, padding as in TensorFlow.

Parameters have the names of the package efficientnet-lite-pytorch 0.1.0, so published weights fit.

Source: Tan and Le 2019; the Lite builder of TensorFlow's tpu/models/official/efficientnet.
"""

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STEM_CHANNELS, FEATURES = 32, 1280
PIXEL_SHIFT = 0.5 / 128  # `normalise`d pixels p are (x - 127.5) / 64; these networks want
PIXEL_FACTOR = 0.5  # (x - 127) / 128 = p * PIXEL_FACTOR + PIXEL_SHIFT


# Taps: what the stages before the last have seen, a mean and a maximum of each map over the
# picture. The last layer knows ImageNet's things; these know textures and strokes, which tell
# the classes of many a folder apart. Scaled to vary about as much as the last layer's features.
TAPPED_STAGES, MEAN_FACTOR, MAX_FACTOR = (4, 5), 0.125, 0.07


class Stage(NamedTuple):
    """Blocks of one resolution; `stride`, and the change of channels, belong to the first."""

    repeats: int
    kernel: int
    stride: int
    expand: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
SCALES = {"lite0": (1.0, 1.0), "lite1": (1.0, 1.1), "lite2": (1.1, 1.2)}  # width, depth


class SameConv(nn.Conv2d):
    """A convolution without bias; its output's size is the input's by the stride, rounded up.

    Where the padding is odd, the greater half is right and below, as in TensorFlow.
    """

    def __init__(
        self, channels: int, width: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(channels, width, kernel, stride, bias=False, groups=groups)

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, width, ceil(height / stride), ...)."""
        rows, columns = (self._padding(side) for side in pixels.shape[-2:])
        if rows[0] == rows[1] and columns[0] == columns[1]:
            padding = (rows[0], columns[0])
        else:
            pixels, padding = F.pad(pixels, (*columns, *rows)), (0, 0)
        return F.conv2d(pixels, self.weight, None, self.stride, padding, (1, 1), self.groups)

    def _padding(self, side: int) -> tuple[int, int]:
        kernel, stride = self.kernel_size[0], self.stride[0]
        total = max(0, (math.ceil(side / stride) - 1) * stride + kernel - side)
        return total // 2, total - total // 2


class Block(nn.Module):
    """Inverted residual bottleneck: expand, filter each channel, project.

    Added to its input where the shapes allow.
    """

    def __init__(self, channels: int, stage: Stage, first: bool) -> None:
        super().__init__()
        inner, stride = channels * stage.expand, stage.stride if first else 1
        self.expands, self.adds = stage.expand > 1, stride == 1 and channels == stage.channels
        if self.expands:
            self._expand_conv, self._bn0 = SameConv(channels, inner, 1), _norm(inner)
        self._depthwise_conv = SameConv(inner, inner, stage.kernel, stride, groups=inner)
        self._bn1 = _norm(inner)
        self._project_conv = SameConv(inner, stage.channels, 1)
        self._bn2 = _norm(stage.channels)

    def forward(self, entering: Tensor) -> Tensor:
        """(n, channels, height, width) to (n, stage.channels, ...)."""
        inner = F.relu6(self._bn0(self._expand_conv(entering))) if self.expands else entering
        inner = F.relu6(self._bn1(self._depthwise_conv(inner)))
        projected: Tensor = self._bn2(self._project_conv(inner))
        return projected + entering if self.adds else projected


class EfficientNetLite(nn.Module):
    """(n, 3, height, width) `normalise`d pixels of any size to (n, classes) logits."""

    def __init__(self, scale: str, class_count: int, taps: bool = False) -> None:
        """Args.

        "lite0", "lite1" or "lite2", the number of logits, and whether the features of earlier
        stages lie behind the last layer's.
        """
        super().__init__()
        self._conv_stem, self._bn0 = SameConv(3, STEM_CHANNELS, 3, 2), _norm(STEM_CHANNELS)
        self._blocks = nn.ModuleList()
        self._tapped = frozenset[int]()
        channels, tapped = STEM_CHANNELS, 0
        for number, stage in enumerate(scaled_stages(*SCALES[scale])):
            for position in range(stage.repeats):
                self._blocks.append(Block(channels, stage, position == 0))
                channels = stage.channels
            if taps and number in TAPPED_STAGES:
                self._tapped |= {len(self._blocks) - 1}
                tapped += 2 * channels
        self._conv_head, self._bn1 = SameConv(channels, FEATURES, 1), _norm(FEATURES)
        self._avg_pooling = nn.AdaptiveAvgPool2d(1)  # a module: Grad-CAM looks at what enters it
        self._fc = nn.Linear(FEATURES + tapped, class_count)

    def forward(self, pixels: Tensor) -> Tensor:
        """Compute logits."""
        maps = F.relu6(self._bn0(self._conv_stem(pixels * PIXEL_FACTOR + PIXEL_SHIFT)))
        taps: list[Tensor] = []
        for position, block in enumerate(self._blocks):
            maps = block(maps)
            if position in self._tapped:
                taps += [maps.mean((2, 3)) * MEAN_FACTOR, maps.amax((2, 3)) * MAX_FACTOR]
        maps = F.relu6(self._bn1(self._conv_head(maps)))
        logits: Tensor = self._fc(torch.cat([self._avg_pooling(maps).flatten(1), *taps], 1))
        return logits


def scaled_stages(width: float, depth: float) -> list[Stage]:
    """The stages of a wider and deeper network; the first and the last keep their depth."""
    return [
        stage._replace(
            channels=_eights(stage.channels * width),
            repeats=stage.repeats
            if stage in (STAGES[0], STAGES[-1])
            else math.ceil(stage.repeats * depth),
        )
        for stage in STAGES
    ]


def _eights(channels: float) -> int:
    """The nearest multiple of 8 that is no more than a tenth less."""
    near = int(channels + 4) // 8 * 8
    return near + 8 if near < 0.9 * channels else near


def _norm(channels: int) -> Any:
    return nn.BatchNorm2d(channels, eps=1e-3)
