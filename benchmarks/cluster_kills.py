"""Trainings and searches on two ray nodes, whatever is killed with -9, beside the same on one machine.

    python benchmarks/cluster_kills.py [trainings] [searches] [folds] [listing]

Painted scenes, a bucket of moto's. Weights are compared as a hash of all their bits; trials by their
dials, values and what each epoch said. Last, the memory of a driver that lists a million pictures.
"""

import argparse
import hashlib
import io
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import optuna
import torch
from two_nodes import TwoNodes, bucket, objects, run, two_nodes, workers

from scenelet.dataset.paint import paint_data_set
from scenelet.parallel import cores

TRAIN = ["--recipe", "quick", "--epochs", "6", "--threads", "1", "--device", "cpu", "--name", "r"]
RECIPE = {
    "epochs": 4,
    "train_sizes": [32],
    "input_size": 32,
    "storage_size": 40,
    "widths": [8, 16],
    "depths": [1, 1],
    "batch_size": 16,
    "threads": 1,
    "precision": "fp32",
    "search": {"learning_rate": {"low": 0.0005, "high": 0.02, "log": True}},
}
TRIALS = 8
MILLION = """
import tempfile
from collections import Counter
from pathlib import Path
from scenelet.cluster.connection import connected
from scenelet.cluster.engine import RayEngine
from scenelet.files import Entry
from scenelet.serve import parts
from scenelet.shelf import FolderShelf
from scenelet.shipped import default_bundle

class Place:
    name, is_far = "a million", True
    def entries(self):
        return (Entry(f"photos/of/somebody/{number:07}.jpg") for number in range(10**6))

def answered_at_once():
    return lambda part: Counter()

parts.Answering = lambda *given: answered_at_once
with connected("local"), tempfile.TemporaryDirectory() as out:
    done = parts.predict_parts(default_bundle(), Place(), FolderShelf(Path(out)), RayEngine(2))
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(done.rows, int(status["VmHWM"].split()[0]) // 1024)
"""


