"""Is a cluster fit for a job? Versions alike on all nodes, and a place that all of them reach."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scenelet.cluster.nodes import Node, Versions, nodes
from scenelet.dataset.address import address_of
from scenelet.dataset.remote import opened
from scenelet.errors import SceneletError


@dataclass(frozen=True)
class Check:
    """What was found out about one node.

    Attributes:
        node: Its address, with what ray may use there.
        ok: Whether it is fit.
        detail: What it runs, or what is wrong.
    """

    node: str
    ok: bool
    detail: str


def examine(place: str = "") -> list[Check]:
    """Ask every node of the cluster.

    Args:
        place: Folder or address that all must reach; "" asks for none.

    Raises:
        ClusterError: They did not answer.
    """
    return [_checked(node) for node in nodes(partial(_reaches, place) if place else None)]


def _checked(node: Node) -> Check:
    name = f"{node.address} ({node.cpus:g} CPUs, {node.gpus:g} GPUs)"
    if node.versions is None:
        return Check(name, False, node.told)
    differing = node.versions.differing(Versions.here())
    wrong = "; ".join(filter(None, [differing and f"has {differing}", node.told]))
    return Check(name, not wrong, wrong or node.versions.in_short)


def _reaches(place: str) -> str:
    """On a node: what is wrong with a place; "" if nothing is."""
    if not address_of(place):
        return "" if Path(place).exists() else f"does not see {place}"
    try:
        system, root = opened(address_of(place))
        system.ls(root, detail=False)
    except SceneletError as error:
        return str(error)
    except Exception as error:  # each system raises its own types
        return f"does not reach {place} ({type(error).__name__})"
    return ""
