"""Steps: scenelet commands run one after another, each shown as what does it alone.

What a step says is passed on line by line, without its own "next", and never ten seconds pass
without a sign.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from queue import Empty, SimpleQueue
from threading import Thread
from typing import IO

import typer

from scenelet.cli.output import command, note

SIGN_EACH_S = 8.0
_INNER = "next: "


def step(*words: object) -> None:
    """One command, said and done.

    Raises:
        typer.Exit: It failed, and has said why.
    """
    typer.echo(err=True)
    note(f"$ {command('scenelet', *map(str, words))}", "bold")
    told = [sys.executable, "-m", "scenelet", *map(str, words)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(  # noqa: S603
        told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    ) as process:
        assert process.stdout is not None  # noqa: S101  (piped)
        for line in _told(process.stdout, str(words[0])):
            typer.echo(line, err=True)
    if process.returncode:
        raise typer.Exit(process.returncode)


def _told(output: IO[bytes], what: str, each_s: float = SIGN_EACH_S) -> Iterator[str]:
    """The lines of a step, and a sign where it is silent."""
    lines: SimpleQueue[bytes | None] = SimpleQueue()
    Thread(target=_read, args=(output, lines), daemon=True).start()
    begun_s = time.monotonic()
    while True:
        try:
            line = lines.get(timeout=each_s)
        except Empty:
            yield f"{what} goes on: {time.monotonic() - begun_s:.0f} s"
            continue
        if line is None:
            return
        shown = line.decode(errors="backslashreplace").rstrip("\n")
        if not shown.startswith(_INNER):
            yield shown


def _read(output: IO[bytes], lines: "SimpleQueue[bytes | None]") -> None:
    for line in output:
        lines.put(line)
    lines.put(None)
