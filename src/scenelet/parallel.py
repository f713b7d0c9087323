"""Work on all cores in threads, results in order, only a little in flight. Knows nothing of what the work is."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Advance = Callable[[int], None]
Item = TypeVar("Item")
Result = TypeVar("Result")


def silent(_: int) -> None:
    """Progress that nobody watches."""


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_parallel(work: Callable[[Item], Result], items: Iterable[Item], advance: Advance = silent) -> Iterator[Result]:
    """Apply `work` on all cores, results in order, only a few hundred in flight (Pillow decodes without the GIL)."""
    workers = cores()
    with ThreadPoolExecutor(workers) as pool:
        queue = iter(items)
        waiting: deque[Future[Result]] = deque(pool.submit(work, item) for item in islice(queue, 64 * workers))
        try:
            while waiting:
                result = waiting.popleft().result()
                waiting.extend(pool.submit(work, item) for item in islice(queue, 1))
                advance(1)
                yield result
        finally:
            for future in waiting:
                future.cancel()
