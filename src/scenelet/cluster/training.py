"""Train on a cluster: the same job by several processes together, or what is left of it.

Its home is a shelf that all machines reach. Each process works in a folder of its own machine that
holds what is there; after each epoch the first of them sends what is new. So whatever is killed, a
process, a machine, the driver, the next start goes on as one on a disk would, with the same bits as
so many devices of one machine.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray.train import FailureConfig, RunConfig, ScalingConfig
from ray.train.lightning import RayDDPStrategy, RayLightningEnvironment
from ray.train.torch import TorchConfig, TorchTrainer

from scenelet.artefacts import make_folder
from scenelet.cluster.nodes import Origin
from scenelet.cluster.there import EndsByWhatToMend, done_there, to_mend
from scenelet.cluster.told import Telling, heard
from scenelet.dataset.bucket import shelf_at
from scenelet.engine import Engine, Part
from scenelet.errors import ClusterError, SceneletError
from scenelet.learn.callbacks import Watch
from scenelet.learn.fit import fit
from scenelet.learn.job import Job
from scenelet.learn.place import Place, here, mapped, strategy
from scenelet.learn.several import Then
from scenelet.progress import Progress
from scenelet.runs.kept import Kept
from scenelet.runs.run import Result, Run
from scenelet.scratch import SHARED, scratch
from scenelet.shelf import Shelf

RESTARTS = 3
_SILENT_S = 300  # of a process in the middle of a step, before the others give up


@dataclass(frozen=True)
class Together:
    """Does a job on a cluster.

    Attributes:
        kept: The run's folder here, and its home.
        workers: Processes; as the recipe's `devices`.
        gpus_per_worker: Of each.
        command: For the run's record.
    """

    kept: Kept
    workers: int
    gpus_per_worker: float
    command: tuple[str, ...]

    def fit(self, job: Job, place: Place, progress: Progress, watch: Watch | None = None) -> Result:
        """As `learn.fit.fit`, elsewhere; nobody watches there.

        Raises:
            ConfigError: The run is another training, or was begun with another number of workers.
            ClusterError: It did not come to its end.
        """
        del watch
        if (job.run.folder / "data.json").is_file():
            job.run.open(job.config, job.dataset, job.network, place.described())
        if job.run.is_complete:
            progress.say(f"{self.kept.shelf.name}: complete already; another --name trains anew")
            return job.run.result()
        with heard(progress) as telling:
            shelf, tracker = self.kept.shelf, place.tracker
            self._run(_Share(Origin.here(), job, shelf, telling, self.command, tracker))
        self.kept.fetch()
        return job.run.result()

    def _run(self, share: "_Share") -> None:
        with scratch("ray") as folder:
            trainer = _Trainer(
                done_there,
                train_loop_config={"work": ray.put(share)},
                scaling_config=ScalingConfig(
                    num_workers=self.workers,
                    use_gpu=bool(self.gpus_per_worker),
                    resources_per_worker=_resources(self.gpus_per_worker),
                    placement_strategy="SPREAD",
                ),
                torch_config=TorchConfig(timeout_s=_SILENT_S),
                run_config=RunConfig(
                    name="run",
                    storage_path=str(folder),
                    failure_config=FailureConfig(max_failures=RESTARTS),
                    callbacks=[EndsByWhatToMend()],
                ),
            )
            try:
                trainer.fit()
            except ray.train.TrainingFailedError as error:
                raise _ended(error, self.kept.shelf.name) from error


class _Trainer(TorchTrainer):
    """Ray's, with Ctrl-C as everywhere: its own way is to say nothing, for half a minute."""

    def _register_sigint_handler(self, controller: Any) -> None:
        """Leave what is registered."""


@dataclass(frozen=True)
class _Share:
    """What each process of a training does; plain values, so that it may travel."""

    origin: Origin
    job: Job
    shelf: Shelf
    telling: Telling
    command: tuple[str, ...]
    tracker: str

    def __call__(self) -> None:
        self.origin.enter()
        with scratch("run") as aside:
            own = Kept(make_folder(aside / self.job.run.name), self.shelf)
            own.fetch()
            job = replace(self.job, run=Run(own.folder))
            fit(job, self._place(own.send), self.telling)

    def _place(self, keep: Callable[[], None]) -> "Node":
        context, found = ray.train.get_context(), here(self.job.config)
        alone = context.get_world_size() == 1
        unused = "unused" in strategy(self.job.config)
        return Node(
            device=found.device,
            precision=found.precision,
            devices=1,
            strategy="auto" if alone else RayDDPStrategy(find_unused_parameters=unused),
            plugins=() if alone else (RayLightningEnvironment(),),
            rank=context.get_world_rank(),
            keep=keep,
            tracker=self.tracker,
            command=self.command,
            home=self.shelf.name,
            local_rank=context.get_local_rank(),
            local_size=context.get_local_world_size(),
        )


def _resources(gpus: float) -> dict[str, float]:
    return {"CPU": 1, **({"GPU": gpus} if gpus else {})}


def _ended(error: Exception, name: str) -> SceneletError:
    causes = getattr(error, "worker_failures", {})
    ended = getattr(error, "controller_failure", None)  # by a callback of ours
    if known := to_mend([*causes.values(), *([ended] if ended else [])]):
        return known
    why = " ".join(str(next(iter(causes.values()), error)).split())[-200:]
    return ClusterError(
        f"{name}: training was started {RESTARTS + 1} times and did not come to its end ({why})."
        " What is done is kept; the same command goes on."
    )


