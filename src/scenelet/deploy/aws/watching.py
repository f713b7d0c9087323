"""What a deployed function says and how it fares: log lines, alarms."""

import time
from collections.abc import Iterator
from typing import Any

from scenelet.deploy.aws.cloud import Cloud, translated
from scenelet.deploy.aws.stack import Stack

OVERLAP_MS = 10_000  # a log line may arrive later than one that is younger


def logs(
    cloud: Cloud, function: str, since_s: float, follow: bool = False, pause_s: float = 2.0
) -> Iterator[str]:
    """Log lines of a function, oldest first.

    Args:
        cloud: Account and region.
        function: Its name.
        since_s: Seconds back from now.
        follow: Whether to wait for more.
        pause_s: Between looks.
    """
    start_ms, told = int(1000 * (time.time() - since_s)), dict[str, int]()
    while True:
        for event in _events(cloud, f"/aws/lambda/{function}", start_ms):
            if event["eventId"] not in told:
                told[event["eventId"]] = event["timestamp"]
                yield event["message"].rstrip("\n")
        if not follow:
            return
        if told:
            start_ms = max(start_ms, max(told.values()) - OVERLAP_MS)
            told = {name: stamp for name, stamp in told.items() if stamp >= start_ms}
        time.sleep(pause_s)


def _events(cloud: Cloud, group: str, start_ms: int) -> Iterator[dict[str, Any]]:
    with translated(group):
        pages = (
            cloud.client("logs")
            .get_paginator("filter_log_events")
            .paginate(logGroupName=group, startTime=start_ms)
        )
        for page in pages:
            yield from page["events"]


def alarms(cloud: Cloud, stack: Stack) -> dict[str, str]:
    """State of each alarm of a stack by its logical name."""
    names = {
        logical: name
        for logical, name in stack.resources().items()
        if logical.endswith("Alarm") and name
    }
    if not names:
        return {}
    with translated("alarms"):
        found = cloud.client("cloudwatch").describe_alarms(AlarmNames=list(names.values()))
    states = {each["AlarmName"]: each["StateValue"] for each in found["MetricAlarms"]}
    return {logical: states.get(name, "unknown") for logical, name in names.items()}
