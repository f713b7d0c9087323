"""How a stack fares: address, versions, alarms, requests, errors, latency, cost of the month."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from scenelet.deploy.aws.cloud import Cloud, translated
from scenelet.deploy.aws.release import Release
from scenelet.deploy.aws.watching import alarms
from scenelet.errors import CloudError

_PERIOD_S = 300
_FIGURES = {
    "requests": ("Invocations", "Sum"),
    "errors": ("Errors", "Sum"),
    "throttled": ("Throttles", "Sum"),
    "p50": ("Duration", "p50"),
    "p99": ("Duration", "p99"),
}
_SUMMED = ("requests", "errors", "throttled")
_BILLED = ("AWS Lambda", "Amazon API Gateway", "AmazonCloudWatch", "Amazon Simple Storage Service")


def status_lines(release: Release, since_s: float) -> Iterator[str]:
    """Everything, a line each.

    Args:
        release: Of the stack.
        since_s: Figures of how many seconds.

    Raises:
        CloudError: AWS refused.
    """
    state, name = release.stack.state(), release.identity.stack
    yield f"stack {name}: {state.status if state else 'there is none'}"
    if state is None:
        return
    paused = " (paused: scenelet resume)" if release.is_paused() else ""
    yield f"address: {release.endpoint()}{paused}"
    for version in release.versions.all():
        mark = "->" if version.live else "  "
        yield f"{mark} version {version.number:4} {version.description}  {version.modified[:19]}"
    for alarm, value in alarms(release.cloud, release.stack).items():
        yield f"{alarm}: {value.lower()}"
    yield _told(figures(release.cloud, name, since_s), since_s)
    yield month_cost(release.cloud)


def figures(cloud: Cloud, function: str, since_s: float) -> dict[str, float]:
    """What Lambda counted of a function: requests, errors, throttled, p50 and p99 in milliseconds.

    Latencies are those of the worst period, where there are several.
    """
    end = datetime.now(UTC)
    with translated("figures"):
        found = cloud.client("cloudwatch").get_metric_data(
            MetricDataQueries=[_query(name, function, since_s) for name in _FIGURES],
            StartTime=end - timedelta(seconds=since_s),
            EndTime=end,
        )
    values = {each["Id"]: each["Values"] for each in found["MetricDataResults"]}
    return {
        name: float(sum(each) if name in _SUMMED else max(each, default=0.0))
        for name, each in values.items()
    }


def _query(name: str, function: str, since_s: float) -> dict[str, Any]:
    metric, statistic = _FIGURES[name]
    period_s = max(_PERIOD_S, int(since_s) // 60 * 60)
    where = [{"Name": "FunctionName", "Value": function}]
    of = {"Namespace": "AWS/Lambda", "MetricName": metric, "Dimensions": where}
    return {"Id": name, "MetricStat": {"Metric": of, "Period": period_s, "Stat": statistic}}


def _told(found: dict[str, float], since_s: float) -> str:
    return (
        f"the last {since_s / 3600:g} h: {found['requests']:.0f} requests, {found['errors']:.0f}"
        f" errors, {found['throttled']:.0f} throttled, p50 {found['p50']:.0f} ms, p99"
        f" {found['p99']:.0f} ms"
    )


def month_cost(cloud: Cloud) -> str:
    """What the account's bill says of this month, of the services that a stack uses."""
    today = datetime.now(UTC).date()
    first, after = today.replace(day=1), today + timedelta(days=1)
    try:
        with translated("cost"):
            found = cloud.client("ce", "us-east-1").get_cost_and_usage(
                TimePeriod={"Start": first.isoformat(), "End": after.isoformat()},
                Granularity="MONTHLY",
                Metrics=["UnblendedCost"],
                Filter={"Dimensions": {"Key": "SERVICE", "Values": list(_BILLED)}},
            )
    except CloudError as error:
        return f"cost of this month: not known ({error})"
    usd = sum(float(each["Total"]["UnblendedCost"]["Amount"]) for each in found["ResultsByTime"])
    return (
        f"cost of this month: ${usd:.2f} for Lambda, API Gateway, CloudWatch and S3 of the whole"
        " account, a day behind"
    )
