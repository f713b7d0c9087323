"""Deploy, go back, look, remove: the stack, its versions and the alias `live` that requests go to.

A deployment changes the function's code, publishes it as a version, moves the alias there, sends
the golden pictures through the address, and moves the alias back if they are not answered as
recorded. Versions before it stay, so going back is one call.
"""

import base64
import hashlib
import io
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from scenelet.bundle.contract import CONTRACT, Contract, parse_contract
from scenelet.deploy.aws.cloud import AGAIN, Cloud, code_of, translated
from scenelet.deploy.aws.stack import Stack
from scenelet.deploy.aws.store import Store
from scenelet.deploy.package import read_description
from scenelet.deploy.smoke import PATIENCE_S, smoke
from scenelet.errors import CloudError, SmokeError
from scenelet.serve.client import Endpoint

ALIAS = "live"
TEMPLATE = Path(__file__).parent / "template.yaml"
_SETTINGS_OF_A_VERSION = (
    "CodeSha256",
    "MemorySize",
    "Timeout",
    "Runtime",
    "Architectures",
    "Environment",
)
Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """How to deploy.

    Attributes:
        stack: Name of the stack, and of the function.
        memory_mib: Of the function.
        timeout_s: Of an answer.
        concurrency: Instances at most (reserved); 0 reserves none.
        rate: Requests a second that the HTTP API lets through.
        burst: Requests at once that it lets through.
        log_days: Logs are kept for.
        allow_url: Whether to fetch URLs.
        cors_origins: That may ask from a page.
        iam: Whether requests must be signed.
        function_url: A Function URL in place of an HTTP API.
        warm_up: Whether to ask every five minutes.
        bucket: For packages; None for one of ours.
    """

    stack: str = "scenelet"
    memory_mib: int = 512
    timeout_s: int = 20
    concurrency: int = 5
    rate: int = 10
    burst: int = 20
    log_days: int = 30
    allow_url: bool = True
    cors_origins: tuple[str, ...] = ()
    iam: bool = False
    function_url: bool = False
    warm_up: bool = False
    bucket: str | None = None


@dataclass(frozen=True)
class Version:
    """A published version.

    Attributes:
        number: Of Lambda.
        description: Which bundle.
        live: Whether requests go to it.
        modified: When it was published.
    """

    number: str
    description: str
    live: bool
    modified: str


@dataclass(frozen=True)
class Deployed:
    """How a deployment ended.

    Attributes:
        endpoint: Address.
        version: That answers now.
        changed: Whether anything was.
        difference: Largest difference of probability in the smoke test.
    """

    endpoint: str
    version: str
    changed: bool
    difference: float


