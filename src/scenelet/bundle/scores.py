"""From logits to probabilities and energy, for one picture and without numpy.

`numeric` has the same for many.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

DISTANCE, ENERGY, BOTH = "feature distance", "energy", "distance and energy"
STRANGER_SCORES = (DISTANCE, ENERGY, BOTH)


def energy(logits: Sequence[float], temperature: float) -> float:
    """Free energy of logits; high where no class is supported (Liu et al. 2020)."""
    scaled = [value / temperature for value in logits]
    most = max(scaled)
    return -temperature * (most + math.log(math.fsum(math.exp(value - most) for value in scaled)))


def softmax(logits: Sequence[float], temperature: float = 1.0) -> list[float]:
    """Probabilities; logits are divided by the temperature first."""
    most = max(logits)
    exponentials = [math.exp((value - most) / temperature) for value in logits]
    total = math.fsum(exponentials)
    return [value / total for value in exponentials]
