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
from typing import IO

_WITNESS = """
import os, sys
if not os.read(0, 1):
    end = os.lseek(1, 0, 2)
    os.lseek(1, max(0, end - 10_000), 0)
    said = os.read(1, 10_000).decode(errors="replace").split(chr(10))
    last = next((" ".join(line.split()) for line in reversed(said) if line.strip()), "none")
    told = f"scenelet: {sys.argv[1]}: the process was ended; its last words: {last[:300]}"
    os.write(2, f"{told}. Is there room on the disk, and memory?{chr(10)}".encode())
"""


@contextlib.contextmanager
def quiet(doing: str = "") -> Iterator[None]:
    """Send what is printed inside, from C++ too, aside; show it only if the block fails.

    Output belongs to the whole process, so only the main thread of a command may turn it aside:
    called from any other thread, what that prints is shown, and no thread loses a line.

    Args:
        doing: What is done inside by native code that may end the process (no room, no memory): a
            witness then says so, and its last words, in one line. Empty for code that does not.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with tempfile.TemporaryFile() as chatter, _descriptors_to(chatter.fileno()) as shown:
        try:
            with _witnessed(doing, chatter, shown), _python_to(chatter.fileno()):
                yield
        except BaseException:
            chatter.seek(0)
            os.write(shown, chatter.read())
            raise


@contextlib.contextmanager
def _witnessed(doing: str, chatter: IO[bytes], shown: int) -> Iterator[None]:
    """A process beside this one that speaks only if this one is gone before the block ends."""
    if not doing:
        yield
        return
    import subprocess  # not part of each start

    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-S", "-c", _WITNESS, doing],
        stdin=subprocess.PIPE,
        stdout=chatter,
        stderr=shown,
        start_new_session=True,  # Ctrl-C is for this process alone
    ) as witness:
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                witness.communicate(b".")


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
