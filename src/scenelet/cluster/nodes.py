"""The machines of a cluster: what each runs, what it sees, and how much work they have room for."""

import json
import math
import os
import platform
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import ray
from ray.experimental.internal_kv import _internal_kv_get
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from scenelet import __version__
from scenelet.errors import ClusterError

_NODES_S = 120.0  # for all of them to start a process each
TRAINING = ("torch", "lightning")
_COUNTED = ("torch", "lightning", "ai-edge-litert", "pillow")  # answers hang on their versions
_STATUS = "__autoscaling_status"


@dataclass(frozen=True)
class Versions:
    """What must be the same on all nodes.

    Attributes:
        scenelet: Version.
        ray: Version.
        python: Major and minor.
        packages: Versions of those that answers hang on, as far as they are installed.
    """

    scenelet: str
    ray: str
    python: str
    packages: dict[str, str]

    @classmethod
    def here(cls) -> "Versions":
        """Of this process."""
        python = ".".join(platform.python_version_tuple()[:2])
        found = {name: each for name in _COUNTED if (each := _version_of(name))}
        return cls(__version__, ray.__version__, python, found)

    @property
    def in_short(self) -> str:
        """For a line of a table."""
        return f"scenelet {self.scenelet}, ray {self.ray}, python {self.python}"

    def differing(self, here: "Versions") -> str:
        """What differs from another's, in words; "" if nothing does.

        A package that only one of them has does not: who answers pictures alone needs no torch.
        """
        mine, theirs = self._all(), here._all()
        told = (
            f"{name} {each}, here {theirs[name]}"
            for name, each in mine.items()
            if each != theirs.get(name, each)
        )
        return "; ".join(told)

    def _all(self) -> dict[str, str]:
        of_all = {"scenelet": self.scenelet, "ray": self.ray, "python": self.python}
        return of_all | self.packages


def _version_of(package: str) -> str:
    try:
        return version(package).partition("+")[0]  # of which build, GPU or CPU, is no matter
    except PackageNotFoundError:
        return ""


@dataclass(frozen=True)
class Node:
    """A machine of the cluster.

    Attributes:
        address: Of its network.
        cpus: That ray may use.
        gpus: Likewise.
        versions: Of what runs there; None where no process could be started.
        told: Its answer to the question that every node was asked.
    """

    address: str
    cpus: float
    gpus: float
    versions: Versions | None
    told: str = ""


@dataclass(frozen=True)
class Origin:
    """Where a command was given, for the processes elsewhere that work for it.

    Attributes:
        folder: That relative paths start from.
        versions: Of what runs there.
    """

    folder: str
    versions: Versions

    @classmethod
    def here(cls) -> "Origin":
        """Of a command in this process."""
        return cls(str(Path.cwd()), Versions.here())

    def enter(self) -> None:
        """In a process elsewhere: work for that command.

        Raises:
            ClusterError: Something else runs here, as on a node that has joined since.
        """
        differing = Versions.here().differing(self.versions)
        if differing:
            raise ClusterError(f"node {platform.node()}: has {differing}. {_SAME}")
        if Path(self.folder).is_dir():
            os.chdir(self.folder)


_SAME = "Install the same image there."


def nodes(question: Any = None) -> list[Node]:
    """Every living node and what runs there, each asked by a process of its own.

    Args:
        question: A callable without arguments that gives text, called on each; None asks nothing.

    Raises:
        ClusterError: They did not answer in time.
    """
    alive = [each for each in ray.nodes() if each["Alive"]]
    asked = [_ask(each["NodeID"]).remote(question) for each in alive]
    _done, late = ray.wait(asked, num_returns=len(asked), timeout=_NODES_S)
    if late:
        raise ClusterError(f"{len(late)} of {len(alive)} nodes did not answer in {_NODES_S:.0f} s.")
    answers = [_node(each, answer) for each, answer in zip(alive, asked, strict=True)]
    still = {each["NodeManagerAddress"] for each in ray.nodes() if each["Alive"]}
    return [node for node in answers if node.address in still]


def require_fit(folders: Sequence[Path] = (), packages: Collection[str] = ()) -> None:
    """See to it that all nodes run what this machine runs, and see its folders.

    Args:
        folders: Whole paths.
        packages: That must be installed.

    Raises:
        ClusterError: One of them does not: which, and what it runs or does not see.
    """
    for node in nodes(partial(_unseen, list(map(str, folders)))):
        if node.versions is None:
            raise ClusterError(f"node {node.address}: {node.told} {_SAME}")
        differing = node.versions.differing(Versions.here())
        if differing:
            raise ClusterError(f"node {node.address}: has {differing}. {_SAME}")
        missing = set(packages) - set(node.versions.packages)
        if missing and node.cpus:  # a head without any does no work
            raise ClusterError(
                f"node {node.address}: lacks {', '.join(sorted(missing))}. Install scenelet with"
                " the same extras there."
            )
        if node.told:
            raise ClusterError(
                f"{node.told}: node {node.address} does not see it. Give a folder that all nodes"
                " share, or an address (s3://...)."
            )


def _unseen(folders: list[str]) -> str:
    return next((each for each in folders if not Path(each).exists()), "")


def require_room(processes: int, gpus: float) -> str:
    """See to it that so many processes may be at work at once, each with a CPU.

    Args:
        processes: How many there must be at least.
        gpus: Of each.

    Returns:
        What is waited for, where the cluster lacks machines and gets more by itself; else "".

    Raises:
        ClusterError: It has not so many CPUs and GPUs, and gets no more.
    """
    sizes = [each["Resources"] for each in ray.nodes() if each["Alive"]]
    room = sum(_room(each, gpus) for each in sizes)
    if processes <= room:
        return ""
    cpus, of_all = (sum(each.get(kind, 0.0) for each in sizes) for kind in ("CPU", "GPU"))
    told = (
        f"at once must work: {processes:,} processes, each with a CPU and {gpus:g} GPUs of one"
        f" machine; the cluster has room for {room:,} ({cpus:g} CPUs, {of_all:g} GPUs)"
    )
    if _grows():
        return f"waiting for machines: {told}"
    raise ClusterError(
        f"{told}. Ask for fewer --workers or --gpus-per-worker, or let machines join."
    )


def _room(resources: dict[str, float], gpus: float) -> int:
    most = resources.get("CPU", 0.0)
    return math.floor(min(most, resources.get("GPU", 0.0) / gpus + 1e-9) if gpus else most)


def _grows() -> bool:
    """Whether the cluster may get machines by itself.

    Where nobody starts any, its status makes each machine a kind of its own, by its number.
    """
    status = json.loads(_internal_kv_get(_STATUS) or b"{}")
    kinds = status.get("autoscaler_report", {}).get("node_type_mapping") or {}
    return not kinds or any(kind != f"node_{number}" for number, kind in kinds.items())


def _ask(node: str) -> Any:
    there = NodeAffinitySchedulingStrategy(node, soft=False)
    return ray.remote(_answer).options(num_cpus=0, scheduling_strategy=there, max_retries=1)


def _answer(question: Any) -> tuple[Versions, str]:
    return Versions.here(), question() if question else ""


def _node(known: dict[str, Any], answer: Any) -> Node:
    resources = known["Resources"]
    size = resources.get("CPU", 0.0), resources.get("GPU", 0.0)
    try:
        versions, told = ray.get(answer)
    except ray.exceptions.RayError as error:
        why = " ".join(str(error).split())[-160:]
        return Node(known["NodeManagerAddress"], *size, None, f"scenelet does not run ({why}).")
    return Node(known["NodeManagerAddress"], *size, versions, told)
