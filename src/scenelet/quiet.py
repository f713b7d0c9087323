"""Keep the chatter of native libraries off the terminal."""

import contextlib
import io
import logging
import os
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send what is printed inside, from C++ too, aside; show it only if the block fails.

    Output belongs to the whole process, so only the main thread of a command may turn it aside:
    called from any other thread, what that prints is shown, and no thread loses a line.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with tempfile.TemporaryFile() as chatter, _descriptors_to(chatter.fileno()) as shown:
        try:
            with _python_to(chatter.fileno()):
                yield
        except BaseException:
            chatter.seek(0)
            os.write(shown, chatter.read())
            raise


@contextlib.contextmanager
def _descriptors_to(aside: int) -> Iterator[int]:
    """Whatever the process prints goes to another descriptor; yields where its errors went."""
    _flush()
    before = {number: os.dup(number) for number in (1, 2)}
    try:
        for number in before:
            os.dup2(aside, number)
        yield before[2]
    finally:
        _flush()
        for number, kept in before.items():
            os.dup2(kept, number)
            os.close(kept)


@contextlib.contextmanager
def _python_to(aside: int) -> Iterator[None]:
    """What Python prints too, wherever `sys.stdout` leads; warnings and their logs nowhere."""
    file = io.FileIO(aside, "w", closefd=False)
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            io.TextIOWrapper(io.BufferedWriter(file), write_through=True) as printed,
            warnings.catch_warnings(),
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