@dataclass(frozen=True)
class Apart:
    """Does jobs on a cluster, several of them at once, each by one process.

    Attributes:
        kept: A folder here that their runs lie in, and its home.
        engine: The cluster; a job whose process or machine dies goes on elsewhere.
        command: For the runs' records.
    """

    kept: Kept
    engine: Engine
    command: tuple[str, ...]

    def fit_all(
        self, jobs: Mapping[str, Job], place: Place, progress: Progress, then: Then
    ) -> None:
        """As `learn.several.one_by_one`, elsewhere.

        Raises:
            ConfigError: A run is another training.
            ClusterError: Some did not come to their end: which.
        """
        self._work(jobs, replace(place, tracker=""), progress, then)

    def fit(self, job: Job, place: Place, progress: Progress, watch: Watch | None = None) -> Result:
        """As `learn.fit.fit`, elsewhere; nobody watches there.

        Raises:
            ConfigError: The run is another training.
            ClusterError: It did not come to its end.
        """
        del watch
        self._work({"training": job}, place, progress, _nothing)
        return job.run.result()

    def _work(self, jobs: Mapping[str, Job], place: Place, progress: Progress, then: Then) -> None:
        for job in jobs.values():
            if (job.run.folder / "data.json").is_file():
                job.run.open(job.config, job.dataset, job.network, place.described())
        with heard(progress) as telling:
            work = _Alone(
                self.kept.shelf.name, self.kept.folder, telling, self.command, place.tracker, then
            )
            parts = [Part(at, (job,), name) for at, (name, job) in enumerate(jobs.items())]
            for part, _ in self.engine.map(work, parts):
                progress.say(f"{part.name} is done")
        self.kept.fetch()


@dataclass(frozen=True)
class _Alone:
    """Makes a worker that does the job of a part; plain values, so that it may travel."""

    home: str
    folder: Path
    telling: Telling
    command: tuple[str, ...]
    tracker: str
    then: Then

    def __call__(self) -> Callable[[Part[Job]], None]:
        return self._work

    def _work(self, part: Part[Job]) -> None:
        (job,), telling = part.items, self.telling.of(part.name)
        home = "/".join((self.home, *job.run.folder.relative_to(self.folder).parts))
        with scratch("run") as aside:
            own = Kept(make_folder(aside / job.run.name), shelf_at(home))
            own.fetch()
            found, own_job = here(job.config), replace(job, run=Run(own.folder))
            place = Node(
                found.device,
                found.precision,
                tracker=self.tracker,
                keep=own.send,
                command=self.command,
            )
            fit(own_job, place, telling)
            self.then(own_job)
            own.send()


def _nothing(job: Job) -> None:
    del job


@dataclass(frozen=True)
class Node(Place):
    """A place on a machine of the cluster; its processes share one copy of the decoded images.

    Attributes:
        command: That a person gave.
        home: Of the run: no other training's processes share the copy.
        local_rank: Of this process on its machine.
        local_size: Processes on this machine.
    """

    command: tuple[str, ...] = ()
    home: str = ""
    local_rank: int = 0
    local_size: int = 1

    def described(self) -> dict[str, Any]:
        """As of any place, with the command that was given."""
        return super().described() | {"command": list(self.command)}

    def rooms(
        self, run: Run, shapes: Mapping[str, tuple[int, ...]], memory_gib: float
    ) -> dict[str, np.ndarray]:
        """As of any place; where several share the machine, the first alone needs room."""
        if self.local_size == 1:
            return super().rooms(run, shapes, memory_gib)
        return {part: np.broadcast_to(np.uint8(0), shape) for part, shape in shapes.items()}

    def fill(
        self, run: Run, part: str, room: np.ndarray, decode: Callable[[np.ndarray], Any]
    ) -> np.ndarray:
        """As of any place; where several share the machine, the first decodes for all."""
        if self.local_size == 1:
            return super().fill(run, part, room, decode)
        whole = self._shared(run) / f"{part}.uint8"
        if self.local_rank == 0 and not whole.exists():
            aside = make_folder(whole.parent) / f".{whole.name}.{os.getpid()}.part"
            images = mapped(aside, room.shape)
            decode(images)
            images.flush()
            aside.replace(whole)
        while not whole.exists():  # where the first dies, ray ends this one too
            time.sleep(0.1)
        return np.memmap(whole, np.uint8, "c", shape=room.shape)

    def vacate(self, run: Run) -> None:
        """Remove what `filled` may have left on this machine."""
        super().vacate(run)
        if self.local_rank == 0 and self.local_size > 1:
            for path in self._shared(run).glob("*.uint8"):
                path.unlink(missing_ok=True)

    def _shared(self, run: Run) -> Path:
        """The folder of this machine for the images of a run: its pixels, splits and sizes."""
        told = f"{self.home} {run.data()['fingerprint']} {run.config().as_dict()} {os.getuid()}"
        name = hashlib.blake2b(told.encode(), digest_size=8).hexdigest()
        return Path(tempfile.gettempdir()) / f"{SHARED}{name}"
