"""Frozen dataclasses that are made quickly: a cold start of the service makes some thirty of them.

`dataclasses` writes and compiles five methods for each class, which takes about a millisecond;
here they share five. `fields`, `replace` and `is_dataclass` know them. For mypy, a module imports
the standard decorator in place of this one.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")


def dataclass(*, frozen: bool) -> Callable[[type[T]], type[T]]:
    """As `dataclasses.dataclass(frozen=True)`, without `__post_init__`."""
    assert frozen  # noqa: S101  (nothing else is made here)
    return _made


def _made(kind: type[T]) -> type[T]:
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(kind)
    made.__init__, made.__repr__ = _init, _repr
    made.__eq__, made.__hash__ = _eq, _hash
    made.__setattr__ = made.__delattr__ = _refuse
    return kind


def _init(self: Any, *given: Any, **named: Any) -> None:
    fields: dict[str, Any] = self.__dataclass_fields__
    if len(given) > len(fields):
        raise TypeError(f"{type(self).__name__} takes {len(fields)} values, {len(given)} given")
    values = dict(zip(fields, given, strict=False))
    twice = sorted(named.keys() & values.keys()) + sorted(named.keys() - fields.keys())
    if twice:
        raise TypeError(f"{type(self).__name__}: {', '.join(twice)} unknown or given twice")
    values |= named
    for name, field in fields.items():
        if name not in values:
            values[name] = _default(self, field)
    self.__dict__.update((name, values[name]) for name in fields)


def _default(self: Any, field: Any) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    if field.default is dataclasses.MISSING:
        raise TypeError(f"{type(self).__name__}: {field.name} is missing")
    return field.default


def _values(self: Any) -> tuple[Any, ...]:
    return tuple(getattr(self, name) for name in self.__dataclass_fields__)


def _repr(self: Any) -> str:
    shown = [name for name, field in self.__dataclass_fields__.items() if field.repr]
    return (
        f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"
    )


def _eq(self: Any, other: object) -> Any:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _refuse(self: Any, name: str, *_: Any) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot change {type(self).__name__}.{name}")
