"""A new version with a share of the requests, watched; back by itself when something is wrong."""

import time
from datetime import UTC, datetime, timedelta

from scenelet.deploy.aws.cloud import Cloud, translated
from scenelet.deploy.aws.stack import Stack
from scenelet.deploy.aws.versions import ALIAS, Versions
from scenelet.deploy.aws.watching import alarms
from scenelet.errors import SmokeError
from scenelet.progress import Progress

LOOK_S = 15.0


class Canary:
    """Watches a version that has a share of the requests."""

    def __init__(
        self, cloud: Cloud, stack: Stack, versions: Versions, look_s: float = LOOK_S
    ) -> None:
        self._cloud, self._stack, self._versions, self._look_s = cloud, stack, versions, look_s

    def fly(self, version: str, share: float, seconds: float, progress: Progress) -> None:
        """Give a version a share, and watch it for a while.

        Args:
            version: Its number.
            share: Of the requests, 0 to 1.
            seconds: To watch.
            progress: Told each step.

        Raises:
            SmokeError: It raised errors, or an alarm rang; the caller takes it back.
        """
        start = datetime.now(UTC) - timedelta(minutes=1)
        ringing = self._ringing()
        progress.say(f"version {version} gets {share:.0%} of the requests for {seconds:.0f} s")
        self._versions.share(version, share)
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            time.sleep(min(self._look_s, max(0.0, end_s - time.monotonic())))
            if new := self._ringing() - ringing:
                raise SmokeError(f"with {share:.0%} of the requests: {', '.join(new)} rang")
            if errors := self._errors(version, start):
                raise SmokeError(f"with {share:.0%} of the requests it raised {errors:.0f} errors")

    def _ringing(self) -> set[str]:
        states = alarms(self._cloud, self._stack)
        return {name for name, state in states.items() if state == "ALARM"}

    def _errors(self, version: str, start: datetime) -> float:
        """That Lambda counted of this version since then."""
        name = self._stack.name
        dimensions = {
            "FunctionName": name,
            "Resource": f"{name}:{ALIAS}",
            "ExecutedVersion": version,
        }
        metric = {
            "Namespace": "AWS/Lambda",
            "MetricName": "Errors",
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
        }
        asked = {"Id": "errors", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
        with translated("metrics"):
            found = self._cloud.client("cloudwatch").get_metric_data(
                MetricDataQueries=[asked], StartTime=start, EndTime=datetime.now(UTC)
            )
        return float(sum(found["MetricDataResults"][0]["Values"]))
