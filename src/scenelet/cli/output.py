"""What every command shares: progress on stderr, a clear line for a missing extra, the closing line."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console

from scenelet.errors import MissingExtraError


def stderr() -> Console:
    """Console for progress and remarks."""
    return Console(stderr=True)


def stdout() -> Console:
    """Console for results that people read."""
    return Console(highlight=False)


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Around an import: turn a missing package into one line.

    Raises:
        MissingExtraError: In place of ImportError.
    """
    try:
        yield
    except ImportError as error:
        raise MissingExtraError(
            f"this command needs scenelet[{extra}] ({error.name} is not installed). Install it: pip"
            f" install 'scenelet[{extra}]'"
        ) from error


def wrote(what: str, path: Path, next_command: str | None = None) -> None:
    """The last line: what was written, and what to do next."""
    typer.echo(f"wrote {what}: {path}" + (f"\nnext: {next_command}" if next_command else ""))
