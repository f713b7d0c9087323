"""The log loss that an epoch is chosen by: after the temperature that export would fit."""

import pytest
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar

from scenelet.learn.log_loss import CalibratedLogLoss, calibrated_log_loss


def answers(sureness, right=0.8):
    draw = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 5, (400,), generator=draw)
    told = torch.where(torch.rand(400, generator=draw) < right, labels, (labels + 1) % 5)
    noise = torch.randn(400, 5, generator=draw)
    return sureness * (2 * F.one_hot(told, 5) + noise), labels


def test_it_is_the_log_loss_at_the_best_temperature():
    logits, labels = answers(3.0)
    best = minimize_scalar(
        lambda t: float(F.cross_entropy(logits / t, labels)), bounds=(0.2, 9), method="bounded"
    ).fun
    assert calibrated_log_loss(logits, labels) == pytest.approx(best, abs=2e-3)
    assert calibrated_log_loss(logits, labels) < float(F.cross_entropy(logits, labels)) - 0.2


def test_answers_that_are_better_but_surer_are_the_better_ones():
    early, late = answers(0.7, right=0.8), answers(6.0, right=0.95)
    assert F.cross_entropy(*late) > F.cross_entropy(*early)
    assert calibrated_log_loss(*late) < calibrated_log_loss(*early)


def test_pictures_count_by_their_weights_however_they_come_in_batches():
    logits, labels = answers(1.0)
    weights = torch.where(labels == 0, 3.0, 0.5)
    whole, parts = CalibratedLogLoss(), CalibratedLogLoss()
    whole.update(logits, labels, weights)
    for batch in (slice(0, 150), slice(150, 400)):
        parts.update(logits[batch], labels[batch], weights[batch])
    assert parts.compute() == pytest.approx(float(whole.compute()), abs=1e-6)
    assert whole.compute() != pytest.approx(calibrated_log_loss(logits, labels), abs=1e-3)
