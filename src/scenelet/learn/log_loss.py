"""Log loss after the temperature that suits the answers best, as export fits one.

A network that grows surer while it grows better has a rising log loss as it stands; chosen by that,
an early epoch would be kept (omniglot: 89.6 % instead of 93.5 %).
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import Metric

TEMPERATURES = tuple(2 ** (step / 8) for step in range(-16, 25))  # a quarter to eight


class CalibratedLogLoss(Metric):
    """Weighted mean over the pictures, in nats, at the best of `TEMPERATURES`."""

    full_state_update = False
    sums: Tensor
    weight: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("sums", torch.zeros(len(TEMPERATURES)), dist_reduce_fx="sum")
        self.add_state("weight", torch.tensor(0.0), dist_reduce_fx="sum")

    def update(self, logits: Tensor, labels: Tensor, weights: Tensor) -> None:
        """(n, classes) logits, (n,) class indices and (n,) weights of pictures."""
        for place, temperature in enumerate(TEMPERATURES):
            losses = F.cross_entropy(logits / temperature, labels, reduction="none")
            self.sums[place] += (losses * weights).sum()
        self.weight += weights.sum()

    def compute(self) -> Tensor:
        """Of all pictures so far."""
        return (self.sums / self.weight).min()


def calibrated_log_loss(logits: Tensor, labels: Tensor) -> float:
    """Of (n, classes) logits and (n,) class indices, all pictures alike."""
    metric = CalibratedLogLoss()
    metric.update(logits.float(), labels, torch.ones(len(labels)))
    return float(metric.compute())
