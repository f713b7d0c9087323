"""Two ray nodes on this machine and a bucket of moto's: equal answers, kills, CPU a picture, shards.

    python benchmarks/cluster.py [--images 20000]

The pictures are noise of 48 x 48 pixels. The same job three times: `predict --out` here, on the
cluster, and on the cluster while a worker and then a whole node are killed with -9; the rows are
compared field by field. CPU is that of the job's processes, ray's own included, without moto's. Then
all pictures are read as loose objects and from the shards of `data pack`.
"""

import argparse
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from remote import pictures
from two_nodes import HERTZ, bucket, descendants, objects, two_nodes, workers

from scenelet.dataset.dataset import Dataset
from scenelet.parallel import cores, in_parallel


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


def rows_of(address: str) -> list[dict[str, Any]]:
    """All rows of all parts."""
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    names = [name for name in sorted(system.find(address)) if "/part-" in name]
    return [
        row
        for name in names
        for row in pq.read_table(pa.BufferReader(system.cat_file(name))).to_pylist()
    ]


def in_turn(out: str, *steps: tuple[int, Callable[[], object]]) -> threading.Thread:
    """Do something once so many parts are there."""

    def wait() -> None:
        for count, step in steps:
            while len(objects("bench", f"{out}/part-")) < count:
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
    with tempfile.TemporaryDirectory() as scratch, bucket("bench", arguments.port) as server:
        compare(Path(scratch), arguments.images, server)


def compare(scratch: Path, count: int, server: int) -> None:
    """Here, on the cluster, on the cluster with kills; then loose v shards."""
    pictures(scratch / "photos", count)
    fsspec.filesystem("s3").put(f"{scratch / 'photos'}/", "bench/photos/", recursive=True)
    print(f"{platform.machine()}, {cores()} cores, {count:,} pictures, {time.strftime('%Y-%m-%d')}")
    here = ["predict", "s3://bench/photos", "--out"]
    used_s, took_s = cpu_s([*here, scratch / "here.parquet"])
    expected = pq.read_table(scratch / "here.parquet").to_pylist()
    tell("this machine", count, used_s, took_s)
    with two_nodes() as nodes:
        watched = Watched(os.getpid(), server)
        _, took_s = cpu_s([*here, "s3://bench/one", *nodes.flags])
        all_s = watched.used_s()
        tell("two ray nodes", count, all_s, took_s)
        print(f"  CPU a picture: {all_s / used_s:.2f} times that of this machine", flush=True)
        judge("two ray nodes", rows_of("s3://bench/one"), expected)
        killing = in_turn(
            "two",
            (2, lambda: os.kill(workers("ray::_work")[0], signal.SIGKILL)),
            (5, nodes.lose_one),
        )
        _, took_s = cpu_s([*here, "s3://bench/two", *nodes.flags])
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
