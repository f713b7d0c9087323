"""Metric lines of a server into a file, for `scenelet drift`. No picture, no URL."""

import os
from pathlib import Path

from scenelet.errors import ArtefactError
from scenelet.serve.metrics import metric_line
from scenelet.serve.predictor import Prediction


class LogFile:
    """A file that several processes append to, a line an answer."""

    def __init__(self, path: Path) -> None:
        """Open it, or begin it.

        Raises:
            ArtefactError: It can't be written.
        """
        self.path, self._has_failed = path, False
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            raise ArtefactError(
                f"--log {path}: can't be written: {error.strerror}. Give a file in a folder that"
                " is there."
            ) from error

    def tell(self, prediction: Prediction) -> None:
        """Add a line, in one write; a log that can't be written costs nobody their answer."""
        try:
            os.write(self._file, f"{metric_line(prediction, 'line')}\n".encode())
        except OSError as error:
            if not self._has_failed:
                print(f"scenelet: --log {self.path}: {error.strerror}; answers go on", flush=True)
            self._has_failed = True