class Release:
    """A stack's function and its versions."""

    def __init__(
        self, cloud: Cloud, options: Options, poll_s: float = 2.0, patience_s: float = PATIENCE_S
    ) -> None:
        self.options, self.stack = options, Stack(cloud, options.stack, poll_s)
        self._cloud, self._lambda = cloud, cloud.client("lambda")
        self._patience_s = patience_s

    def parameters(self, store: Store, content: bytes) -> dict[str, str]:
        """Of the template, for a package."""
        described, options = read_description(content, "package"), self.options
        return {
            "CodeBucket": store.bucket,
            "CodeKey": f"{options.stack}/{hashlib.sha256(content).hexdigest()}.zip",
            "BundleName": described["bundle"]["name"],
            "Runtime": described["runtime"],
            "Architecture": described["architecture"],
            "MemoryMib": str(options.memory_mib),
            "TimeoutS": str(options.timeout_s),
            "LiveVersion": self.live_version() or "$LATEST",
            "Concurrency": str(options.concurrency),
            "RateLimit": str(options.rate),
            "BurstLimit": str(options.burst),
            "LogDays": str(options.log_days),
            "AllowUrl": str(options.allow_url).lower(),
            "CorsOrigins": ",".join(options.cors_origins),
            "Authorization": "AWS_IAM" if options.iam else "NONE",
            "Door": "function-url" if options.function_url else "http-api",
            "WarmUp": str(options.warm_up).lower(),
        }

    def plan(self, content: bytes) -> list[str]:
        """What a deployment would change; nothing is."""
        wanted = (
            TEMPLATE.read_text(),
            self.parameters(Store(self._cloud, self.options.bucket), content),
        )
        return [] if self.stack.is_as(*wanted, but="LiveVersion") else self.stack.plan(*wanted)

    def deploy(self, content: bytes, say: Say) -> Deployed:
        """Deploy a package.

        Args:
            content: The zip.
            say: Called with each step.

        Raises:
            CloudError: AWS refused.
            SmokeError: The new version answers wrongly; the one before it answers again.
        """
        store = Store(self._cloud, self.options.bucket)
        self.stack.settled(say)
        say(f"uploading {len(content) / 1e6:.1f} MB to s3://{store.bucket}")
        store.put(self.options.stack, content)
        before = self.live_version()
        wanted = (TEMPLATE.read_text(), self.parameters(store, content))
        changed = not self.stack.is_as(*wanted, but="LiveVersion") and self.stack.apply(
            *wanted, say
        )
        contract, pictures = golden_of(content)
        version = self._publish(content, contract)
        moved = version != before
        if moved:
            say(f"version {version} of {contract.name}: the alias {ALIAS} goes there")
            self._move(version)
        endpoint = self.endpoint()
        say(f"smoke test: {len(contract.golden)} golden pictures through {endpoint}")
        try:
            difference = smoke(
                Endpoint(endpoint, tries=2), contract, pictures, self._patience_s, say
            )
        except SmokeError as error:
            raise SmokeError(f"smoke test: {error}. {self._go_back(before, version)}") from error
        return Deployed(endpoint, version, changed or moved, difference)

    def rollback(self, to: str | None = None) -> str:
        """Send requests to an earlier version; returns its number.

        Raises:
            CloudError: There is none.
        """
        versions, live = self.versions(), self.live_version()
        numbers = [version.number for version in versions]
        if to is None:
            earlier = [
                number
                for number in numbers
                if live and live.isdecimal() and int(number) < int(live)
            ]
            if not earlier:
                raise CloudError(
                    f"stack {self.options.stack}: version {live} is live, and there is none"
                    " before it"
                )
            to = earlier[-1]
        if to not in numbers:
            raise CloudError(f"--to: found {to}, expected one of {', '.join(numbers)}")
        self._move(to)
        return to

    def versions(self) -> list[Version]:
        """Published ones, oldest first."""
        live = self.live_version()
        return [
            Version(
                each["Version"],
                each.get("Description", ""),
                each["Version"] == live,
                str(each.get("LastModified", "")),
            )
            for each in self._published()
        ]

    def live_version(self) -> str | None:
        """Where the alias goes; None where there is no function yet."""
        alias = self._alias()
        return str(alias["FunctionVersion"]) if alias else None

    def endpoint(self) -> str:
        """Address of the service.

        Raises:
            CloudError: There is no such stack.
        """
        state = self.stack.state()
        if state is None:
            raise CloudError(
                f"stack {self.options.stack}: there is none. Make it: scenelet deploy --stack"
                f" {self.options.stack}"
            )
        if "Endpoint" not in state.outputs:
            raise CloudError(
                f"stack {self.options.stack}: {state.status}, and it has no address. Run: scenelet"
                " deploy"
            )
        return state.outputs["Endpoint"].rstrip("/")

    def remnants(self) -> list[str]:
        """What `destroy` would remove, a line each.

        Raises:
            CloudError: The stack is not ours.
        """
        self.stack.require_ours(self.stack.state())
        store = Store(self._cloud, self.options.bucket)
        resources = [
            f"{logical}: {physical}"
            for logical, physical in self.stack.resources().items()
            if physical
        ]
        return [
            *resources,
            *(f"s3://{store.bucket}/{key}" for key in store.keys(self.options.stack)),
        ]

    def destroy(self, say: Say) -> None:
        """Remove the stack and its packages, and nothing else.

        Raises:
            CloudError: Something can't be removed.
        """
        self.stack.delete(say)
        Store(self._cloud, self.options.bucket).remove(self.options.stack)

    def logs(self, since_s: float, follow: bool, pause_s: float = 2.0) -> Iterator[str]:
        """Log lines of the function, oldest first.

        Args:
            since_s: Seconds back from now.
            follow: Whether to wait for more.
            pause_s: Between looks.
        """
        client, group = self._cloud.client("logs"), f"/aws/lambda/{self.options.stack}"
        start_ms, told = int(1000 * (time.time() - since_s)), set()
        while True:
            with translated(group):
                pages = client.get_paginator("filter_log_events").paginate(
                    logGroupName=group, startTime=start_ms
                )
                for event in (each for page in pages for each in page["events"]):
                    if event["eventId"] not in told:
                        told.add(event["eventId"])
                        yield event["message"].rstrip("\n")
            if not follow:
                return
            time.sleep(pause_s)

    def alarms(self) -> dict[str, str]:
        """State of each alarm by its logical name."""
        names = {
            logical: name
            for logical, name in self.stack.resources().items()
            if logical.endswith("Alarm") and name
        }
        if not names:
            return {}
        with translated("alarms"):
            found = self._cloud.client("cloudwatch").describe_alarms(
                AlarmNames=list(names.values())
            )["MetricAlarms"]
        states = {each["AlarmName"]: each["StateValue"] for each in found}
        return {logical: states.get(name, "unknown") for logical, name in names.items()}

    def _publish(self, content: bytes, contract: Contract) -> str:
        name = self.options.stack
        digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
        with translated(f"function {name}"):
            self._lambda.get_waiter("function_updated_v2").wait(FunctionName=name)
            latest = self._lambda.get_function_configuration(FunctionName=name)
            if latest["CodeSha256"] != digest:
                raise CloudError(
                    f"function {name}: somebody else changed its code in the meantime. {AGAIN}"
                )
            for version in reversed(self._published()):
                if all(version.get(key) == latest.get(key) for key in _SETTINGS_OF_A_VERSION):
                    return str(version["Version"])
            description = f"{contract.name} of {contract.created}"[:256]
            made = self._lambda.publish_version(
                FunctionName=name, CodeSha256=digest, Description=description
            )
        return str(made["Version"])

    def _published(self) -> list[dict[str, Any]]:
        with translated(f"function {self.options.stack}"):
            try:
                pages = self._lambda.get_paginator("list_versions_by_function").paginate(
                    FunctionName=self.options.stack
                )
                found = [
                    each
                    for page in pages
                    for each in page["Versions"]
                    if each["Version"] != "$LATEST"
                ]
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    return []
                raise
        return sorted(found, key=lambda each: int(each["Version"]))

    def _alias(self) -> dict[str, Any] | None:
        with translated(f"function {self.options.stack}"):
            try:
                found: dict[str, Any] = self._lambda.get_alias(
                    FunctionName=self.options.stack, Name=ALIAS
                )
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    return None
                raise
        return found

    def _move(self, version: str) -> None:
        alias = self._alias()
        if alias is None:
            raise CloudError(
                f"stack {self.options.stack}: has no alias {ALIAS}. Run: scenelet deploy --stack"
                f" {self.options.stack}"
            )
        guard = {"RevisionId": alias["RevisionId"]} if alias.get("RevisionId") else {}
        with translated(f"alias {ALIAS}"):
            self._lambda.update_alias(
                FunctionName=self.options.stack, Name=ALIAS, FunctionVersion=version, **guard
            )

    def _go_back(self, before: str | None, version: str) -> str:
        if before in (None, "$LATEST", version):
            return (
                "There is no version before it to go back to: mend it and deploy again, or run"
                " `scenelet destroy`."
            )
        self._move(str(before))
        return f"Version {before} answers again."


def golden_of(content: bytes) -> tuple[Contract, dict[str, bytes]]:
    """Contract and golden pictures of the bundle in a package.

    Raises:
        PackageError: Not a package of ours.
        BundleFormatError: Its bundle can't be read.
    """
    folder = read_description(content, "package")["bundle"]["folder"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        contract = parse_contract(
            archive.read(f"{folder}/{CONTRACT}"), f"package/{folder}/{CONTRACT}"
        )
        return contract, {
            golden.file: archive.read(f"{folder}/{golden.file}") for golden in contract.golden
        }
