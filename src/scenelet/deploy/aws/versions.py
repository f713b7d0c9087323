"""A function's published versions, and the alias `live` that requests go to.

The alias's description tells what was live, oldest first, so that going back never leads to a
version that failed.
"""

import base64
import json
import re
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from scenelet.deploy.aws.cloud import AGAIN, Cloud, code_of, told_of, translated
from scenelet.errors import CloudError

ALIAS, LATEST = "live", "$LATEST"
REMEMBERED = 20
_SETTINGS_OF_A_VERSION = (
    "CodeSha256",
    "MemorySize",
    "Timeout",
    "Runtime",
    "Architectures",
    "Environment",
)


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


class Versions:
    """Of one function, by its name."""

    def __init__(self, cloud: Cloud, function: str) -> None:
        self._function, self._lambda = function, cloud.client("lambda")

    def all(self) -> list[Version]:
        """Published ones, oldest first."""
        live = self.live()
        return [
            Version(
                each["Version"],
                each.get("Description", ""),
                each["Version"] == live,
                str(each.get("LastModified", "")),
            )
            for each in self._published()
        ]

    def live(self) -> str | None:
        """Where the alias goes; None where there is no function yet."""
        alias = self._alias()
        return str(alias["FunctionVersion"]) if alias else None

    def history(self) -> list[str]:
        """Versions that were live and passed, oldest first; the last is live."""
        alias = self._alias()
        return re.findall(r"\d+", (alias or {}).get("Description", ""))

    def variables(self) -> dict[str, str]:
        """Of the function's environment; none where there is no function."""
        ask = self._lambda.get_function_configuration
        with translated(f"function {self._function}"):
            found = told_of(ask, FunctionName=self._function) or {}
        return dict(found.get("Environment", {}).get("Variables", {}))

    def publish(self, sha256: str, description: str) -> str:
        """Publish what the function is now, unless a version is just that; returns its number.

        Args:
            sha256: Of the package that must be its code, in hexadecimal digits.
            description: For people.

        Raises:
            CloudError: Its code is another one.
        """
        digest = digest_of(sha256)
        with translated(f"function {self._function}"):
            latest = self._latest()
            if latest["CodeSha256"] != digest:
                raise CloudError(
                    f"function {self._function}: somebody else changed its code in the meantime."
                    f" {AGAIN}"
                )
            if same := self._like(latest):
                return same
            made = self._lambda.publish_version(
                FunctionName=self._function, CodeSha256=digest, Description=description[:256]
            )
            number = str(made["Version"])
            waiter = self._lambda.get_waiter("published_version_active")
            waiter.wait(FunctionName=self._function, Qualifier=number)
        return number

    def mend(self, sha256: str, code: dict[str, str], wanted: dict[str, Any]) -> list[str]:
        """Put back what somebody changed by hand.

        Args:
            sha256: Of the package that must be its code, in hexadecimal digits.
            code: Where that lies: S3Bucket and S3Key.
            wanted: Settings as Lambda calls them: MemorySize, Timeout, Environment ...

        Returns:
            What was put back: "code", or the name of a setting.

        Raises:
            CloudError: The function is gone.
        """
        with translated(f"function {self._function}"):
            latest = self._latest()
            other = {name: value for name, value in wanted.items() if latest.get(name) != value}
            if other:
                self._lambda.update_function_configuration(FunctionName=self._function, **other)
                self._latest()
            if latest["CodeSha256"] == digest_of(sha256):
                return list(other)
            self._lambda.update_function_code(FunctionName=self._function, **code)
            self._latest()
            return ["code", *other]

    def answer(self, version: str, picture: bytes) -> dict[str, Any]:
        """What one version says of a picture, asked by its own number: no user meets it.

        Raises:
            CloudError: AWS refused, or the function failed.
        """
        event = {"image": base64.b64encode(picture).decode()}
        with translated(f"version {version}"):
            done = self._lambda.invoke(
                FunctionName=self._function, Qualifier=version, Payload=json.dumps(event)
            )
            told = json.loads(done["Payload"].read())
        if done.get("FunctionError"):
            return {"error": f"{told.get('errorType', 'error')}: {told.get('errorMessage', told)}"}
        return dict(told)

    def share(self, version: str, share: float) -> None:
        """Send a share of all requests to a version, the rest where they go now."""
        weights = {"AdditionalVersionWeights": {version: share}}
        self._update(RoutingConfig=weights)

    def move(self, version: str, history: list[str]) -> None:
        """Send all requests to a version.

        Args:
            version: Its number.
            history: Versions that were live, this one last.

        Raises:
            CloudError: There is no alias.
        """
        self._update(
            FunctionVersion=version,
            Description=f"live: {' '.join(history[-REMEMBERED:])}",
            RoutingConfig={"AdditionalVersionWeights": {}},
        )

    def prune(self, keep: int) -> list[str]:
        """Remove old versions; returns the SHA-256, in hexadecimal digits, of the code of the rest.

        Args:
            keep: Of those that were live, the last so many; the live one is always kept.
        """
        kept = {self.live(), *self.history()[-keep:]}
        left = []
        for version in self._published():
            if version["Version"] in kept:
                left.append(base64.b64decode(version["CodeSha256"]).hex())
            else:
                self.remove(version["Version"])
        return left

    def code_of(self, version: str) -> str:
        """SHA-256 of a version's code, in hexadecimal digits."""
        digest = next(
            each["CodeSha256"] for each in self._published() if each["Version"] == version
        )
        return base64.b64decode(digest).hex()

    def earlier(self) -> str:
        """The version that was live before this one.

        Raises:
            CloudError: There is none.
        """
        live = self.live()
        there = {version.number for version in self.all()}
        before = [number for number in self.history() if number in there and number != live]
        if not before:
            raise CloudError(
                f"stack {self._function}: version {live} is live, and none was before it"
            )
        return before[-1]

    def require(self, number: str) -> None:
        """That there is such a version.

        Raises:
            CloudError: There is none.
        """
        numbers = [version.number for version in self.all()]
        if number not in numbers:
            raise CloudError(f"--to: found {number}, expected one of {', '.join(numbers)}")

    def remove(self, number: str) -> None:
        """Delete a version that nobody shall ever meet again."""
        with translated(f"version {number}"):
            self._lambda.delete_function(FunctionName=self._function, Qualifier=number)

    def _latest(self) -> dict[str, Any]:
        """The function as it is, once nobody is changing it."""
        try:
            self._lambda.get_waiter("function_updated_v2").wait(FunctionName=self._function)
            found: dict[str, Any] = self._lambda.get_function_configuration(
                FunctionName=self._function
            )
        except (ClientError, WaiterError) as error:
            if "ResourceNotFoundException" in str(error):
                raise CloudError(
                    f"function {self._function}: is gone, though its stack stands; somebody deleted"
                    f" it. Run: scenelet destroy --stack {self._function}, then deploy again"
                ) from error
            raise
        return found

    def _update(self, **change: Any) -> None:
        alias = self._required()
        guard = {"RevisionId": alias["RevisionId"]} if alias.get("RevisionId") else {}
        with translated(f"alias {ALIAS}"):
            self._lambda.update_alias(FunctionName=self._function, Name=ALIAS, **change, **guard)

    def _like(self, latest: dict[str, Any]) -> str | None:
        for version in reversed(self._published()):
            if all(version.get(key) == latest.get(key) for key in _SETTINGS_OF_A_VERSION):
                return str(version["Version"])
        return None

    def _published(self) -> list[dict[str, Any]]:
        with translated(f"function {self._function}"):
            try:
                found = self._listed()
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    return []
                raise
        return sorted(found, key=lambda each: int(each["Version"]))

    def _listed(self) -> list[dict[str, Any]]:
        pages = self._lambda.get_paginator("list_versions_by_function").paginate(
            FunctionName=self._function
        )
        return [each for page in pages for each in page["Versions"] if each["Version"] != LATEST]

    def _alias(self) -> dict[str, Any] | None:
        with translated(f"function {self._function}"):
            return told_of(self._lambda.get_alias, FunctionName=self._function, Name=ALIAS)

    def _required(self) -> dict[str, Any]:
        alias = self._alias()
        if alias is None:
            raise CloudError(
                f"stack {self._function}: has no alias {ALIAS}. Run: scenelet deploy --stack"
                f" {self._function}"
            )
        return alias


def digest_of(sha256: str) -> str:
    """As Lambda writes a SHA-256."""
    return base64.b64encode(bytes.fromhex(sha256)).decode()
