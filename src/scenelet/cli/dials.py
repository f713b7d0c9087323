"""A recipe's dials as options of a command, derived from where they are written; and `--set`."""

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Annotated, Any

import typer

from scenelet.cli.signature import taking
from scenelet.errors import ConfigError
from scenelet.runs.dial import Dial, dials_of, table
from scenelet.runs.recipe import TrainConfig

Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any dial of the recipe; may be repeated."),
]


def with_dials(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that ends in `**dials` an option for each dial with a flag, and `--dials`."""
    own = inspect.signature(command, eval_str=True)
    parameters = [each for each in own.parameters.values() if each.kind is not each.VAR_KEYWORD]
    parameters += [_option(each) for each in dials_of(TrainConfig).values() if each.flag]
    parameters.append(_listing())

    @wraps(command)
    def with_options(**values: Any) -> None:
        values.pop("dials")
        command(**values)

    return taking(with_options, parameters)


def chosen(dials: Mapping[str, Any], pairs: list[str] | None) -> dict[str, Any]:
    """Dials given by options and by `--set`, which wins; None where an option was not given."""
    options = {
        name: ",".join(value) if isinstance(value, list) else value for name, value in dials.items()
    }
    return options | set_dials(pairs)


def set_dials(pairs: list[str] | None) -> dict[str, str]:
    """KEY=VALUE of `--set` as a mapping.

    Raises:
        ConfigError: Without "=".
    """
    split = [pair.partition("=") for pair in pairs or []]
    for key, sign, _ in split:
        if not sign:
            example = "--set label_smoothing=0.05"
            raise ConfigError(f"--set {key}: expected KEY=VALUE, for example {example}")
    return {key.strip().replace("-", "_"): value.strip() for key, _, value in split}


def _option(dial: Dial) -> inspect.Parameter:
    kind = list[str] if dial.repeated else dial.kind
    help_text = dial.help + (" May be repeated." if dial.repeated else "")
    return _keyword(dial.name, Annotated[kind | None, typer.Option(help=help_text)], None)


def _listing() -> inspect.Parameter:
    listing = typer.Option("--dials", is_eager=True, callback=_list_dials, help="List every dial.")
    return _keyword("dials", Annotated[bool, listing], False)


def _keyword(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(name, kind, default=default, annotation=annotation)


def _list_dials(wanted: bool) -> None:
    if not wanted:
        return
    for name, default, expected, meaning in table(TrainConfig):
        typer.echo(f"{name} = {default or '(none)'}    [{expected}]\n    {meaning}")
    raise typer.Exit
