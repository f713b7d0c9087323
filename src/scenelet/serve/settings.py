"""What a service may do: written once here, read from environment variables and written to them.

Each field of `Settings` is a variable SCENELET_<FIELD> (`allow_url`: SCENELET_ALLOW_URL). Knows no
service.
"""

import os
from collections.abc import Mapping
from dataclasses import field, fields
from typing import TYPE_CHECKING, Any, Literal, get_args

from scenelet.errors import ConfigError

if TYPE_CHECKING:
    from dataclasses import dataclass
else:  # the same, made quickly
    from scenelet.records import dataclass

PREFIX = "SCENELET_"
Log = Literal["none", "line", "few", "all"]
_NO = ("false", "0", "no")


def setting(default: Any, meaning: str, flag: str = "") -> Any:
    """A field of settings: its default and its meaning, written once; flags are derived.

    Args:
        default: Of the field.
        meaning: For help.
        flag: Of the command line, where it is not the field's name.
    """
    return field(default=default, metadata={"help": meaning, "flag": flag})


@dataclass(frozen=True)
class Settings:
    """What a service may do. Each field says what it means."""

    allow_url: bool = setting(True, "Fetch URLs that requests name (public addresses only).")
    trusted_hosts: frozenset[str] = setting(
        frozenset(), "host:port of a server in your own network that URLs may name.", "trusted-host"
    )
    max_body_bytes: int = setting(20_000_000, "Bytes of a request.")
    max_images: int = setting(16, "Pictures in one request.")
    max_seconds: int = setting(60, "Seconds that a request may take in all, fetching included.")
    cors_origins: tuple[str, ...] = setting(
        (), "Origin whose pages may ask (* for all).", "cors-origin"
    )
    base_path: str = setting(
        "", "That the service is mounted at, as /scenes: behind a proxy or a path mapping."
    )
    body_timeout_s: int = setting(
        120, "That a request's body may take to arrive, on a server of your own."
    )
    log: Log = setting(
        "few",
        "On Lambda: none; line: one an answer, for drift; few: and three metrics, free; all: nine"
        " by label, billed.",
    )
    uploads: str = setting(
        "", "s3://bucket/prefix that pictures too large for a request are put into first."
    )
    collect: str = setting(
        "",
        "s3://bucket/prefix/ of your own: a share of the pictures that it is not sure of, or that"
        " are like none of its classes, are kept there, to be learned from; the service says so.",
    )
    collect_percent: int = setting(10, "Of these, so many in a hundred are kept.")
    collect_days: int = setting(30, "Days after which S3 deletes them.")
    token_sha256: str = setting("", "SHA-256 of the token that requests must carry.")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the variables that are set and not empty; the rest are defaults.

        Raises:
            ConfigError: One of them makes no sense.
        """
        given = {each.name: environment.get(_variable(each.name), "") for each in fields(cls)}
        return cls(**{name: _value(name, text) for name, text in given.items() if text})

    def to_environment(self) -> dict[str, str]:
        """The variables that `from_environment` reads the same settings from."""
        return {_variable(name): _text(value) for name, value in vars(self).items()}


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _value(name: str, text: str) -> Any:
    """A variable's text as the type that the field's default has."""
    default = next(each.default for each in fields(Settings) if each.name == name)
    if isinstance(default, bool):
        return text.lower() not in _NO
    if isinstance(default, int):
        return _number(name, text)
    if isinstance(default, frozenset | tuple):
        return type(default)(part.strip() for part in text.split(",") if part.strip())
    return _one_of(name, text, get_args(Log)) if name == "log" else text


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise ConfigError(f"{_variable(name)}: found {text!r}, expected a whole number above 0")
    return int(text)


def _one_of(name: str, text: str, known: tuple[str, ...]) -> str:
    if text not in known:
        raise ConfigError(f"{_variable(name)}: found {text!r}, expected one of {', '.join(known)}")
    return text
