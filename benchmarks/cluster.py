"""Two ray nodes on this machine and a bucket of moto's: equal answers, kills, CPU a picture, shards.

    python benchmarks/cluster.py [--images 20000]

The pictures are noise of 48 x 48 pixels. The same job three times: `predict --out` here, on the
cluster, and on the cluster while a worker and then a whole node are killed with -9; the rows are
compared field by field. CPU is that of the job's processes, ray's own included, without moto's. Then
all pictures are read as loose objects and from the shards of `data pack`.
"""

import argparse
import contextlib
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from ray.cluster_utils import Cluster
from remote import pictures, serve

from scenelet.dataset.dataset import Dataset
from scenelet.parallel import cores, in_parallel

HERTZ = os.sysconf("SC_CLK_TCK")
ADDRESSES = ("127.0.0.2", "127.0.0.3")


def cpu_s(command: list[Any]) -> tuple[float, float]:
    """CPU and wall seconds of a command of scenelet."""
    start_s = time.perf_counter()
    words = [sys.executable, "-m", "scenelet", *map(str, command)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read() if process.stderr else b""
    _, code, usage = os.wait4(process.pid, 0)
    if code:
        raise SystemExit(said.decode())
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - start_s


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


class Watched:
    """CPU of all that descends from a process, those that end meanwhile included."""

    def __init__(self, root: int, without: int) -> None:
        self._root, self._without, self._over = root, without, threading.Event()
        self._first: dict[str, float] = {}
        self._last: dict[str, float] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._look(self._first)
        self._thread.start()

    def used_s(self) -> float:
        """CPU seconds since it began; ray's own workers are seen twice a second."""
        self._over.set()
        self._thread.join()
        self._look(self._last)
        return sum(each - self._first.get(pid, 0.0) for pid, each in self._last.items())

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            self._look(self._last)

    def _look(self, into: dict[str, float]) -> None:
        for pid, told in descendants(self._root, self._without).items():
            into[f"{pid} {told[19]}"] = sum(map(int, told[11:13])) / HERTZ


def ray_workers() -> list[int]:
    """Process ids of ray's workers that this process started and that are at work."""
    found = []
    for pid in descendants(os.getpid()):
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::_work"):
                found.append(pid)
    return found


def rows_of(address: str) -> list[dict[str, Any]]:
    """All rows of all parts."""
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    names = [name for name in sorted(system.find(address)) if "/part-" in name]
    return [
        row
        for name in names
        for row in pq.read_table(pa.BufferReader(system.cat_file(name))).to_pylist()
    ]


def parts(address: str) -> int:
    """How many there are, asked with a client of its own."""
    import boto3

    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    found = boto3.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/part-")
    return int(found["KeyCount"])


@contextlib.contextmanager
def two_nodes() -> Iterator[tuple[Cluster, Any]]:
    """A cluster of two nodes of one CPU, and the second of them."""
    nodes = [
        {
            "num_cpus": 1,
            "node_ip_address": address,
            "object_store_memory": 100 * 2**20,
            "include_dashboard": False,
        }
        for address in ADDRESSES
    ]
    cluster = Cluster(initialize_head=True, head_node_args=nodes[0], shutdown_at_exit=False)
    try:
        yield cluster, cluster.add_node(**nodes[1])
    finally:
        cluster.shutdown()


def in_turn(out: str, *steps: tuple[int, Callable[[], object]]) -> threading.Thread:
    """Do something once so many parts are there."""

    def wait() -> None:
        for count, step in steps:
            while parts(out) < count:
                time.sleep(0.2)
            step()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--port", type=int, default=5056)
    arguments = parser.parse_args()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{arguments.port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "SCENELET_CACHE_GB": "0",
        "RAY_memory_monitor_refresh_ms": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    server = serve(arguments.port)
    try:
        with tempfile.TemporaryDirectory() as scratch:
            compare(Path(scratch), arguments.images, server.pid)
    finally:
        server.kill()
        server.wait()


def compare(scratch: Path, count: int, server: int) -> None:
    """Here, on the cluster, on the cluster with kills; then loose v shards."""
    pictures(scratch / "photos", count)
    system = fsspec.filesystem("s3")
    system.mkdir("bench")
    system.put(f"{scratch / 'photos'}/", "bench/photos/", recursive=True)
    print(f"{platform.machine()}, {cores()} cores, {count:,} pictures, {time.strftime('%Y-%m-%d')}")
    here = ["predict", "s3://bench/photos", "--out"]
    used_s, took_s = cpu_s([*here, scratch / "here.parquet"])
    expected = pq.read_table(scratch / "here.parquet").to_pylist()
    tell("this machine", count, used_s, took_s)
    with two_nodes() as (cluster, second):
        flags = ["--engine", "ray", "--address", cluster.address]
        watched = Watched(os.getpid(), server)
        _, took_s = cpu_s([*here, "s3://bench/one", *flags])
        all_s = watched.used_s()
        tell("two ray nodes", count, all_s, took_s)
        print(f"  CPU a picture: {all_s / used_s:.2f} times that of this machine", flush=True)
        judge("two ray nodes", rows_of("s3://bench/one"), expected)
        killing = in_turn(
            "s3://bench/two",
            (2, lambda: os.kill(ray_workers()[0], signal.SIGKILL)),
            (5, lambda: cluster.remove_node(second, allow_graceful=False)),
        )
        _, took_s = cpu_s([*here, "s3://bench/two", *flags])
        killing.join()
        print(f"  a worker and then a node killed: {took_s:.0f} s")
        judge("with kills", rows_of("s3://bench/two"), expected)
    loose_and_packed(count)


def loose_and_packed(count: int) -> None:
    """Read every picture both ways."""
    cpu_s(["data", "pack", "s3://bench/photos", "s3://bench/packed"])
    speeds = {}
    for place in ("photos", "packed"):
        dataset = Dataset.open(f"s3://bench/{place}")
        start_s = time.perf_counter()
        for _ in in_parallel(dataset.read, dataset.rows, waits=True):
            pass
        speeds[place] = count / (time.perf_counter() - start_s)
        print(f"  read from {place}: {speeds[place]:,.0f} pictures/s", flush=True)
    print(f"  shards are read {speeds['packed'] / speeds['photos']:.0f} times as fast")


def tell(where: str, count: int, used_s: float, took_s: float) -> None:
    """One line of figures."""
    print(
        f"  {where}: {took_s:.0f} s, {count / took_s:.0f} pictures/s,"
        f" {1000 * used_s / count:.2f} ms of CPU a picture",
        flush=True,
    )


def judge(what: str, found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Say how many rows are equal in every field, and in the same order."""
    equal = sum(one == other for one, other in zip(found, expected, strict=False))
    print(f"  {what}: {len(found):,} rows, {equal:,} of {len(expected):,} equal", flush=True)


if __name__ == "__main__":
    main()
