"""What every command shares: results on stdout, remarks on stderr.

Names of people are printed as they are: nothing of them is markup, and nothing breaks a line.
"""

import json
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.cells import set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scenelet.extras import needs_extra as needs_extra  # the commands ask for it here
from scenelet.text import address, elided, one_line, shell

if TYPE_CHECKING:
    from scenelet.dataset.row import Row

CELL_LETTERS = 40  # of a name in a table
WIDEST = 10_000  # no table is


def stderr() -> Console:
    """Console for progress and remarks."""
    return Console(stderr=True)


def stdout() -> Console:
    """Console for results that people read."""
    return Console(highlight=False)


def tell(line: str) -> None:
    """One line of the result."""
    typer.echo(one_line(line))


def note(line: str, style: str = "") -> None:
    """A remark, on stderr."""
    stderr().print(Text(one_line(line), style=style), soft_wrap=True)


def tell_json(value: Any) -> None:
    """The result for machines: one object, one line; half letters as JSON's own escapes."""
    text = json.dumps(value, ensure_ascii=False)
    typer.echo(text.encode("utf-8", "backslashreplace").decode())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table of the result, set apart by a line; names too long lose their middle.

    As wide as it is, whatever the terminal: nothing of a result is cut away.
    """
    typer.echo()
    drawn = Table(box=None, pad_edge=False, show_header=any(head), header_style="bold")
    for heading in head:
        drawn.add_column(_cell(heading), no_wrap=True)
    for row in rows:
        drawn.add_row(*map(_cell, row))
    console = stdout()
    console.width = max(
        1, console.measure(drawn, options=console.options.update(width=WIDEST)).maximum
    )
    console.print(drawn)


class Columns:
    """A table told row by row, as soon as each is known: columns of fixed width."""

    def __init__(self, columns: Sequence[tuple[str, int]]) -> None:
        """Headings, each with the letters that its column is wide."""
        self._columns, self._begun = columns, False

    def tell(self, row: Sequence[str]) -> None:
        """One row; what is too long loses its middle."""
        if not self._begun:
            self._begun = True
            self.tell([heading for heading, _ in self._columns])
        widths = [width for _, width in self._columns]
        cells = (
            set_cell_size(elided(one_line(text), width), width)
            for text, width in zip(row, widths, strict=True)
        )
        typer.echo("  ".join(cells).rstrip())


def left_out(rows: Sequence["Row"], most: int = 5) -> None:
    """Which images were left out, and why: the first by name, the others by number."""
    for row in rows[:most]:
        note(f"left out: {row.path}: {row.excluded}", "yellow")
    if len(rows) > most:
        note(f"left out: {len(rows) - most:,} more; --json names them all", "yellow")


def _cell(text: str) -> Text:
    return Text(elided(one_line(text), CELL_LETTERS))


def require(extra: str, package: str) -> None:
    """See to it that a package is here, without loading it; raises as `needs_extra`."""
    with needs_extra(extra):
        if find_spec(package) is None:
            raise ModuleNotFoundError(name=package)


def wrote(what: str, path: Path, next_command: str | None = None) -> None:
    """The last lines: what was written, and what to do next."""
    tell(f"wrote {what}: {address(path)}")
    if next_command:
        tell(f"next: {next_command}")


def command(*words: str | Path) -> str:
    """A command to be copied, whatever its paths hold."""
    return shell(*words)
