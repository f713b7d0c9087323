"""What answers cost: every part of the bill, from measured milliseconds and memory.

An estimate, and it says so.
"""

import json
import math
from dataclasses import dataclass, replace
from typing import Any

from scenelet.deploy.aws.cloud import Cloud, translated
from scenelet.deploy.preflight.trial import Measured
from scenelet.deploy.target import FULL_CORE_MIB
from scenelet.errors import CloudError

LIST_REGION = "us-east-1"
LOG_BYTES = 1120  # our line (757), Lambda's START, END and REPORT, and 26 bytes an event
HTTP_API_UNIT_BYTES = 512 * 1024  # an HTTP API is metered in these
OWN_START_MS = 200  # Lambda's own part of a cold start, between 100 and 300
MEMORY_SIZES_MIB = (128, 256, 512, 1024, 1769)
HEADROOM = 2.0  # memory asked for over memory measured
SMALLEST_MIB = 512  # of what is recommended: below it a cold start takes seconds
SECONDS_A_MONTH = 30 * 24 * 3600
KEPT_BYTES = 150_000  # of a picture of 1,024 pixels
S3_PUTS_USD, S3_GB_MONTH_USD = 5e-6, 0.023  # one; us-east-1
FREE_METRICS, FREE_ALARMS = 10, 10
_PRICING_REGION = "us-east-1"  # where AWS's price list is asked


@dataclass(frozen=True)
class Prices:
    """List prices in dollars, without free tier.

    Attributes:
        origin: Of what, and where from.
        gb_s: Compute, a GB-second, by architecture.
        million_requests: To Lambda.
        million_api_units: Of an HTTP API, 512 KB each.
        gb_logs: Taken in.
        metric_month: A custom metric.
        alarm_month: An alarm.
    """

    origin: str
    gb_s: dict[str, float]
    million_requests: float
    million_api_units: float
    gb_logs: float
    metric_month: float
    alarm_month: float


LIST = Prices(
    origin="2025-11, us-east-1, list prices without free tier",
    gb_s={"x86_64": 0.0000166667, "arm64": 0.0000133334},
    million_requests=0.20,
    million_api_units=1.00,
    gb_logs=0.50,
    metric_month=0.30,
    alarm_month=0.10,
)
PRICES_OF = LIST.origin


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
    architecture: str,
    memory_mib: int,
    measured: Measured,
    picture_bytes: int = 150_000,
    prices: Prices = LIST,
) -> Estimate:
    """Scale what was measured on a whole core to a memory size.

    Args:
        architecture: "x86_64" or "arm64".
        memory_mib: Asked for.
        measured: On a whole core; the init phase has one on Lambda too, whatever the memory.
        picture_bytes: Of a request.
        prices: Of the region.
    """
    slower = slower_by(memory_mib)
    return Estimate(
        memory_mib,
        measured.warm_ms * slower,
        OWN_START_MS + measured.init_ms + measured.first_ms * slower,
        answers_usd(1e6, architecture, memory_mib, measured.warm_ms, picture_bytes, prices),
        measured.peak_mib * HEADROOM <= memory_mib,
    )


def slower_by(memory_mib: int) -> float:
    """How many times longer a function of so much memory takes than a whole core."""
    return max(1.0, FULL_CORE_MIB / memory_mib)


def answers_usd(
    answers: float,
    architecture: str,
    memory_mib: int,
    warm_ms: float,
    picture_bytes: int,
    prices: Prices = LIST,
) -> float:
    """What so many answers cost: milliseconds, requests, HTTP API and logs.

    Args:
        answers: How many.
        architecture: "x86_64" or "arm64".
        memory_mib: Of the function.
        warm_ms: Of an answer on a whole core.
        picture_bytes: Of a request.
        prices: Of the region.
    """
    billed_s = math.ceil(warm_ms * slower_by(memory_mib)) / 1000
    compute = answers * billed_s * memory_mib / 1024 * prices.gb_s[architecture]
    return compute + around_usd(answers, http_api_units(picture_bytes), prices)


def around_usd(answers: float, units: int, prices: Prices) -> float:
    """Of so many answers, all but compute: requests, units of the HTTP API, logs."""
    millions = answers / 1e6
    logs = answers * LOG_BYTES / 1e9 * prices.gb_logs
    return millions * (prices.million_requests + units * prices.million_api_units) + logs


def http_api_units(picture_bytes: int) -> int:
    """What an HTTP API counts a request as."""
    return max(1, math.ceil(picture_bytes / HTTP_API_UNIT_BYTES))


def standing_usd_a_month(series: int, alarms: int, prices: Prices = LIST) -> float:
    """What metrics and alarms cost a month, whether or not anybody asks; ten of each are free."""
    billed = max(0, series - FREE_METRICS), max(0, alarms - FREE_ALARMS)
    return billed[0] * prices.metric_month + billed[1] * prices.alarm_month


def estimates(architecture: str, measured: Measured, prices: Prices = LIST) -> list[Estimate]:
    """Of every memory size."""
    return [estimate(architecture, size, measured, prices=prices) for size in MEMORY_SIZES_MIB]


def recommended(found: list[Estimate]) -> Estimate:
    """The smallest memory from 512 MiB on that fits; else the largest.

    Not by milliseconds: they depend on the machine that measures, and another memory is another
    version.
    """
    large = (each for each in found if each.memory_mib >= SMALLEST_MIB and each.fits)
    return next(large, found[-1])


def compute_usd_a_month(
    architecture: str, memory_mib: int, instances: float, prices: Prices = LIST
) -> float:
    """Of so many instances that are busy all the time."""
    return instances * SECONDS_A_MONTH * memory_mib / 1024 * prices.gb_s[architecture]


def prices_in(cloud: Cloud) -> Prices:
    """Of a region, from AWS's own price list; those of us-east-1 where it can't be asked."""
    if cloud.region == LIST_REGION:
        return LIST
    try:
        return replace(
            LIST,
            origin=f"{cloud.region}, AWS's price list of today, without free tier",
            gb_s={
                "x86_64": _price(cloud, "AWSLambda", group="AWS-Lambda-Duration"),
                "arm64": _price(cloud, "AWSLambda", group="AWS-Lambda-Duration-ARM"),
            },
            million_requests=1e6 * _price(cloud, "AWSLambda", group="AWS-Lambda-Requests"),
            million_api_units=1e6
            * _price(cloud, "AmazonApiGateway", operation="ApiGatewayHttpApi"),
        )
    except CloudError:
        return replace(LIST, origin=f"{LIST.origin}; those of {cloud.region} could not be asked")


def _price(cloud: Cloud, service: str, **attributes: str) -> float:
    """Of the first tier.

    Raises:
        CloudError: There is none.
    """
    wanted = {"regionCode": cloud.region, **attributes}
    filters = [
        {"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in wanted.items()
    ]
    with translated("prices"):
        client = cloud.client("pricing", _PRICING_REGION, patient=False)
        found = client.get_products(ServiceCode=service, Filters=filters, MaxResults=100)
    tiers = [
        (float(tier["beginRange"]), float(tier["pricePerUnit"]["USD"]))
        for text in found["PriceList"]
        for term in json.loads(text)["terms"].get("OnDemand", {}).values()
        for tier in _dimensions(term)
    ]
    if not tiers:
        raise CloudError(f"prices: none of {service} in {cloud.region}")
    return min(tiers)[1]


def _dimensions(term: dict[str, Any]) -> list[dict[str, Any]]:
    found = term["priceDimensions"].values()
    return [each for each in found if float(each["pricePerUnit"].get("USD", 0)) > 0]
