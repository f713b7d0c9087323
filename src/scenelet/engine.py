"""Engines: where the numbered parts of a job are worked on, this machine or a cluster.

Knows nothing of what the work is. The cluster's engine is in `cluster/`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from typing import Generic, Protocol, TypeVar

from scenelet.parallel import Advance, cores, silent

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Part(Generic[Item]):
    """A piece of a job that is done as a whole, or again.

    Attributes:
        number: From 0.
        items: What it is made of.
        name: For messages.
    """

    number: int
    items: Sequence[Item]
    name: str = ""


Worker = Callable[[Part[Item]], Result]
MakeWorker = Callable[[], Worker[Item, Result]]
Done = Iterator[tuple[Part[Item], Result]]


class Engine(Protocol):
    """Where the parts of a job are worked on: this machine, or a cluster.

    A maker of workers and its parts are plain values, for they may travel.
    """

    @property
    def workers(self) -> int:
        """How many parts are worked on at once."""

    def map(
        self, make_worker: MakeWorker[Item, Result], parts: Iterable[Part[Item]]
    ) -> Done[Item, Result]:
        """Each part with what a worker made of it, in the order in which they are done.

        Args:
            make_worker: Called once in each process that works; what it returns gets the parts.
            parts: Taken as there is somebody to work on them.

        Raises:
            SceneletError: Raised by a worker, or parts could not be done: which.
        """


class InProcess:
    """Parts one after the other in this process, whose workers use all cores by themselves."""

    workers = 1

    def map(
        self, make_worker: MakeWorker[Item, Result], parts: Iterable[Part[Item]]
    ) -> Done[Item, Result]:
        """As `Engine.map`, in the order of the parts."""
        work = make_worker()
        for part in parts:
            yield part, work(part)


class Processes:
    """Parts in a process for each core: for work that holds the interpreter's lock."""

    @property
    def workers(self) -> int:
        """The cores of this machine."""
        return cores()

    def map(
        self, make_worker: MakeWorker[Item, Result], parts: Iterable[Part[Item]]
    ) -> Done[Item, Result]:
        """As `Engine.map`, in the order of the parts; few of them are worked on in this process."""
        todo = list(parts)
        workers, done = min(self.workers, len(todo) // 4), 0
        try:
            if workers > 1:
                with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                    for each in pool.map(_work, [make_worker] * len(todo), todo):
                        yield todo[done], each
                        done += 1
        except BrokenProcessPool:  # a script without a main guard, or a system short of memory
            pass
        yield from InProcess().map(make_worker, todo[done:])


def _work(make_worker: MakeWorker[Item, Result], part: Part[Item]) -> Result:
    return make_worker()(part)


def in_parts(items: Iterable[Item], size: int) -> Iterator[Part[Item]]:
    """Cut into numbered parts, taken as they are asked for.

    Args:
        items: Any number.
        size: Of a part; the last may be smaller.
    """
    queue, number = iter(items), 0
    while piece := tuple(islice(queue, size)):
        yield Part(number, piece)
        number += 1


def gathered(
    engine: Engine,
    make_worker: MakeWorker[Item, Sequence[Result]],
    items: Iterable[Item],
    size: int,
    advance: Advance = silent,
) -> list[Result]:
    """What workers make of each item, in the order of the items.

    Args:
        engine: That does the work.
        make_worker: As `Engine.map` has it; a worker gives one result an item of its part.
        items: Any number.
        size: Of a part.
        advance: Called after each item.
    """
    found = dict[int, Sequence[Result]]()
    for part, made in engine.map(make_worker, in_parts(items, size)):
        found[part.number] = made
        for _ in made:
            advance()
    return [each for number in sorted(found) for each in found[number]]
