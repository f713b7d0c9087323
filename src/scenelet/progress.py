"""What a long job says while it works: lines, and a count of what it goes through.

The rooms know the protocol alone; who listens (a terminal, a page, nobody) is handed in.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars

_LINE_EACH_S = 10.0  # where there is no bar
_SIGN_EACH_S = 8.0  # where there is nothing to count


class Progress(Protocol):
    """Somebody who may be told how a job goes on."""

    def say(self, line: str) -> None:
        """Tell one line, for a person."""

    def counting(self, what: str, total: int = 0) -> AbstractContextManager[Callable[[], None]]:
        """Count pictures that are gone through; yields what to call after each.

        Args:
            what: A word or two, "examining".
            total: How many there will be; 0 where nobody knows yet.
        """


class _Silent:
    """Nobody listens."""

    def say(self, line: str) -> None:
        """Is not heard."""

    @contextmanager
    def counting(self, what: str, total: int = 0) -> Iterator[Callable[[], None]]:  # noqa: ARG002
        """Is not seen."""
        yield _nothing


def _nothing() -> None:
    pass


SILENT: Progress = _Silent()


@contextmanager
def waited(progress: Progress, what: str) -> Iterator[None]:
    """Say every few seconds that something which can't be counted goes on; nothing if it is quick.

    Args:
        progress: Is told, by another thread.
        what: "looking for pictures in photos".
    """
    ended, begun_s = threading.Event(), time.monotonic()

    def tell() -> None:
        while not ended.wait(_SIGN_EACH_S):
            progress.say(f"{what}, for {time.monotonic() - begun_s:.0f} s now")

    teller = threading.Thread(target=tell, name="sign of life", daemon=True)
    teller.start()
    try:
        yield
    finally:
        ended.set()
        teller.join()


class ConsoleProgress:
    """Lines on stderr, and bars with images/s and time left; on no terminal, lines alone."""

    def __init__(self, console: "Console | None" = None) -> None:
        from rich.console import Console  # rich takes a tenth of a second; SILENT needs none of it

        self._console = console or Console(stderr=True)

    def say(self, line: str) -> None:
        """Print the line as it is, above a bar if there is one."""
        from rich.text import Text

        self._console.print(Text(line), soft_wrap=True)

    @contextmanager
    def counting(self, what: str, total: int = 0) -> Iterator[Callable[[], None]]:
        """Show a bar, gone when the counting ends; a line every ten seconds elsewhere."""
        if not self._console.is_terminal:
            yield _Lines(self.say, what, total)
            return
        with _bars(self._console) as bars:
            task = bars.add_task(what, total=total or None, speed="")

            def advance() -> None:
                bars.advance(task)
                speed = bars.tasks[0].finished_speed or bars.tasks[0].speed
                bars.update(task, speed=f"{speed:.0f} images/s" if speed else "")

            yield advance


class _Lines:
    """Says what is begun, and every ten seconds how far it is."""

    def __init__(self, say: Callable[[str], None], what: str, total: int) -> None:
        self._say, self._what, self._total, self._done = say, what, total, 0
        self._next_s = time.monotonic() + _LINE_EACH_S
        say(f"{what} {total:,} images" if total else what)

    def __call__(self) -> None:
        self._done += 1
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + _LINE_EACH_S
        of = f" of {self._total:,}" if self._total else ""
        self._say(f"{self._what}: {self._done:,}{of}")


def _bars(console: "Console") -> "Bars":
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True, text_format="{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=console, transient=True)
