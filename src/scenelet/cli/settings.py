"""Settings as options of a command, derived from the fields where they are written."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from functools import wraps
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import typer

from scenelet.cli.signature import taking


def with_settings(
    load: Callable[[], tuple[type, ...]], hidden: tuple[str, ...] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command that ends in `**settings` an option for each field with a meaning.

    Args:
        load: Gives the classes of settings.
        hidden: Fields that are no options.
    """

    def give(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        parameters = [each for each in own.parameters.values() if each.kind is not each.VAR_KEYWORD]
        found = [each for kind in load() for each in fields(kind) if "help" in each.metadata]
        parameters += [_option(each) for each in found if each.name not in hidden]

        @wraps(command)
        def with_options(**values: Any) -> None:
            command(**values)

        return taking(with_options, parameters)

    return give


def given(values: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Those of the values that are fields of a class and were given."""
    kinds: dict[str, Any] = {each.name: get_origin(each.type) for each in fields(kind)}
    return {
        name: kinds[name](value) if kinds[name] in (tuple, frozenset) else value
        for name, value in values.items()
        if name in kinds and value is not None
    }


def _option(each: Field[Any]) -> inspect.Parameter:
    flag = each.metadata["flag"] or each.name.replace("_", "-")
    kind = _kind(each.type)
    names = f"--{flag}/--no-{flag}" if kind is bool else f"--{flag}"
    option = typer.Option(names, help=each.metadata["help"], show_default=_default(each))
    return inspect.Parameter(
        each.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[kind | None, option],
    )


def _kind(stated: Any) -> Any:
    """What typer is to read: a list where several are kept, the type itself beside None."""
    if get_origin(stated) in (tuple, frozenset):
        return list[str]
    if get_origin(stated) in (Union, UnionType):
        return next(each for each in get_args(stated) if each is not type(None))
    return stated


def _default(each: Field[Any]) -> bool | str:
    return str(each.default) if each.default not in (None, "", (), frozenset()) else False
