"""Several trainings that need nothing of each other: one after the other here, or all at once.

Handed in to who has them, as `fit` is for one; a cluster has another.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from scenelet.learn.fit import fit
from scenelet.learn.job import Job
from scenelet.learn.place import Place, here
from scenelet.progress import Progress

Then = Callable[[Job], Any]  # what is asked of a trained network; its answer lies in the run
FitAll = Callable[[Mapping[str, Job], Place, Progress, Then], None]


def one_by_one(jobs: Mapping[str, Job], place: Place, progress: Progress, then: Then) -> None:
    """Do jobs in this process, or what is left of them.

    Args:
        jobs: By what a person calls them: "fold 1 of 5".
        place: Whose `keep` is called; device and precision are those that each recipe asks for.
        progress: Is told how it goes on.
        then: Called with each job that is done; plain, so that it may travel.

    Raises:
        ConfigError: See `fit`.
    """
    for name, job in jobs.items():
        progress.say(name)
        fit(job, replace(here(job.config), tracker="", keep=place.keep), progress)
        then(job)
