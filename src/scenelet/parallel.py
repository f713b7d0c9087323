"""Work on all cores in threads, results in order, only a little in flight.

Knows nothing of what the work is.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Advance = Callable[[], None]
_AT_ONCE = 8
_MOST_AT_ONCE = 4  # of one reader: what it has read waits in memory
WAITING = 16  # readers where each waits for a network
Item = TypeVar("Item")
Result = TypeVar("Result")


def silent() -> None:
    """Progress that nobody watches."""


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parallel(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    advance: Advance = silent,
    waits: bool = False,
) -> Iterator[Result]:
    """Apply `work` on all cores, results in order, only a few hundred in flight.

    Threads do, for Pillow and LiteRT run without the interpreter's lock.

    Items are handed over a few at a time: one at a time, handing over takes a tenth of a fast
    model's answer. With `waits` each waits for a network: many at once, and so few at a time that
    all readers have some.
    """
    queue, workers = iter(items), max(WAITING, cores()) if waits else cores()
    at_once = _for_all(items, workers) if waits else _AT_ONCE
    ahead = max(1, 2 // at_once) if waits else 8
    groups = iter(lambda: list(islice(queue, at_once)), [])

    def work_on(group: list[Item]) -> list[Result]:
        return [work(item) for item in group]

    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[list[Result]]] = deque(
            pool.submit(work_on, group) for group in islice(groups, ahead * workers)
        )
        try:
            while waiting:
                results = waiting.popleft().result()
                waiting.extend(pool.submit(work_on, group) for group in islice(groups, 1))
                for result in results:
                    advance()
                    yield result
        finally:
            for future in waiting:
                future.cancel()


def _for_all(items: Iterable[object], workers: int) -> int:
    """How many of them a reader takes at a time; one, where nobody knows how many there are."""
    count = len(items) if isinstance(items, Sized) else 0
    return max(1, min(_MOST_AT_ONCE, count // workers))
