"""A bundle folder that may be replaced while it is served."""

import threading
import time
from pathlib import Path

from scenelet.bundle.contract import CONTRACT
from scenelet.errors import BundleError
from scenelet.serve.predictor import Predictor

LOOK_AGAIN_S = 1.0


class ReplaceableBundle:
    """The predictor of a bundle folder.

    When the folder is replaced, the new bundle answers from then on.

    A request that has begun keeps the predictor that it began with. A new bundle that can't be used
    is told once, then ignored.
    """

    def __init__(self, folder: Path, copies: int) -> None:
        """Load.

        Raises:
            BundleError: It can't be trusted or read.
        """
        self.folder, self.copies = folder, copies
        self._stamp, self._looked_s = self._read_stamp(), time.monotonic()
        self._lock = threading.Lock()
        self._predictor = self._load()

    def __call__(self) -> Predictor:
        """The predictor of now."""
        if time.monotonic() - self._looked_s > LOOK_AGAIN_S and self._lock.acquire(blocking=False):
            try:
                self._look_again()
            finally:
                self._lock.release()
        return self._predictor

    def _look_again(self) -> None:
        self._looked_s = time.monotonic()
        stamp = self._read_stamp()
        if stamp in (self._stamp, None):
            return
        self._stamp = stamp
        try:
            self._predictor = self._load()
            told = "its new bundle answers now"
        except BundleError as error:
            told = f"a bundle that can't be used, the old one goes on: {error}"
        print(f"scenelet: {self.folder} was replaced: {told}", flush=True)

    def _load(self) -> Predictor:
        return Predictor(self.folder, copies=self.copies)

    def _read_stamp(self) -> tuple[int, int] | None:
        try:
            found = (self.folder / CONTRACT).stat()
        except OSError:  # in the moment of replacing
            return None
        return found.st_mtime_ns, found.st_ino
