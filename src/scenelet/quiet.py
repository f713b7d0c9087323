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
    sys.stdout.flush()
    sys.stderr.flush()
    before = logging.root.manager.disable
    with tempfile.TemporaryFile() as chatter:
        saved = os.dup(1), os.dup(2)
        try:
            os.dup2(chatter.fileno(), 1)
            os.dup2(chatter.fileno(), 2)
            logging.disable(logging.WARNING)
            aside = io.TextIOWrapper(
                io.BufferedWriter(io.FileIO(chatter.fileno(), "w", closefd=False)),
                write_through=True,
            )
            with (
                warnings.catch_warnings(),
                contextlib.redirect_stdout(aside),
                contextlib.redirect_stderr(aside),
            ):
                warnings.simplefilter("ignore")
                yield
        except BaseException:
            chatter.seek(0)
            os.write(saved[1], chatter.read())
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            logging.disable(before)
            os.dup2(saved[0], 1)
            os.dup2(saved[1], 2)
            os.close(saved[0])
            os.close(saved[1])
