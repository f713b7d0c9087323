"""Progress across machines: what a process of the cluster says is heard where the command runs."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import ray

from scenelet.cluster.connection import beside_driver
from scenelet.parallel import silent
from scenelet.progress import Progress

_EACH_S = 0.5


class _Ear:
    """An actor: keeps what was said until it is asked for."""

    def __init__(self) -> None:
        self._said: list[tuple[Any, ...]] = []

    def hear(self, *what: Any) -> None:
        """Keep it."""
        self._said.append(what)

    def said(self) -> list[tuple[Any, ...]]:
        """All since it was last asked."""
        said, self._said = self._said, []
        return said


@dataclass(frozen=True)
class Telling:
    """A progress, as `progress.Progress` has it, that tells an ear of the cluster.

    Attributes:
        ear: Its actor.
        name: Of who tells, where several do; their counts are not heard.
    """

    ear: Any
    name: str = ""

    def of(self, name: str) -> "Telling":
        """The same ear, told by one of several that work at once."""
        return replace(self, name=name)

    def say(self, line: str) -> None:
        """Tell one line."""
        self.ear.hear.remote("say", f"{self.name}: {line}" if self.name else line)

    @contextmanager
    def counting(self, what: str, total: int = 0) -> Iterator[Callable[[], None]]:
        """Tell the count twice a second."""
        if self.name:
            yield silent
            return
        self.ear.hear.remote("begin", what, total)
        waiting, next_s = 0, 0.0

        def advance() -> None:
            nonlocal waiting, next_s
            waiting += 1
            if time.monotonic() >= next_s:
                self.ear.hear.remote("count", waiting)
                waiting, next_s = 0, time.monotonic() + _EACH_S

        try:
            yield advance
        finally:
            self.ear.hear.remote("count", waiting)
            self.ear.hear.remote("end")


@contextmanager
def heard(progress: Progress) -> Iterator[Telling]:
    """Hear what the cluster says while the block runs."""
    beside = beside_driver()
    ear = ray.remote(_Ear).options(num_cpus=0, scheduling_strategy=beside, max_restarts=-1).remote()
    over, hearer = threading.Event(), _Hearer(progress)

    def listen() -> None:
        while not over.wait(_EACH_S):
            hearer.hear(_said_to(ear))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield Telling(ear)
    finally:
        over.set()
        thread.join()
        hearer.hear(_said_to(ear))
        hearer.end()
        ray.kill(ear)


def _said_to(ear: Any) -> list[tuple[Any, ...]]:
    try:
        said: list[tuple[Any, ...]] = ray.get(ear.said.remote())
    except ray.exceptions.RayError:  # its process was killed: what it had heard is lost, no more
        return []
    return said


class _Hearer:
    """Tells a progress here what was heard; one count at a time."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._counting: AbstractContextManager[Callable[[], None]] | None = None
        self._advance: Callable[[], None] | None = None

    def hear(self, said: list[tuple[Any, ...]]) -> None:
        """Pass on what was said, in its order."""
        for kind, *rest in said:
            if kind == "say":
                self._progress.say(*rest)
            elif kind == "begin":
                self.end()
                self._counting = self._progress.counting(*rest)
                self._advance = self._counting.__enter__()
            elif kind == "count" and self._advance:
                for _ in range(rest[0]):
                    self._advance()
            elif kind == "end":
                self.end()

    def end(self) -> None:
        """End a count that is under way."""
        if self._counting:
            self._counting.__exit__(None, None, None)
        self._counting = self._advance = None