def main() -> None:
    """Kill, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=5057)
    parser.add_argument("what", nargs="*", choices=[*JOBS, LISTING], default=[*JOBS, LISTING])
    arguments = parser.parse_args()
    print(f"{platform.machine()}, {cores()} cores, {time.strftime('%Y-%m-%d')}")
    jobs = [job for name, job in JOBS.items() if name in arguments.what]
    if jobs:
        with (
            tempfile.TemporaryDirectory() as scratch,
            bucket("bench", arguments.port),
            two_nodes() as nodes,
        ):
            paint_data_set(Path(scratch) / "photos", 24)
            (Path(scratch) / "r.yaml").write_text(json.dumps(RECIPE))
            for job in jobs:
                job(Path(scratch), nodes)
    if LISTING in arguments.what:
        print(listing_of_a_million(), flush=True)


def trainings(scratch: Path, nodes: TwoNodes) -> None:
    """Two devices here, then two workers there."""
    words = ["train", scratch / "photos", *TRAIN]
    took_s = run([*words, "--runs", scratch / "runs", "--devices", "2"])
    kept = [
        (scratch / "runs" / "r" / "checkpoints" / name).read_bytes()
        for name in ("best.ckpt", "last.ckpt")
    ]
    expected = bits(kept)
    print(f"  train --devices 2 here: {took_s:.0f} s, bits {expected}", flush=True)

    def lose_a_machine(pid: int) -> bool:
        del pid
        if epochs_of("machine") < 3:
            return False
        nodes.lose_one()
        nodes.get_another()
        return True

    kills: dict[str, Callable[[int], bool] | None] = {
        "nothing": None,
        "worker": lambda _: epochs_of("worker") >= 2 and kill("ray::RayTrainWorker"),
        "driver": lambda pid: epochs_of("driver") >= 2 and end(pid),
        "machine": lose_a_machine,
    }
    for what, meanwhile in kills.items():
        there = [*words, "--runs", f"s3://bench/{what}", *nodes.flags, "--workers", "2"]
        took_s = run(there, meanwhile)
        if what == "driver":
            took_s += run(there)
        found = bits(
            [fetched(f"{what}/r/checkpoints/{name}") for name in ("best.ckpt", "last.ckpt")]
        )
        same = "equal" if found == expected else "NOT equal"
        print(f"  two workers, killed: {what}: {took_s:.0f} s, bits {found}: {same}", flush=True)


def searches(scratch: Path, nodes: TwoNodes) -> None:
    """Eight trials by one process here, then there with a worker, the keeper and the driver killed."""
    words = ["tune", scratch / "photos", "--recipe", scratch / "r.yaml", "--name", "s"]
    words += ["--trials", TRIALS]
    took_s = run([*words, "--runs", scratch / "searches"])
    expected = trials(scratch / "searches" / "s" / "study.db")
    print(f"  tune here: {took_s:.0f} s, {len(expected)} trials", flush=True)
    kills: dict[str, Callable[[int], bool]] = {
        "worker": lambda _: results("tune-worker") >= 2 and kill("ray::_trial"),
        "keeper": lambda _: results("tune-keeper") >= 2 and kill("ray::Keeper"),
        "driver": lambda pid: results("tune-driver") >= 2 and end(pid),
    }
    for what, meanwhile in kills.items():
        there = [*words, "--runs", f"s3://bench/tune-{what}", *nodes.flags, "--workers", "2"]
        took_s = run(there, meanwhile)
        if what == "driver":
            took_s += run(there)
        copy = scratch / f"{what}.db"
        copy.write_bytes(fetched(f"tune-{what}/s/study.db"))
        same = compared(trials(copy), expected)
        print(f"  two workers, killed: {what}: {took_s:.0f} s, {same}", flush=True)


def folds(scratch: Path, nodes: TwoNodes) -> None:
    """Two folds and the final network, one after the other here, at once there."""
    words = ["train", scratch / "photos", "--recipe", scratch / "r.yaml", "--name", "f"]
    words += ["--folds", "2"]
    names = ["f/checkpoints/best.ckpt", "f/folds/2/checkpoints/last.ckpt"]
    took_s = run([*words, "--runs", scratch / "folded"])
    expected = bits([(scratch / "folded" / name).read_bytes() for name in names])
    print(f"  train --folds 2 here: {took_s:.0f} s, bits {expected}", flush=True)
    took_s = run([*words, "--runs", "s3://bench/folded", *nodes.flags])
    found = bits([fetched(f"folded/{name}") for name in names])
    same = "equal" if found == expected else "NOT equal"
    print(f"  two workers: {took_s:.0f} s, bits {found}: {same}", flush=True)


def listing_of_a_million() -> str:
    """Peak memory of a driver whose workers answer at once."""
    done = subprocess.run(
        [sys.executable, "-c", MILLION], capture_output=True, text=True, check=True
    )
    rows, peak_mib = map(int, done.stdout.split())
    return f"  driver of {rows:,} listed pictures: peak {peak_mib} MiB, ray's part included"


def results(home: str) -> int:
    """Trials that have come to their end."""
    return sum(name.endswith("/result.json") for name in objects("bench", f"{home}/s/trials/"))


def epochs_of(home: str) -> int:
    """That a run has sent home."""
    name = f"{home}/r/metrics.csv"
    return fetched(name).count(b"\n") - 1 if objects("bench", name) else 0


def kill(title: str) -> bool:
    """One of ray's workers; whether there was one."""
    pids = workers(title)
    return bool(pids) and end(pids[0])


def end(pid: int) -> bool:
    """With -9."""
    os.kill(pid, signal.SIGKILL)
    return True


def fetched(name: str) -> bytes:
    """An object's bytes."""
    body: bytes = boto3.client("s3").get_object(Bucket="bench", Key=name)["Body"].read()
    return body


def bits(checkpoints: list[bytes]) -> str:
    """A hash of all weights, by their names."""
    told = hashlib.blake2b(digest_size=8)
    for data in checkpoints:
        state = torch.load(io.BytesIO(data), weights_only=True)["state_dict"]
        for name in sorted(state):
            told.update(name.encode() + state[name].contiguous().numpy().tobytes())
    return told.hexdigest()


def trials(path: Path) -> list[tuple[Any, ...]]:
    """What a search found, but for how long it took."""
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{path}")
    return [
        (each.number, each.state.name, each.params, each.values, each.intermediate_values)
        for each in study.trials
    ]


def compared(found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]]) -> str:
    """How many trials are equal in everything."""
    equal = sum(one == other for one, other in zip(found, expected, strict=False))
    return f"{len(found)} trials, {equal} of {len(expected)} equal"


JOBS = {"trainings": trainings, "searches": searches, "folds": folds}
LISTING = "listing"

if __name__ == "__main__":
    main()
