"""Milliseconds of models, side by side."""

import statistics
import time
from collections.abc import Sequence

from scenelet.bundle.runtime import LiteRTModel


def latencies_ms(models: Sequence[LiteRTModel], calls: int = 200) -> list[float]:
    """Median milliseconds of each model for one grey image.

    They are asked in turn, so that a machine that slows down slows all.
    """
    inputs = [bytes([127]) * (model.input_shape[1] * model.input_shape[2] * 3) for model in models]
    seconds: list[list[float]] = [[] for _ in models]
    for _ in range(calls):
        for model, pixels, taken in zip(models, inputs, seconds, strict=True):
            start_s = time.perf_counter()
            model.answer(pixels)
            taken.append(time.perf_counter() - start_s)
    return [round(1000 * statistics.median(taken), 3) for taken in seconds]
