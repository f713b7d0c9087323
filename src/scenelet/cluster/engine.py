"""Work on the parts of a job as ray's tasks, each retried where its process or its machine dies.

A process that works keeps what it has made for its parts (a model), and does many of them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import ray

from scenelet.cluster.nodes import Origin
from scenelet.engine import Done, Item, MakeWorker, Part, Result, Worker
from scenelet.errors import ClusterError

TRIES = 4
_NAMED = 5
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")  # ray tells it in errors of its own
_made: dict[str, Worker[Any, Any]] = {}  # of this process, by what made them


@dataclass(frozen=True)
class RayEngine:
    """The cluster that this process is connected to.

    Attributes:
        wished: Processes that work at once; 0: one for each CPU that there is.
        gpus_per_worker: That each of them is given.
    """

    wished: int = 0
    gpus_per_worker: float = 0.0

    @property
    def workers(self) -> int:
        """How many parts are worked on at once."""
        return self.wished or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def map(
        self, make_worker: MakeWorker[Item, Result], parts: Iterable[Part[Item]]
    ) -> Done[Item, Result]:
        """As `Engine.map`; parts that kill their process do not keep the others from being done.

        Raises:
            ClusterError: Such parts, named; or nodes differ.
        """
        task = ray.remote(_work).options(
            num_cpus=1,
            num_gpus=self.gpus_per_worker,
            max_retries=TRIES - 1,
            scheduling_strategy="SPREAD",
        )
        maker, deadly = [ray.put((Origin.here(), make_worker))], list[str]()
        queue = iter(parts)
        begun: dict[Any, Part[Item]] = {}

        def begin(most: int) -> None:
            for part in islice(queue, most):
                begun[task.remote(maker, part)] = part

        begin(self.workers)
        try:
            while begun:
                (first, *_), _ = ray.wait(list(begun), num_returns=1)
                part = begun.pop(first)
                begin(self.workers - len(begun))
                try:
                    result: Result = _result(first)
                except ray.exceptions.RayError as error:
                    deadly.append(f"{part.name or f'part {part.number}'}: {_cause(error)}")
                else:
                    yield part, result
        finally:
            for each in begun:
                ray.cancel(each, force=True)
        _refuse(deadly)


def _result(reference: Any) -> Any:
    """What a task made; what it raised of ours is raised as it is."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        raise caused(error) from error


def caused(error: ray.exceptions.RayTaskError) -> Exception:
    """What a process of the cluster raised; in words where its machine lacks a package."""
    cause: Exception = error.cause
    return lacking(cause) or cause


def lacking(error: BaseException) -> ClusterError | None:
    """In words: a node lacks a package; None where an error is of something else."""
    found = _NO_MODULE.search(str(error))
    if not found:
        return None
    return ClusterError(
        f"a node of the cluster lacks {found[1]}. Install scenelet with the same extras there."
    )


def _cause(error: Exception) -> str:
    return {
        "WorkerCrashedError": "the process was killed",
        "OutOfMemoryError": "the machine had no memory left",
        "NodeDiedError": "the machine was lost",
        "LocalRayletDiedError": "the machine was lost",
    }.get(type(error).__name__, type(error).__name__)


def _refuse(deadly: list[str]) -> None:
    if deadly:
        more = f" and {len(deadly) - _NAMED:,} more" if len(deadly) > _NAMED else ""
        raise ClusterError(
            f"{len(deadly):,} part(s) could not be done in {TRIES} tries: "
            f"{'; '.join(deadly[:_NAMED])}{more}. All others are done. Look at what is in them, and"
            " run the same command again."
        )


def _work(maker: list[Any], part: Part[Item]) -> Any:
    """In a process of the cluster: do one part with what this process has made, or makes now."""
    key = maker[0].hex()
    if key not in _made:
        _made.clear()
        origin, make = ray.get(maker[0])
        origin.enter()
        _made[key] = make()
    return _made[key](part)
