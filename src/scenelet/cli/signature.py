"""What typer sees of a command whose options are derived from fields."""

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature

Command = Callable[..., None]


def taking(command: Command, parameters: Sequence[Parameter]) -> Command:
    """The command, which says that it takes these parameters."""
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    command.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return command
