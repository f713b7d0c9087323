"""Distillation: a student's targets are mixed from the labels and its teachers' answers.

A teacher sees the very crop that the student sees, flipped, coloured and mixed alike (Beyer et al.
2021: consistent teaching).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from scenelet.errors import ConfigError
from scenelet.learn.backbones import BACKBONES
from scenelet.learn.networks import normalise
from scenelet.learn.pretrained import Pretrained


class Teachers:
    """Trained networks whose averaged answers are learned from.

    Not a module: never trained, never in a checkpoint.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self.networks = [
            network.to(memory_format=torch.channels_last).eval().requires_grad_(False)
            for network in networks
        ]

    def probabilities(self, images: Tensor) -> Tensor:
        """Mean of the teachers' probabilities: (n, 3, height, width) of 0-255 -> (n, classes)."""
        with torch.no_grad():
            pixels = normalise(images).contiguous(memory_format=torch.channels_last)
            answers = [
                network.to(images.device)(pixels).float().softmax(1) for network in self.networks
            ]
            return torch.stack(answers).mean(0)


def require_classes(
    teachers: Sequence[Pretrained], class_names: Sequence[str], once: bool = False
) -> None:
    """See to it that the teachers answer in these classes; asked once, a backbone can.

    Raises:
        ConfigError: A teacher knows other classes, or knows them in another order.
    """
    for teacher in teachers:
        if once and teacher.origin in BACKBONES:
            continue
        if teacher.class_names != tuple(class_names):
            known = ", ".join(teacher.class_names) or "none recorded"
            raise ConfigError(
                f"--teacher {teacher.origin}: found classes {known}, expected"
                f" {', '.join(class_names)}. Give a run or bundle trained on the same classes, or a"
                " backbone with --set 'teacher_answers=once'."
            )
