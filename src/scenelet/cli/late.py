"""Commands whose module is loaded when they are asked for; help lists them by their lines."""

from collections import UserDict
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True)
class Late:
    """A command, or a group of them, that is not loaded yet.

    Attributes:
        place: "module:name" in `scenelet.cli`.
        told: Its line in the list of commands; empty: it works, and is in no list.
    """

    place: str
    told: str = ""

    def load(self, name: str) -> Any:
        """The command itself, as typer makes it."""
        module, _, found = self.place.partition(":")
        command = getattr(import_module(f"scenelet.cli.{module}"), found)
        alone = typer.Typer(rich_markup_mode="markdown")
        alone.callback()(lambda: None)  # with it, one command stays a group
        if isinstance(command, typer.Typer):
            alone.add_typer(command, name=name)
        else:
            alone.command(name, hidden=not self.told)(command)
        return typer.main.get_group(alone).commands[name]


class Commands(UserDict[str, Any]):
    """Commands by name, each loaded when it is first read by it."""

    def __getitem__(self, name: str) -> Any:
        """A command; loaded now, if it is not yet."""
        found = super().__getitem__(name)
        if isinstance(found, Late):
            found = self[name] = found.load(name)
        return found


class LateGroup(TyperGroup):
    """A group of late commands.

    Attributes:
        panels: Headings of the list, and the commands below each.
        unlisted: Commands in no list.
    """

    panels: ClassVar[Mapping[str, Mapping[str, Late]]]
    unlisted: ClassVar[Mapping[str, Late]]

    def __init__(self, **attributes: Any) -> None:
        """Args: as typer gives them."""
        super().__init__(**attributes)
        listed = {name: late for under in self.panels.values() for name, late in under.items()}
        self.commands: MutableMapping[str, Any] = Commands({**listed, **self.unlisted})

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  (as click calls it)
        """In the order of the list."""
        return list(self.commands)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  (as click calls it)
        """What stands for it in help and completion."""
        for panel, commands in self.panels.items():
            if cmd_name in commands:
                told = commands[cmd_name].told
                return TyperCommand(cmd_name, help=told, rich_help_panel=panel)
        return TyperCommand(cmd_name, hidden=True) if cmd_name in self.unlisted else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command itself, which is about to run."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.commands[name] if name and command else None, rest
