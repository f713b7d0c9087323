"""The bill before it comes: of a million answers, of every month, and the most it can come to.

Estimates: the limits of rate and burst are targets of AWS, not guarantees.
"""

from dataclasses import dataclass

from scenelet.deploy.aws.account import Account
from scenelet.deploy.aws.cloud import Cloud
from scenelet.deploy.aws.preparing import Prepared
from scenelet.deploy.aws.price import (
    KEPT_BYTES,
    S3_GB_MONTH_USD,
    S3_PUTS_USD,
    SECONDS_A_MONTH,
    Prices,
    around_usd,
    compute_usd_a_month,
    estimate,
    http_api_units,
    prices_in,
    standing_usd_a_month,
)
from scenelet.deploy.aws.settings import DeploySettings
from scenelet.serve.collecting import MOST_AN_HOUR

PICTURES = {"150 KB": 150_000, "3 MB": 3_000_000}
ALARMS = 6
_SERIES_BY_LOG = {"none": 0, "line": 0, "few": 3}
_ALL_METRICS = 9
_URL_REQUESTS_AN_INSTANCE = 10  # a second: Lambda's own limit, the only one of a Function URL


@dataclass(frozen=True)
class Ceiling:
    """A month in which everything is used that is let through, in dollars.

    Attributes:
        instances: Busy all the time.
        requests_a_s: That are let through.
        compute_usd: Of the instances.
        around_usd: Requests, the API's units of the largest bodies, logs.
    """

    instances: int
    requests_a_s: float
    compute_usd: float
    around_usd: float


def series_of(settings: DeploySettings, classes: int) -> int:
    """Metrics that CloudWatch counts."""
    log = settings.service.log
    return _SERIES_BY_LOG.get(log, _ALL_METRICS * (1 + classes))


def ceiling(
    settings: DeploySettings, architecture: str, memory_mib: int, instances: int, prices: Prices
) -> Ceiling:
    """The most that a month can come to, as far as limits hold.

    Args:
        settings: How it is deployed.
        architecture: "x86_64" or "arm64".
        memory_mib: Of the function.
        instances: At once, at most: reserved, or the account's.
        prices: Of the region.
    """
    if settings.function_url:
        rate, units, busy = _URL_REQUESTS_AN_INSTANCE * instances, 0, float(instances)
    else:
        rate = settings.rate
        units = http_api_units(settings.service.max_body_bytes)
        busy = min(float(instances), rate * settings.timeout_s)
    return Ceiling(
        instances,
        rate,
        compute_usd_a_month(architecture, memory_mib, busy, prices),
        around_usd(rate * SECONDS_A_MONTH, units, prices),
    )


def bill_lines(prepared: Prepared, settings: DeploySettings, cloud: Cloud, stack: str) -> list[str]:
    """What a person is told before a stack is deployed."""
    account = Account(cloud)
    reserved, _ = account.concurrency_for(stack, settings.concurrency)
    instances = reserved or account.concurrency().limit
    return priced_lines(prepared, settings, prices_in(cloud), instances)


def priced_lines(
    prepared: Prepared, settings: DeploySettings, prices: Prices, instances: int
) -> list[str]:
    """The same by given prices, for so many instances at once; asks nobody."""
    architecture = prepared.packed.target.architecture
    most = ceiling(settings, architecture, prepared.memory_mib, instances, prices)
    series = series_of(settings, len(prepared.packed.contract().class_names))
    standing = standing_usd_a_month(series, ALARMS, prices)
    return [
        *_million(prepared, architecture, prices),
        f"every month: ${standing:.2f} for {series} metrics and {ALARMS} alarms (ten of each are"
        " free)",
        f"at most, estimated: {most.instances} instances busy all month ${most.compute_usd:,.0f},"
        f" and {most.requests_a_s:g} requests a second of the largest size ${most.around_usd:,.0f}"
        " (requests, API, logs). AWS keeps rates roughly: --budget mails you, `scenelet pause`"
        " stops it",
        *_collecting(settings, instances),
        f"prices: {prices.origin}",
    ]


def _collecting(settings: DeploySettings, instances: int) -> list[str]:
    if not settings.service.collect:
        return []
    a_day = 24 * MOST_AN_HOUR * instances
    stored_gb = a_day * settings.service.collect_days * KEPT_BYTES / 1e9
    usd = 30 * a_day * S3_PUTS_USD + stored_gb * S3_GB_MONTH_USD
    return [
        f"kept pictures: {a_day:,} a day at most, {stored_gb:.1f} GB at once: ${usd:.2f} a month"
    ]


def _million(prepared: Prepared, architecture: str, prices: Prices) -> list[str]:
    measured = prepared.found.measured
    if measured is None:
        return []
    costs = {
        name: estimate(architecture, prepared.memory_mib, measured, size, prices).per_million_usd
        for name, size in PICTURES.items()
    }
    told = ", ".join(f"${usd:.2f} of {name} each" for name, usd in costs.items())
    return [f"{prepared.memory_mib} MiB: a million answers cost about {told}"]
