"""Serving figures of the README, side by side in one run: latency by stage, cold start, command-line start, sizes.

    python benchmarks/serving.py [--bundle BUNDLE]

Prints medians; absolute times depend on the machine, ratios less so.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scenelet.data.paint import jpeg, paint_scene
from scenelet.quiet import quiet
from scenelet.serve.predictor import Predictor
from scenelet.shipped import default_bundle

COLD = """
import json, os, sys, time
data = sys.stdin.read()
start_s = time.perf_counter()
from scenelet.serve.aws_lambda import handler
assert "label" in handler({"image": data}, None)
print(1000 * (time.perf_counter() - start_s))
"""


def median_ms(work: Callable[[], object], repeats: int = 200) -> float:
    """Median milliseconds of a call, after ten that don't count."""
    taken = []
    for _ in range(repeats + 10):
        start_s = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - start_s))
    return statistics.median(taken[10:])


def cold_start_ms(bundle: Path, picture: bytes, repeats: int = 7) -> float:
    """Median milliseconds from an interpreter that has started to the handler's first answer."""
    import base64

    command = [sys.executable, "-c", COLD]
    environment = {**os.environ, "SCENELET_BUNDLE": str(bundle)}
    runs = [
        subprocess.run(command, input=base64.b64encode(picture), capture_output=True, check=True, env=environment).stdout
        for _ in range(repeats + 1)
    ]
    return statistics.median(float(run.splitlines()[-1]) for run in runs[1:])


def command_s(arguments: list[str], repeats: int = 5) -> float:
    """Median seconds of a whole command."""
    taken = []
    for _ in range(repeats + 1):
        start_s = time.perf_counter()
        subprocess.run([sys.executable, "-m", "scenelet", *arguments], capture_output=True, check=True)
        taken.append(time.perf_counter() - start_s)
    return statistics.median(taken[1:])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=default_bundle())
    bundle: Path = parser.parse_args().bundle
    small = jpeg(paint_scene("sea", 1))
    large = jpeg(paint_scene("sea", 1).resize((1200, 900)), quality=85)
    with quiet():
        predictor = Predictor(bundle)
    predictor.predict(small)
    table = Table(
        "what", "median", title=f"{bundle.name} on {platform.machine()}, {os.cpu_count()} cores", title_justify="left"
    )
    for name, data in (("150 x 150", small), ("1200 x 900", large)):
        answer = median_ms(lambda data=data: predictor.predict(data))
        table.add_row(f"bytes to answer, {name} JPEG, one thread", f"{answer:.2f} ms")
    pixels_ms = predictor.predict(small).inference_ms
    table.add_row("of that, inference (one sample)", f"{pixels_ms:.2f} ms")
    table.add_row("Lambda handler: import, load, first answer", f"{cold_start_ms(bundle, small):.0f} ms")
    table.add_row("scenelet --help, whole process", f"{command_s(['--help']):.2f} s")
    table.add_row(
        "scenelet predict, whole process", f"{command_s(['predict', str(bundle / 'golden' / 'buildings.jpg')]):.2f} s"
    )
    table.add_row("model.tflite", f"{(bundle / 'model.tflite').stat().st_size / 1e6:.2f} MB")
    everything = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())
    table.add_row("whole bundle", f"{everything / 1e6:.2f} MB")
    Console().print(table)


if __name__ == "__main__":
    main()
