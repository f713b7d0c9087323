"""The way into a process of the cluster that trains. Imports nothing that takes seconds.

Ray's own processes beside it unpack this as well, and would load torch and Lightning for nothing.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import ray
from ray.train import UserCallback

from scenelet.cluster.engine import lacking
from scenelet.errors import SceneletError


def done_there(given: dict[str, Any]) -> None:
    """Call what lies in the object store.

    Args:
        given: Its reference, as "work".
    """
    ray.get(given["work"])()


class EndsByWhatToMend(UserCallback):
    """Ends a training by what a person has to mend: each new start would end the same way."""

    def after_exception(
        self, run_context: object, worker_exceptions: Mapping[int, Exception]
    ) -> None:
        """Raise it; a process that was lost is left to ray, which starts anew."""
        del run_context
        if known := to_mend(worker_exceptions.values()):
            raise known


def to_mend(errors: Iterable[BaseException]) -> SceneletError | None:
    """What a person has to mend, of errors that ended processes; None where there is no such."""
    causes = (getattr(error, "cause", None) or error for error in errors)
    told = (each if isinstance(each, SceneletError) else lacking(each) for each in causes)
    return next(filter(None, told), None)
