"""Dials: fields of a config whose meaning, range and default are written once, with the field.

Ranges, flags and the table of reference are read off them. Knows nothing of any one dial.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from scenelet.errors import ConfigError

_KEY = "dial"
_KIND_NAMES = {
    int: "a whole number",
    float: "a number",
    str: "a word",
    tuple: "a list of whole numbers",
}


@dataclass(frozen=True)
class Dial:
    """What is known of one dial.

    Attributes:
        name: Of the field.
        default: Taken where nothing is said; its type is the dial's.
        help: What it does, with units.
        low: Smallest value (of a list: of each of its parts); None for words.
        high: Largest value.
        choices: Words that are taken; empty for any.
        flag: Whether the command line has an option of its own for it, besides `--set`.
        repeated: Whether that option may be given several times; the words are joined by commas.
    """

    name: str
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    flag: bool = False
    repeated: bool = False

    @property
    def kind(self) -> type:
        """int, float, str or tuple (of whole numbers)."""
        return type(self.default)

    @property
    def expected(self) -> str:
        """The values that it takes, in words."""
        if self.choices:
            return ", ".join(self.choices)
        if self.low is None or self.high is None:
            return _KIND_NAMES[self.kind]
        return f"{self.low:g} to {self.high:g}"

    def parsed(self, value: Any) -> Any:
        """A value of a recipe or of the command line as the dial's own type.

        Raises:
            ConfigError: It is of another type.
        """
        try:
            return _as_kind(value, self.kind)
        except (TypeError, ValueError) as error:
            found = f"found {value!r}, expected {_KIND_NAMES[self.kind]}"
            raise ConfigError(f"{flag_of(self.name)}: {found}") from error

    def fault(self, value: Any) -> str:
        """What is wrong with a value of the right type; empty where nothing is."""
        if self._takes(value):
            return ""
        shown = repr(value) if self.choices else value
        return f"{flag_of(self.name)}: found {shown}, expected {self.expected}"

    def _takes(self, value: Any) -> bool:
        if self.choices:
            return value in self.choices
        if self.low is None or self.high is None:
            return True
        parts = value if self.kind is tuple else (value,)
        return bool(parts) and all(self.low <= part <= self.high for part in parts)


def dial(default: Any, help: str, *bounds: float, **more: Any) -> Any:  # noqa: A002
    """A field of a config: default, meaning, lowest and highest value; the rest as in `Dial`."""
    low, high = bounds or (None, None)
    return field(default=default, metadata={_KEY: {"help": help, "low": low, "high": high, **more}})


def dials_of(config: type) -> dict[str, Dial]:
    """The dials of a config by name, in the order in which they are written."""
    return {
        each.name: Dial(each.name, each.default, **each.metadata[_KEY]) for each in fields(config)
    }


def _unknown(key: str, known: list[str]) -> str:
    """That a key is unknown, and which was meant, or all there are."""
    near = get_close_matches(key, known, 3, 0.7)
    meant = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(known)}"
    return f"{key}: unknown key ({meant})"


def checked(config: type, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Plain values as the dials' own types, and everything that is wrong with them."""
    known = dials_of(config)
    faults = [_unknown(key, list(known)) for key in values if key not in known]
    taken: dict[str, Any] = {}
    for key in (key for key in values if key in known):
        try:
            taken[key] = known[key].parsed(values[key])
        except ConfigError as error:
            faults.append(str(error))
    faults += filter(None, (known[key].fault(value) for key, value in taken.items()))
    return taken, faults


def table(config: type) -> Iterator[tuple[str, str, str, str]]:
    """For people: name, default, values and meaning of each dial."""
    for each in dials_of(config).values():
        default = ",".join(map(str, each.default)) if each.kind is tuple else str(each.default)
        yield each.name, default, each.expected, each.help


def flag_of(name: str) -> str:
    """The command line's name of a dial."""
    return "--" + name.replace("_", "-")


def _as_kind(value: Any, kind: type) -> Any:
    if kind is tuple:
        parts = value.split(",") if isinstance(value, str) else value
        return tuple(_as_kind(part, int) for part in parts)
    if isinstance(value, bool) or (kind is str and not isinstance(value, str)):
        raise TypeError(value)
    if kind is int and isinstance(value, float) and not value.is_integer():
        raise ValueError(value)
    return kind(value)
