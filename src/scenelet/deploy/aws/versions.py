"""A function's published versions, and the alias `live` that requests go to.

The alias's description tells what was live, oldest first, so that going back never leads to a
version that failed.
"""

import base64
import re
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from scenelet.deploy.aws.cloud import AGAIN, Cloud, code_of, translated
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

    def publish(self, sha256: str, description: str) -> str:
        """Publish what the function is now, unless a version is just that; returns its number.

        Args:
            sha256: Of the package that must be its code, in hexadecimal digits.
            description: For people.

        Raises:
            CloudError: Its code is another one.
        """
        digest = base64.b64encode(bytes.fromhex(sha256)).decode()
        with translated(f"function {self._function}"):
            self._lambda.get_waiter("function_updated_v2").wait(FunctionName=self._function)
            latest = self._lambda.get_function_configuration(FunctionName=self._function)
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
        return str(made["Version"])

    def move(self, version: str, history: list[str]) -> None:
        """Send all requests to a version.

        Args:
            version: Its number.
            history: Versions that were live, this one last.

        Raises:
            CloudError: There is no alias.
        """
        alias = self._required()
        guard = {"RevisionId": alias["RevisionId"]} if alias.get("RevisionId") else {}
        with translated(f"alias {ALIAS}"):
            self._lambda.update_alias(
                FunctionName=self._function,
                Name=ALIAS,
                FunctionVersion=version,
                Description=f"live: {' '.join(history[-REMEMBERED:])}",
                **guard,
            )

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
            try:
                found: dict[str, Any] = self._lambda.get_alias(
                    FunctionName=self._function, Name=ALIAS
                )
            except ClientError as error:
                if code_of(error) == "ResourceNotFoundException":
                    return None
                raise
        return found

    def _required(self) -> dict[str, Any]:
        alias = self._alias()
        if alias is None:
            raise CloudError(
                f"stack {self._function}: has no alias {ALIAS}. Run: scenelet deploy --stack"
                f" {self._function}"
            )
        return alias
