"""What answers cost: every part of the bill, from measured milliseconds and memory.

An estimate, and it says so.
"""

import math
from dataclasses import dataclass

from scenelet.deploy.preflight.trial import Measured

PRICES_OF = "2025-11, us-east-1, list prices without free tier"
PER_GB_S = {"x86_64": 0.0000166667, "arm64": 0.0000133334}
PER_MILLION_REQUESTS = 0.20
PER_MILLION_HTTP_API = 1.00
PER_GB_LOGS = 0.50
LOG_BYTES = 1120  # our line (757), Lambda's START, END and REPORT, and 26 bytes an event
HTTP_API_UNIT_BYTES = 512 * 1024  # an HTTP API is metered in these
FULL_CORE_MIB = 1769  # Lambda gives processor time by memory; this much is one whole core
OWN_START_MS = 200  # Lambda's own part of a cold start, between 100 and 300
MEMORY_SIZES_MIB = (128, 256, 512, 1024, 1769)
HEADROOM = 2.0  # memory asked for over memory measured
SMALLEST_MIB = 512  # of what is recommended: below it a cold start takes seconds
SECONDS_A_MONTH = 30 * 24 * 3600


@dataclass(frozen=True)
class Estimate:
    """Of one memory size.

    Attributes:
        memory_mib: Asked for.
        warm_ms: Of an answer, with the share of a core that this memory brings.
        cold_ms: Of the first one, with Lambda's own part.
        per_million_usd: Requests, milliseconds, HTTP API and logs of a million answers.
        fits: Whether the memory holds what was measured, with headroom.
    """

    memory_mib: int
    warm_ms: float
    cold_ms: float
    per_million_usd: float
    fits: bool


def estimate(
    architecture: str, memory_mib: int, measured: Measured, picture_bytes: int = 150_000
) -> Estimate:
    """Scale what was measured on a whole core to a memory size.

    Args:
        architecture: "x86_64" or "arm64".
        memory_mib: Asked for.
        measured: On a whole core; the init phase has one on Lambda too, whatever the memory.
        picture_bytes: Of a request.
    """
    slower = max(1.0, FULL_CORE_MIB / memory_mib)
    warm_ms = measured.warm_ms * slower
    return Estimate(
        memory_mib,
        warm_ms,
        OWN_START_MS + measured.init_ms + measured.first_ms * slower,
        per_million_usd(architecture, memory_mib, warm_ms, picture_bytes),
        measured.peak_mib * HEADROOM <= memory_mib,
    )


def per_million_usd(
    architecture: str, memory_mib: int, warm_ms: float, picture_bytes: int
) -> float:
    """Of a million answers: compute, requests, HTTP API and logs."""
    compute = 1000 * math.ceil(warm_ms) * memory_mib / 1024 * PER_GB_S[architecture]
    api = http_api_units(picture_bytes) * PER_MILLION_HTTP_API
    return compute + PER_MILLION_REQUESTS + api + LOG_BYTES / 1000 * PER_GB_LOGS


def http_api_units(picture_bytes: int) -> int:
    """What an HTTP API counts a request as."""
    return max(1, math.ceil(picture_bytes / HTTP_API_UNIT_BYTES))


def estimates(architecture: str, measured: Measured) -> list[Estimate]:
    """Of every memory size."""
    return [estimate(architecture, size, measured) for size in MEMORY_SIZES_MIB]


def recommended(found: list[Estimate]) -> Estimate:
    """The smallest memory from 512 MiB on that fits; else the largest.

    Not by milliseconds: they depend on the machine that measures, and another memory is another
    version.
    """
    large = (each for each in found if each.memory_mib >= SMALLEST_MIB and each.fits)
    return next(large, found[-1])


def ceiling_usd_a_month(architecture: str, memory_mib: int, concurrency: int) -> float:
    """What Lambda's compute can come to in a month: every reserved instance busy all the time."""
    return concurrency * SECONDS_A_MONTH * memory_mib / 1024 * PER_GB_S[architecture]
