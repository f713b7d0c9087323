"""What the benchmarks of a cluster share: two ray nodes, a bucket of moto's, and what they kill.

No benchmark itself.
"""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
from ray.cluster_utils import Cluster
from remote import enter, serve

ADDRESSES = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5")
HERTZ = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def bucket(name: str, port: int) -> Iterator[int]:
    """moto's server with a bucket, which every process started here finds; yields its process id."""
    enter(port)
    os.environ |= {
        "SCENELET_CACHE_GB": "0",
        "RAY_memory_monitor_refresh_ms": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    server = serve(port)
    try:
        boto3.client("s3").create_bucket(Bucket=name)
        yield server.pid
    finally:
        server.kill()
        server.wait()


class TwoNodes:
    """A cluster of two machines of one CPU; one may be lost, and another one come for it."""

    def __init__(self) -> None:
        """Start them."""
        self.cluster = Cluster(
            initialize_head=True, head_node_args=_node(0), shutdown_at_exit=False
        )
        self._lost = 0
        self._second = self.cluster.add_node(**_node(1))

    @property
    def flags(self) -> list[str]:
        """Of a command that runs there."""
        return ["--engine", "ray", "--address", self.cluster.address]

    def lose_one(self) -> None:
        """End the second machine with -9."""
        self.cluster.remove_node(self._second, allow_graceful=False)
        self._lost += 1

    def get_another(self) -> None:
        """Let another machine come for the one that was lost."""
        self._second = self.cluster.add_node(**_node(1 + self._lost))


def _node(number: int) -> dict[str, Any]:
    return {
        "num_cpus": 1,
        "node_ip_address": ADDRESSES[number],
        "object_store_memory": 100 * 2**20,
        "include_dashboard": False,
    }


@contextlib.contextmanager
def two_nodes() -> Iterator[TwoNodes]:
    """The two, and nothing of them when the block ends."""
    nodes = TwoNodes()
    try:
        yield nodes
    finally:
        nodes.cluster.shutdown()


def stat(pid: str) -> list[str]:
    """What the system tells of a process, from its state on; nothing of one that is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def descendants(root: int, without: int = 0) -> dict[int, list[str]]:
    """What the system tells of each process that descends from one, but for those of a child."""
    told = {int(path.name): stat(path.name) for path in Path("/proc").glob("[0-9]*")}
    ours = {root}
    while more := {
        pid for pid, each in told.items() if each and int(each[1]) in ours and pid not in ours
    } - {without}:
        ours |= more
    return {pid: told[pid] for pid in ours - {root} if told.get(pid)}


def workers(title: str) -> list[int]:
    """Process ids of ray's workers that descend from this process, by how their title begins."""
    found = []
    for pid in descendants(os.getpid()):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(title.encode()):
                found.append(pid)
    return found


def run(words: list[Any], meanwhile: Callable[[int], bool] | None = None) -> float:
    """Run a command of scenelet.

    Args:
        words: Without its name.
        meanwhile: Called with its process id again and again until it says True: it has happened.

    Returns:
        Wall seconds.
    """
    start_s, happened = time.perf_counter(), meanwhile is None
    command = [sys.executable, "-m", "scenelet", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        while process.poll() is None and not happened and meanwhile:
            time.sleep(0.2)
            happened = meanwhile(process.pid)
        said = process.stderr.read() if process.stderr else b""
    if not happened or process.returncode not in (0, -9):
        raise SystemExit(f"{' '.join(command)}: {process.returncode}\n{said.decode()}")
    return time.perf_counter() - start_s


def objects(bucket_name: str, prefix: str) -> list[str]:
    """Names of objects (1,000 at most), asked with a client of its own."""
    found = boto3.client("s3").list_objects_v2(Bucket=bucket_name, Prefix=prefix)
    return [each["Key"] for each in found.get("Contents", [])]
