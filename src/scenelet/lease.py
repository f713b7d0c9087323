"""Leases: one holder at a time of what lies on a shelf, whichever machine it is on.

Where `locks.py` needs one machine, a lease is an object that its holder writes again and again. A
holder that has not for a while, or whose process has died on this machine, has lost it. Each holder
is the next in number, and of two who want the same number the store lets one write it.
"""

import os
import platform
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from scenelet.errors import ArtefactError, ConfigError
from scenelet.shelf import Shelf

BEAT_S, LOST_S = 20.0, 90.0


@dataclass
class Lease:
    """What somebody holds.

    Attributes:
        shelf: Where it lies.
        name: Of its object, with its number.
        owner: Who holds it: machine, process and a random word.
        is_lost: Whether somebody else has taken it, because this one fell silent.
    """

    shelf: Shelf
    name: str
    owner: bytes
    is_lost: bool = field(default=False)

    def check(self) -> None:
        """See to it that it is still held, before something is written.

        Raises:
            ConfigError: Somebody else has taken over.
        """
        if self.is_lost:
            raise ConfigError(
                f"{self.shelf.name}: another process has taken over, since this one did not say for"
                f" {LOST_S:.0f} s that it lives. Let that one end."
            )

    def beat(self) -> None:
        """Say that its holder lives; where another has a higher number, it is lost."""
        with suppress(ArtefactError):  # a store that fails for a moment
            self.is_lost = self.is_lost or self.shelf.names("lease")[-1:] != [self.name]
            if self.is_lost:
                self.shelf.remove(self.name)  # written again while the other took over
            else:
                self.shelf.write(self.name, self.owner)


@contextmanager
def leased(shelf: Shelf, what: str, beat_s: float = BEAT_S) -> Iterator[Lease]:
    """Hold a lease while the block runs.

    Args:
        shelf: That it is for; objects below `lease/` are its own.
        what: Is done there, for the message: "answering into it".
        beat_s: How often the holder says that it lives.

    Raises:
        ConfigError: Somebody else holds it: who, and for how long that may last.
        ArtefactError: The shelf can't be written.
    """
    lease = _taken(shelf, what)
    over = threading.Event()

    def live() -> None:
        while not over.wait(beat_s):
            lease.beat()

    beating = threading.Thread(target=live, daemon=True)
    beating.start()
    try:
        yield lease
    finally:
        over.set()
        beating.join()
        if not lease.is_lost:
            shelf.remove(lease.name)


def _taken(shelf: Shelf, what: str) -> Lease:
    held = shelf.names("lease")
    last = held[-1] if held else ""
    if last:
        _refuse_living(shelf, last, what)
    number = int(last.rpartition("/")[2] or 0) + 1
    owner = f"{platform.node()} {os.getpid()} {secrets.token_hex(8)}".encode()
    lease = Lease(shelf, f"lease/{number:06}", owner)
    if not shelf.claim(lease.name, owner):
        raise _busy(shelf, what, "another process", LOST_S)
    for name in held:
        shelf.remove(name)
    return lease


def _refuse_living(shelf: Shelf, name: str, what: str) -> None:
    try:
        machine, process, _ = shelf.read(name).decode().split(" ")
        age_s = shelf.age_s(name)
    except (KeyError, ValueError):  # given back just now, or nobody's
        return
    is_dead = machine == platform.node() and not _lives(int(process))
    if age_s is not None and age_s < LOST_S and not is_dead:
        raise _busy(shelf, what, f"process {process} on {machine}", LOST_S - age_s)


def _busy(shelf: Shelf, what: str, who: str, most_s: float) -> ConfigError:
    return ConfigError(
        f"{shelf.name}: {who} is {what}. Let it end, or give another place; if it is gone, wait"
        f" {most_s:.0f} s."
    )


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True
