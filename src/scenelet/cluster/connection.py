"""Connect to a Ray cluster: found out quickly where it is not there, all nodes asked who they are.

Every error of ray on the way becomes one line.
"""

import logging
import os
import platform
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ray
from ray._private.services import canonicalize_bootstrap_address
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from scenelet import __version__
from scenelet.errors import ClusterError

LOCAL = "local"
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",  # workers keep the Python they have
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
_PROBE_S = 2.0
_NODES_S = 120.0  # for all of them to start a process each
_TOKEN = "RAY_AUTH_MODE=token and RAY_AUTH_TOKEN or ~/.ray/auth_token as on the head"  # noqa: S105


@dataclass(frozen=True)
class Versions:
    """What must be the same on all nodes."""

    scenelet: str
    ray: str
    python: str

    @classmethod
    def here(cls) -> "Versions":
        """Of this process."""
        return cls(__version__, ray.__version__, ".".join(platform.python_version_tuple()[:2]))

    def differing(self, other: "Versions") -> str:
        """What differs from another, in words; "" if nothing does."""
        theirs = vars(other)
        told = (f"{k} {v}, here {theirs[k]}" for k, v in vars(self).items() if v != theirs[k])
        return "; ".join(told)


@dataclass(frozen=True)
class Node:
    """A machine of the cluster.

    Attributes:
        address: Of its network.
        cpus: That ray may use.
        gpus: Likewise.
        versions: Of what runs there; None where no process could be started.
        told: Of the question that every node was asked.
    """

    address: str
    cpus: float
    gpus: float
    versions: Versions | None
    told: str = ""


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Be a driver of a cluster while the block runs.

    Args:
        address: "auto", "local" for one of this machine's cores alone, or HOST:PORT.

    Raises:
        ClusterError: Nothing answers there, or it does not let us in.
    """
    place = _place(address)
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        with warnings.catch_warnings(action="ignore"):
            ray.init(
                place,
                log_to_driver=False,
                logging_level=logging.ERROR,
                configure_logging=False,
                **({"include_dashboard": False} if place == LOCAL else {}),
            )
    except Exception as error:  # ray raises ConnectionError, RuntimeError, its own and others
        raise ClusterError(f"--address {place}: {_why(error)}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _place(address: str) -> str:
    """Where to connect to, tried: ray itself would wait for minutes."""
    if address == LOCAL:
        return LOCAL
    if "://" in address:
        raise ClusterError(
            f"--address: found {address}, expected auto, local or HOST:PORT of a head that this"
            " machine is a node of (`ray start --address=...`), or use `ray job submit`"
        )
    try:
        found = canonicalize_bootstrap_address(address)
    except (ValueError, ConnectionError, OSError) as error:
        raise _no_cluster(address) from error
    if not found:
        raise _no_cluster(address)
    host, _, port = found.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _PROBE_S).close()
    except OSError as error:
        raise ClusterError(
            f"--address {address}: nothing answers at {found} ({error.strerror or error}). Start a"
            " head there (`ray start --head`), or give its HOST:PORT."
        ) from error
    return str(found)


def _no_cluster(address: str) -> ClusterError:
    return ClusterError(
        f"--address {address}: no cluster found. Give HOST:PORT of its head, start one (`ray start"
        " --head`), or say --address local for this machine alone."
    )


def _why(error: Exception) -> str:
    told = " ".join(str(error).split())
    if isinstance(error, ray.exceptions.AuthenticationError) or "auth" in told.lower():
        return f"the cluster asks for a token. Set {_TOKEN}."
    if "ersion mismatch" in told:
        return f"{told[:300]} Install the same ray and Python on all nodes and here."
    return f"can't connect: {told[:200]}"


def beside_driver() -> Any:
    """Where an actor lives as long as the command that started it: on its machine, if it may."""
    here = ray.get_runtime_context().get_node_id()
    return NodeAffinitySchedulingStrategy(here, soft=True)


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


def require_alike() -> None:
    """See to it that all nodes run what this machine runs.

    Raises:
        ClusterError: One of them does not: which, and what it runs.
    """
    for node in nodes():
        if node.versions is None:
            raise ClusterError(f"node {node.address}: {node.told} Install the same image there.")
        told = node.versions.differing(Versions.here())
        if told:
            raise ClusterError(f"node {node.address}: has {told}. Install the same image there.")


def require_folder(folder: str) -> None:
    """See to it that all nodes see a folder of this machine.

    Raises:
        ClusterError: One of them does not.
    """
    for node in nodes(partial(_sees, folder)):
        if node.told != "yes":
            raise ClusterError(
                f"{folder}: node {node.address} does not see it. Give a folder that all nodes"
                " share, or an address (s3://...)."
            )


def _sees(folder: str) -> str:
    return "yes" if Path(folder).exists() else "no"


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
