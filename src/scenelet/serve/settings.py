"""What a service may do: written once here, read from environment variables and written to them.

Each field of `Settings` is a variable SCENELET_<FIELD> (`allow_url`: SCENELET_ALLOW_URL). Knows no
service.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from scenelet.errors import ConfigError

PREFIX = "SCENELET_"
Log = Literal["none", "line", "few", "all"]
_NO = ("false", "0", "no")


@dataclass(frozen=True)
class Settings:
    """What a service may do.

    Attributes:
        allow_url: Whether to fetch URLs at all.
        trusted_hosts: "host:port" of servers in your own network that URLs may name.
        max_body_bytes: Of a request.
        max_images: In one request.
        cors_origins: Origins whose pages may ask ("*": all); none: no CORS headers.
        base_path: That the service is mounted at, as /scenes: behind a proxy or a path mapping.
        body_timeout_s: That a request's body may take to arrive, on a server of your own.
        log: On Lambda, a line an answer: "none"; "line", for `scenelet drift`; "few": CloudWatch
            makes three metrics of it too; "all": nine, by label.
    """

    allow_url: bool = True
    trusted_hosts: frozenset[str] = frozenset()
    max_body_bytes: int = 20_000_000
    max_images: int = 16
    cors_origins: tuple[str, ...] = ()
    base_path: str = ""
    body_timeout_s: int = 120
    log: Log = "few"

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
