"""A CloudFormation stack: make it, change it, watch it, remove it.

Knows nothing of what is in it.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from scenelet.deploy.aws.cloud import TAG, Cloud, code_of, known_reason, message_of, translated
from scenelet.errors import CloudError
from scenelet.progress import Progress

POLL_S = 2.0
PATIENCE_S = 1800.0
_DEAD = (
    "ROLLBACK_COMPLETE",
    "CREATE_FAILED",
    "ROLLBACK_FAILED",
    "REVIEW_IN_PROGRESS",
    "DELETE_FAILED",
)


@dataclass(frozen=True)
class StackState:
    """What CloudFormation says.

    Attributes:
        status: "CREATE_COMPLETE" ...
        outputs: By name.
        parameters: By name.
        ours: Whether scenelet made it.
    """

    status: str
    outputs: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    ours: bool = True

    @property
    def is_changing(self) -> bool:
        """Whether somebody is changing it, or is about to."""
        return self.status.endswith("_IN_PROGRESS")


class Stack:
    """One stack, by its name."""

    def __init__(self, cloud: Cloud, name: str, poll_s: float = POLL_S) -> None:
        self.name, self._cloud, self._poll_s = name, cloud, poll_s
        self._formation = cloud.client("cloudformation")

    def state(self) -> StackState | None:
        """As it is; None if there is none.

        Raises:
            CloudError: AWS refused.
        """
        with translated(f"stack {self.name}"):
            try:
                found = self._formation.describe_stacks(StackName=self.name)["Stacks"][0]
            except ClientError as error:
                if code_of(error) == "ValidationError" and "does not exist" in message_of(error):
                    return None
                raise
        return StackState(
            status=found["StackStatus"],
            outputs={each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs") or []},
            parameters={
                each["ParameterKey"]: each["ParameterValue"]
                for each in found.get("Parameters") or []
            },
            ours=TAG in (found.get("Tags") or []),
        )

    def settled(self, progress: Progress) -> StackState | None:
        """Its state once nobody is changing it; what a failed creation left behind is cleared away.

        Raises:
            CloudError: It is not ours, or stuck.
        """
        state = self._wait(progress, "somebody is changing it; waiting")
        if state is None:
            return None
        self.require_ours(state)
        if state.status == "UPDATE_ROLLBACK_FAILED":
            raise CloudError(
                f"stack {self.name}: an earlier change could not be taken back. Run: "
                f"aws cloudformation continue-update-rollback --stack-name {self.name}"
            )
        if state.status in _DEAD:
            progress.say(f"stack {self.name}: {state.status} from an earlier try; removing it")
            self.delete(progress)
            return None
        return state

    def require_ours(self, state: StackState | None) -> StackState | None:
        """The state that was given.

        Raises:
            CloudError: Of a stack that somebody else made.
        """
        if state is not None and not state.ours:
            raise CloudError(
                f"stack {self.name}: was not made by scenelet, so it is left alone. Name another:"
                " --stack NAME"
            )
        return state

    def apply(self, template: str, parameters: Mapping[str, str], progress: Progress) -> bool:
        """Make or change it, and wait; whether anything was to be changed.

        Raises:
            CloudError: It failed, with the reason of the first resource that did.
        """
        state = self.settled(progress)
        wanted = self._arguments(template, parameters)
        seen = self._event_ids() if state else set()
        with translated(f"stack {self.name}"):
            try:
                if state is None:
                    self._formation.create_stack(**wanted, OnFailure="ROLLBACK")
                else:
                    self._formation.update_stack(**wanted)
            except ClientError as error:
                if "No updates are to be performed" in message_of(error):
                    return False
                if code_of(error) == "AlreadyExistsException" or "IN_PROGRESS" in message_of(error):
                    raise CloudError(
                        f"stack {self.name}: somebody else is deploying it at this moment. Run it"
                        " again in a minute."
                    ) from error
                raise
        end = self._watch(seen, progress)
        if end is None or end.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            raise CloudError(
                f"stack {self.name}: {self._reason(seen)} (now {end.status if end else 'gone'})"
            )
        return True

    def is_as(self, template: str, parameters: Mapping[str, str], but: str) -> bool:
        """Whether it stands as from this very template and these parameters, `but` one aside."""
        state = self.state()
        if state is None or not state.status.endswith("_COMPLETE") or "ROLLBACK" in state.status:
            return False
        with translated(f"stack {self.name}"):
            body = self._formation.get_template(StackName=self.name)["TemplateBody"]
        same = {name: value for name, value in parameters.items() if name != but}
        return _lines(body) == _lines(template) and same == {
            name: state.parameters.get(name) for name in same
        }

    def plan(self, template: str, parameters: Mapping[str, str]) -> list[str]:
        """What would be changed, a line a resource; nothing is.

        Raises:
            CloudError: AWS refused.
        """
        state = self.require_ours(self.state())
        if state is not None and state.status in _DEAD:  # AWS refuses a change set on what is dead
            return Stack(self._cloud, f"{self.name}-plan", self._poll_s).plan(template, parameters)
        kind = "CREATE" if state is None else "UPDATE"
        name = f"scenelet-plan-{int(time.time())}"
        with translated(f"stack {self.name}"):
            made = self._formation.create_change_set(
                **self._arguments(template, parameters), ChangeSetName=name, ChangeSetType=kind
            )
            try:
                return self._changes(self._settled_change_set(name), made["Id"])
            finally:
                self._formation.delete_change_set(StackName=self.name, ChangeSetName=name)
                after = self.state()
                if kind == "CREATE" and after and after.status == "REVIEW_IN_PROGRESS":
                    self._formation.delete_stack(StackName=self.name)

    def _changes(self, found: dict[str, Any], change_set: str) -> list[str]:
        if found["Status"] != "FAILED":
            return [_change(each["ResourceChange"]) for each in found["Changes"]]
        reason = found.get("StatusReason", "")
        if "didn't contain changes" in reason or "No updates" in reason:
            return []
        raise CloudError(
            f"stack {self.name}: {self._validation(ChangeSetName=change_set) or reason}"
        )

    def resources(self) -> dict[str, str]:
        """Physical id by logical id."""
        with translated(f"stack {self.name}"):
            try:
                found = self._formation.describe_stack_resources(StackName=self.name)[
                    "StackResources"
                ]
            except ClientError as error:
                if "does not exist" in message_of(error):
                    return {}
                raise
        return {
            each["LogicalResourceId"]: each.get("PhysicalResourceId", "")
            for each in found
            if "LogicalResourceId" in each
        }

    def delete(self, progress: Progress) -> None:
        """Remove it, and wait.

        Raises:
            CloudError: Something of it can't be removed.
        """
        state = self.require_ours(self.state())
        if state is None:
            return
        seen = self._event_ids()
        with translated(f"stack {self.name}"):
            self._formation.delete_stack(StackName=self.name)
        end = self._watch(seen, progress)
        if end is not None and end.status != "DELETE_COMPLETE":
            raise CloudError(
                f"stack {self.name}: {self._reason(seen)}. Put that right, then run it again."
            )

    def _arguments(self, template: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        return {
            "StackName": self.name,
            "TemplateBody": template,
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
            "Capabilities": ["CAPABILITY_IAM"],
            "Tags": [TAG],
        }

    def _settled_change_set(self, name: str) -> dict[str, Any]:
        end_s = time.monotonic() + PATIENCE_S
        while True:
            found: dict[str, Any] = self._formation.describe_change_set(
                StackName=self.name, ChangeSetName=name
            )
            if (
                found["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS")
                or time.monotonic() > end_s
            ):
                return found
            time.sleep(self._poll_s)

    def _wait(self, progress: Progress, remark: str) -> StackState | None:
        end_s, told = time.monotonic() + PATIENCE_S, False
        while True:
            state = self.state()
            if state is None or not state.is_changing or state.status == "REVIEW_IN_PROGRESS":
                return state
            if not told:
                progress.say(f"stack {self.name}: {state.status}: {remark}")
                told = True
            if time.monotonic() > end_s:
                raise CloudError(
                    f"stack {self.name}: still {state.status} after {PATIENCE_S / 60:.0f} minutes."
                    " Look at it in the console."
                )
            time.sleep(self._poll_s)

    def _watch(self, seen: set[str], progress: Progress) -> StackState | None:
        """Tell each event as it happens, until the end."""
        told, end_s = set(seen), time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            state = self.state()
            for event in self._events():
                if event["EventId"] not in told:
                    told.add(event["EventId"])
                    progress.say(_line(event))
            if state is None or not state.is_changing:
                return state
            time.sleep(self._poll_s)
        raise CloudError(
            f"stack {self.name}: not done after {PATIENCE_S / 60:.0f} minutes. Look at it in the"
            " console."
        )

    def _reason(self, seen: set[str]) -> str:
        """Of the first resource that failed; of early validation, where none was begun."""
        failed = self._failed(seen)
        if not failed:
            return self._validation(StackName=self.name) or "failed without a reason"
        real = (each for each in failed if "cancelled" not in each.get("ResourceStatusReason", ""))
        first = next(real, failed[0])
        told = " ".join(first.get("ResourceStatusReason", "no reason given").split())
        return f"{first['LogicalResourceId']}: {known_reason(told) or told}"

    def _failed(self, seen: set[str]) -> list[dict[str, Any]]:
        """Events of resources that failed, those before the change aside."""
        return [
            event
            for event in self._events()
            if event["EventId"] not in seen and event["ResourceStatus"].endswith("_FAILED")
        ]

    def _validation(self, **which: str) -> str:
        """What was found before anything was made: DescribeEvents alone tells it."""
        with translated(f"stack {self.name}"):
            try:
                found = self._formation.describe_events(**which, Filters={"FailedEvents": True})
            except (ClientError, AttributeError):  # not permitted, or boto3 is older than that
                return ""
        told = [
            f"{each.get('LogicalResourceId', 'stack')}: {each['ValidationStatusReason']}"
            for each in found["OperationEvents"]
            if each.get("ValidationStatusReason")
        ]
        return f"{'; '.join(told)} Name another: --stack NAME" if told else ""

    def _events(self) -> list[dict[str, Any]]:
        """Oldest first; none where the stack is gone."""
        with translated(f"stack {self.name}"):
            try:
                pages = self._formation.get_paginator("describe_stack_events").paginate(
                    StackName=self.name
                )
                return [event for page in pages for event in page["StackEvents"]][::-1]
            except ClientError as error:
                if "does not exist" in message_of(error):
                    return []
                raise

    def _event_ids(self) -> set[str]:
        return {event["EventId"] for event in self._events()}


def _lines(template: str) -> list[str]:
    """Of a template; how its lines end is nobody's business."""
    return [line.rstrip() for line in template.strip().splitlines()]


def _change(change: dict[str, Any]) -> str:
    replaced = " (replaced)" if change.get("Replacement") == "True" else ""
    return (
        f"{change['Action'].lower():8} {change['LogicalResourceId']:18}"
        f" {change['ResourceType']}{replaced}"
    )


def _line(event: dict[str, Any]) -> str:
    status = event["ResourceStatus"].lower().replace("_", " ")
    return f"  {status:28} {event['LogicalResourceId']}"
