"""Load: the server at twice its capacity, with a worker killed meanwhile. Every answer is checked.

    python benchmarks/load.py [--seconds 60] [--workers 2]

First as many clients as it has threads, one request after another, give its capacity. Then requests
come at twice that rate, whether or not the earlier ones are answered. Painted pictures, loopback
only.
"""

import argparse
import asyncio
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scenelet.parallel import cores
from scenelet.quiet import quiet
from scenelet.serve.predictor import Predictor
from scenelet.shipped import default_bundle

CAPACITY_S = 8.0


def ask(port: int, data: bytes) -> tuple[int, dict[str, float]]:
    """Status and probabilities; status 0 where the connection broke."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/predict", data, {"content-type": "image/jpeg"})
        answer = connection.getresponse()
        body = json.loads(answer.read())
        return answer.status, body.get("probabilities", {})
    except (OSError, http.client.HTTPException, ValueError):
        return 0, {}
    finally:
        connection.close()


def capacity(port: int, pictures: list[bytes], clients: int) -> float:
    """Answers/s to clients that ask one after another."""
    counts, done = Counter[int](), threading.Event()

    def keep_asking(number: int) -> None:
        while not done.is_set():
            counts[ask(port, pictures[number % len(pictures)])[0]] += 1

    threads = [threading.Thread(target=keep_asking, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    time.sleep(CAPACITY_S)
    done.set()
    for thread in threads:
        thread.join()
    return counts[200] / CAPACITY_S


async def overload(
    port: int, pictures: list[bytes], rate: float, seconds: float, pool: ThreadPoolExecutor
) -> list[tuple[int, int, float, dict[str, float]]]:
    """Requests at a fixed rate: which picture, status, seconds, probabilities."""
    loop, start_s = asyncio.get_running_loop(), time.perf_counter()

    def timed(number: int) -> tuple[int, int, float, dict[str, float]]:
        begun_s = time.perf_counter()
        status, answer = ask(port, pictures[number])
        return number, status, time.perf_counter() - begun_s, answer

    jobs = []
    for count in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, start_s + count / rate - time.perf_counter()))
        jobs.append(loop.run_in_executor(pool, timed, count % len(pictures)))
    return list(await asyncio.gather(*jobs))


def workers_of(pid: int) -> list[int]:
    """Worker processes of a server."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [
        int(child) for child in listed if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    bundle = default_bundle()
    pictures = [path.read_bytes() for path in sorted((bundle / "golden").glob("*"))]
    with quiet():
        expected = [Predictor(bundle).predict(data).probabilities for data in pictures]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "scenelet",
        "serve",
        "--port",
        str(port),
        "--workers",
        str(arguments.workers),
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while ask(port, pictures[0])[0] != 200:
            time.sleep(0.2)
        rate = capacity(port, pictures, cores())
        victim = workers_of(server.pid)[0] if arguments.workers > 1 else None
        if victim:
            threading.Timer(arguments.seconds / 2, os.kill, (victim, signal.SIGKILL)).start()
        with ThreadPoolExecutor(256) as pool:
            answers = asyncio.run(overload(port, pictures, 2 * rate, arguments.seconds, pool))
        statuses = Counter(status for _, status, _, _ in answers)
        mixed_up = sum(
            status == 200 and answer != expected[number] for number, status, _, answer in answers
        )
        accepted = sorted(taken for _, status, taken, _ in answers if status == 200)
        p50, p99 = statistics.median(accepted), accepted[int(0.99 * len(accepted))]
        print(f"{arguments.workers} workers on {cores()} cores, capacity {rate:.0f} answers/s; then {2 * rate:.0f}/s for "
              f"{arguments.seconds:g} s{', a worker killed half-way' if victim else ''}")  # fmt: skip
        print(f"  asked {len(answers):,}: answered {statuses[200]:,}, told to come again (429) {statuses[429]:,}, "
              f"lost {statuses[0]:,}, other {len(answers) - statuses[200] - statuses[429] - statuses[0]:,}")  # fmt: skip
        print(
            f"  mixed-up answers {mixed_up}; accepted ones took {1000 * p50:.0f} ms (median),"
            f" {1000 * p99:.0f} ms (p99)"
        )
        print(f"  after it: {'answers' if ask(port, pictures[0])[0] == 200 else 'DOES NOT ANSWER'}")
    finally:
        server.terminate()
        server.wait(timeout=60)


if __name__ == "__main__":
    main()
