"""Pictures, one of which ends the process that reads it. Ray's workers import this by its name."""

import os
import signal
from dataclasses import dataclass

from scenelet.files import Entry

DEADLY = "055.jpg"


@dataclass(frozen=True)
class DeadlyPlace:
    """120 times one picture; reading the 56th is deadly.

    Attributes:
        picture: Its bytes.
    """

    picture: bytes
    name = "deadly"
    is_far = False

    def entries(self):
        return (Entry(f"{number:03}.jpg") for number in range(120))

    def read(self, path):
        if path == DEADLY:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.picture
