"""Dataclasses to plain JSON values and back, with every value checked on the way in.

Knows nothing of bundles.
"""

import math
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

if TYPE_CHECKING:
    from dataclasses import dataclass
else:  # the same, made quickly
    from scenelet.records import dataclass

T = TypeVar("T")
Plain = object  # any JSON value, taken as it is: whoever reads it knows what it should be


class PlainError(ValueError):
    """A value that does not fit, with its place: `figures.per_class.sea.images: found -1, ...`."""


@dataclass(frozen=True)
class Range:
    """What a number may be; stands beside its type: `Annotated[float, Range(0, 1)]`.

    Attributes:
        least: Included.
        most: Included.
        above: Not included.
    """

    least: float | None = None
    most: float | None = None
    above: float | None = None

    def holds(self, value: float) -> bool:
        """Whether a number is inside."""
        return (
            (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
            and (self.above is None or value > self.above)
        )

    def __str__(self) -> str:
        """For messages: "a number from 0 to 1"."""
        words = ["a number"]
        words += [f"above {self.above:g}"] if self.above is not None else []
        words += [f"from {self.least:g}"] if self.least is not None else []
        words += [f"to {self.most:g}"] if self.most is not None else []
        return " ".join(words)


def from_plain(kind: type[T], value: Any, at: str = "") -> T:
    """Make a dataclass, or any other value of a type, out of plain JSON values.

    Args:
        kind: A dataclass, `str`, `int`, `float`, `bool`, `tuple[X, ...]`, `dict[str, X]`, a union,
            a `Literal`, `Plain`, or one of these `Annotated` with a `Range`. A field with a default
            may be missing.
        value: As `json.loads` gives it.
        at: Its place, for messages.

    Raises:
        PlainError: Of another type, out of range, not finite, missing or unknown.
    """
    read: Reader = _reader(kind)  # type: ignore[arg-type]
    made: T = read(value, at)
    return made


def as_plain(value: Any) -> Any:
    """Plain JSON values of a dataclass and all that is in it, in the order of the fields."""
    if is_dataclass(value):
        return {each.name: as_plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {key: as_plain(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [as_plain(each) for each in value]
    return value


Reader = Callable[[Any, str], Any]


@cache
def _reader(kind: Any) -> Reader:
    origin, parts = get_origin(kind), get_args(kind)
    if kind is Plain:
        return _as_it_is
    if is_dataclass(kind):
        return _of_dataclass(kind)
    if origin is Annotated:
        return _ranged(_reader(parts[0]), parts[1])
    if origin is Literal:
        return _one_of(parts)
    if origin in (Union, types.UnionType):
        return _union(parts)
    if origin is tuple:
        return _of_list(_reader(parts[0]))
    if origin is dict:
        return _of_mapping(_reader(parts[1]))
    return _SCALARS[kind]


def _as_it_is(value: Any, _: str) -> Any:
    return value


def _of_dataclass(kind: Any) -> Reader:
    def read(value: Any, at: str) -> Any:
        if not isinstance(value, dict):
            raise _unfit(at, value, "an object")
        readers, needed = _fields_of(kind)  # not before: a dataclass may hold others of its kind
        for name in needed:
            if name not in value:
                raise PlainError(f"{_below(at, name)}: missing")
        for name in value:
            if name not in readers:
                raise PlainError(f"{_below(at, name)}: unknown")
        return kind(**{name: readers[name](each, _below(at, name)) for name, each in value.items()})

    return read


@cache
def _fields_of(kind: Any) -> tuple[dict[str, Reader], list[str]]:
    """A reader for each field, and the fields that must be there."""
    hints = get_type_hints(kind, include_extras=True)
    readers = {each.name: _reader(hints[each.name]) for each in fields(kind)}
    needed = [each.name for each in fields(kind) if not _has_default(each)]
    return readers, needed


def _has_default(each: Field[Any]) -> bool:
    return each.default is not MISSING or each.default_factory is not MISSING


def _of_list(read_item: Reader) -> Reader:
    def read(value: Any, at: str) -> Any:
        if not isinstance(value, list):
            raise _unfit(at, value, "a list")
        return tuple(read_item(each, f"{at}[{place}]") for place, each in enumerate(value))

    return read


def _of_mapping(read_item: Reader) -> Reader:
    def read(value: Any, at: str) -> Any:
        if not isinstance(value, dict):
            raise _unfit(at, value, "an object")
        return {name: read_item(each, _below(at, name)) for name, each in value.items()}

    return read


def _union(parts: tuple[Any, ...]) -> Reader:
    others = [_reader(part) for part in parts if part is not type(None)]

    def read(value: Any, at: str) -> Any:
        if value is None and type(None) in parts:
            return None
        for reader in others[:-1]:
            try:
                return reader(value, at)
            except PlainError:
                continue
        return others[-1](value, at)

    return read


def _one_of(allowed: tuple[Any, ...]) -> Reader:
    def read(value: Any, at: str) -> Any:
        if value not in allowed:
            raise _unfit(at, value, " or ".join(map(str, allowed)))
        return value

    return read


def _ranged(read_number: Reader, allowed: Range) -> Reader:
    def read(value: Any, at: str) -> Any:
        number = read_number(value, at)
        if not allowed.holds(number):
            raise _unfit(at, value, str(allowed))
        return number

    return read


def _number(value: Any, at: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _unfit(at, value, "a number")
    return float(value)


def _whole(value: Any, at: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _unfit(at, value, "a whole number")
    return value


def _text(value: Any, at: str) -> str:
    if not isinstance(value, str):
        raise _unfit(at, value, "a text")
    return value


def _flag(value: Any, at: str) -> bool:
    if not isinstance(value, bool):
        raise _unfit(at, value, "true or false")
    return value


_SCALARS: dict[Any, Reader] = {float: _number, int: _whole, str: _text, bool: _flag}


def _unfit(at: str, value: Any, expected: str) -> PlainError:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}..."
    return PlainError(f"{at or 'the value'}: found {shown}, expected {expected}")


def _below(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
