"""Small pictures in a bucket beside the same on disk: audit and batch prediction, speed and memory.

    python benchmarks/remote.py [--images 20000] [--store moto] [--repeat 3]

The bucket is a small store of ours on this machine (`fast_store.py`), which shares its cores with
what is measured; moto's server instead answers some hundred requests a second at most. What the
store gives at most stands first: pictures that are fetched and nothing done with them. Each job
runs in a process of its own; `s3` fetches each picture, `s3 kept` finds it in the cache, as
whatever runs after the first. With --repeat the fastest of several rounds counts, for other work on
the machine disturbs them; each round begins with an empty cache.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import fsspec
import numpy as np
from PIL import Image

FETCH = """
import sys, time
from scenelet.dataset.s3 import contents, listed
from scenelet.parallel import in_parallel

if __name__ == "__main__":
    keys = list(listed(f"bench/{sys.argv[1]}"))
    start_s = time.perf_counter()
    for _ in in_parallel(contents, keys, waits=True):
        pass
    print(len(keys) / (time.perf_counter() - start_s))
"""
JOB = """
import sys, time
from pathlib import Path
from scenelet.dataset.audit import audit
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.sources import source_of
from scenelet.parallel import cores
from scenelet.serve.batch import predict_folder
from scenelet.serve.predictor import Predictor
from scenelet.shipped import default_bundle

if __name__ == "__main__":
    job, place, out = sys.argv[1:]
    predictor = Predictor(default_bundle(), copies=cores()) if job == "predict" else None
    start_s = time.perf_counter()
    if job == "audit":
        audit(Dataset.open(place))
    else:
        predict_folder(predictor, source_of(place), Path(out))
    took_s = time.perf_counter() - start_s
    # not getrusage: its peak begins with that of the process that started this one
    status = dict(line.split(":", 1) for line in open("/proc/self/status"))
    print(took_s, int(status["VmHWM"].split()[0]) / 1024)
"""


def pictures(folder: Path, count: int) -> None:
    """Noise of 48 x 48 pixels in ten classes: no two alike."""
    rng = np.random.default_rng(0)
    for number in range(count):
        path = folder / f"class-{number % 10}" / f"{number:06d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (48, 48, 3), np.uint8)).save(path, quality=80)


def measured(job: str, place: str, out: Path) -> tuple[float, float]:
    """Seconds and peak MiB of a job."""
    command = [sys.executable, "-c", JOB, job, place, str(out)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    took_s, peak_mib = map(float, told.split())
    return took_s, peak_mib


def enter(port: int) -> None:
    """Let this process, and those that it starts, find a store at a port of this machine."""
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def serve(port: int) -> "subprocess.Popen[bytes]":
    """moto's server, once it answers."""
    command = [sys.executable, "-m", "moto.server", "-p", str(port), "-H", "127.0.0.1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(10)
    return process


def fast(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    """Our own store of a folder, once it answers."""
    command = [sys.executable, str(Path(__file__).with_name("fast_store.py")), folder, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    if process.stdout:
        process.stdout.readline()
    return process


def main() -> None:
    """Measure a quarter and all, place by place, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--port", type=int, default=5055)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--store", choices=("fast", "moto"), default="fast")
    arguments = parser.parse_args()
    enter(arguments.port)
    with tempfile.TemporaryDirectory() as scratch:
        counts = (arguments.images // 4, arguments.images)
        buckets = Path(scratch) / "buckets"
        for count in counts:
            pictures(buckets / "bench" / f"{count}", count)
        is_moto = arguments.store == "moto"
        server = serve(arguments.port) if is_moto else fast(buckets, arguments.port)
        try:
            if is_moto:
                fill(buckets / "bench")
            compare(Path(scratch), counts, arguments.repeat)
        finally:
            server.kill()
            server.wait()


def fill(folder: Path) -> None:
    """moto's bucket."""
    system = fsspec.filesystem("s3")
    system.mkdir("bench")
    system.put(f"{folder}/", "bench/", recursive=True)


def compare(scratch: Path, counts: tuple[int, ...], repeat: int) -> None:
    """Disk, the bucket, and the bucket with what was kept."""
    for count in counts:
        told = subprocess.run(
            [sys.executable, "-c", FETCH, f"{count}/"], capture_output=True, text=True, check=True
        ).stdout
        print(f"{count:7,} pictures  fetched alone     {float(told):7.0f} images/s", flush=True)
        for job in ("audit", "predict"):
            rounds = [one_round(scratch, job, count, number) for number in range(repeat)]
            for name in rounds[0]:
                took_s, peak_mib = min(each[name] for each in rounds)
                print(
                    f"{count:7,} pictures  {job:8} {name:8} {count / took_s:7.0f} images/s,"
                    f" peak {peak_mib:5.0f} MiB",
                    flush=True,
                )


def one_round(scratch: Path, job: str, count: int, number: int) -> dict[str, tuple[float, float]]:
    """A job at each place, one after the other, with an empty cache at first."""
    os.environ["SCENELET_CACHE"] = str(scratch / f"cache-{job}-{count}-{number}")
    s3 = f"s3://bench/{count}"
    places = {"disk": str(scratch / "buckets" / "bench" / f"{count}"), "s3": s3, "s3 kept": s3}
    return {
        name: measured(job, place, scratch / f"{job}-{name}-{count}-{number}.jsonl")
        for name, place in places.items()
    }


if __name__ == "__main__":
    main()
