"""Fit the temperature that makes probabilities honest.

Pure numpy; never changes which class wins.
"""

import numpy as np

from scenelet.bundle.metrics import log_loss
from scenelet.bundle.numeric import softmax

PRIOR_DEVIATION = 0.5  # of log temperature: a network is rarely surer than e times too sure


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The likeliest temperature of held-out logits, by golden-section search between 0.05 and 20.

    Likeliest a posteriori: log temperature is normal around 0, so that a handful of images, all
    answered rightly, does not make every answer certain. Of a thousand images the prior is not
    felt.

    Args:
        logits: (n, classes) of images that were not trained on.
        labels: (n,) class indices.

    Source: Guo et al. 2017; the log loss is convex in 1/temperature, so the search finds the
    minimum.
    """

    def cost(log_temperature: float) -> float:
        likelihood = log_loss(labels, softmax(logits, np.exp(log_temperature)))
        return len(labels) * likelihood + 0.5 * (log_temperature / PRIOR_DEVIATION) ** 2

    ratio = (np.sqrt(5) - 1) / 2
    low, high = np.log(0.05), np.log(20.0)
    while high - low > 1e-4:
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if cost(left) < cost(right):
            high = right
        else:
            low = left
    return round(float(np.exp((low + high) / 2)), 4)
