"""What answers cost: Lambda and API Gateway list prices, from measured milliseconds and memory.

An estimate, and it says so.
"""

import math
from dataclasses import dataclass

PRICES_OF = "2025-11, us-east-1, list prices without free tier"
PER_GB_S = {"x86_64": 0.0000166667, "arm64": 0.0000133334}
PER_MILLION_REQUESTS = 0.20
PER_MILLION_HTTP_API = 1.00
PER_GB_LOGS = 0.50
LOG_BYTES = 900  # a metric line, and Lambda's own lines about a request
FULL_CORE_MIB = 1769  # Lambda gives processor time by memory; this much is one whole core
MEMORY_SIZES_MIB = (128, 256, 512, 1024, 1769)
HEADROOM = 2.0  # memory asked for over memory measured
COLD_START_LIMIT_MS = 1000
SECONDS_A_MONTH = 30 * 24 * 3600


@dataclass(frozen=True)
class Estimate:
    """Of one memory size.

    Attributes:
        memory_mib: Asked for.
        warm_ms: Of an answer, with the share of a core that this memory brings.
        cold_ms: Of the first one.
        per_million_usd: Requests, milliseconds, HTTP API and logs of a million answers.
        fits: Whether the memory holds what was measured, with headroom.
    """

    memory_mib: int
    warm_ms: float
    cold_ms: float
    per_million_usd: float
    fits: bool


def estimate(
    architecture: str, memory_mib: int, warm_ms: float, cold_ms: float, peak_mib: float
) -> Estimate:
    """Scale what was measured on a whole core to a memory size.

    Args:
        architecture: "x86_64" or "arm64".
        memory_mib: Asked for.
        warm_ms: Measured on a whole core.
        cold_ms: Measured on a whole core.
        peak_mib: Measured.
    """
    slower = max(1.0, FULL_CORE_MIB / memory_mib)
    billed_s = math.ceil(warm_ms * slower) / 1000
    compute = 1e6 * billed_s * memory_mib / 1024 * PER_GB_S[architecture]
    usd = (
        compute + PER_MILLION_REQUESTS + PER_MILLION_HTTP_API + 1e6 * LOG_BYTES / 1e9 * PER_GB_LOGS
    )
    return Estimate(
        memory_mib, warm_ms * slower, cold_ms * slower, usd, peak_mib * HEADROOM <= memory_mib
    )


def estimates(architecture: str, warm_ms: float, cold_ms: float, peak_mib: float) -> list[Estimate]:
    """Of every memory size."""
    return [estimate(architecture, size, warm_ms, cold_ms, peak_mib) for size in MEMORY_SIZES_MIB]


def recommended(found: list[Estimate]) -> Estimate:
    """The smallest memory that fits and starts within a second; else the largest."""
    return next(
        (each for each in found if each.fits and each.cold_ms <= COLD_START_LIMIT_MS), found[-1]
    )


def ceiling_usd_a_month(architecture: str, memory_mib: int, concurrency: int) -> float:
    """What Lambda can bill at most in a month: every reserved instance busy all the time."""
    return concurrency * SECONDS_A_MONTH * memory_mib / 1024 * PER_GB_S[architecture]
