"""Serving figures of the README, side by side in one run.

Latency by stage, cold start, command-line start, sizes.

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

import numpy as np
from rich.console import Console
from rich.table import Table

from scenelet.bundle.contract import read_contract
from scenelet.dataset.scenes import jpeg, paint_scene
from scenelet.parallel import cores, in_parallel
from scenelet.quiet import quiet
from scenelet.serve.predictor import Predictor
from scenelet.shipped import default_bundle

COLD = """
import json, os, sys, time
data = sys.stdin.read()
start_s = time.perf_counter()
from scenelet.serve.aws_lambda import handler
assert "label" in handler({"image": data}, None)
took_ms = 1000 * (time.perf_counter() - start_s)
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(took_ms, int(status["VmHWM"].split()[0]) / 1024)
"""


def median_ms(work: Callable[[], object], repeats: int = 200) -> float:
    """Median milliseconds of a call, after ten that don't count."""
    taken = []
    for _ in range(repeats + 10):
        start_s = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - start_s))
    return statistics.median(taken[10:])


def stages(predictor: Predictor, data: bytes) -> dict[str, tuple[float, float]]:
    """Median and 99th percentile of each stage, ms, over 400 answers."""
    answers = [predictor.predict(data) for _ in range(410)][10:]
    columns = {
        "decoding": [a.decode_ms for a in answers],
        "inference": [a.inference_ms for a in answers],
    }
    return {
        name: (statistics.median(values), sorted(values)[int(0.99 * len(values))])
        for name, values in columns.items()
    }


def onnx_ms(bundle: Path) -> float:
    """Median milliseconds of the bundle's ONNX model on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(bundle / "model.onnx", options)
    spec = read_contract(bundle).preprocess
    pixels = np.full((1, spec.height, spec.width, 3), 127, np.uint8)
    return median_ms(lambda: session.run(["logits"], {"images": pixels}))


def imports_ms() -> dict[str, float]:
    """Milliseconds of the imports that make up most of a cold start, each with what it imports itself first."""
    statement = "import scenelet.serve.aws_lambda, numpy"
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", statement],
        capture_output=True,
        text=True,
        check=True,
    )
    wanted = ("numpy", "PIL.Image", "scenelet.serve.aws_lambda")
    rows = [
        line.removeprefix("import time:").split("|")
        for line in told.stderr.splitlines()
        if line.count("|") == 2
    ]
    return {name.strip(): int(total) / 1000 for _, total, name in rows if name.strip() in wanted}


def cold_start(bundle: Path, picture: bytes, repeats: int = 7) -> list[float]:
    """Medians from an interpreter that has started to the handler's first answer.

    Milliseconds, and peak memory in MiB.
    """
    import base64

    command = [sys.executable, "-c", COLD]
    environment = {**os.environ, "SCENELET_BUNDLE": str(bundle)}
    runs = [
        subprocess.run(
            command,
            input=base64.b64encode(picture),
            capture_output=True,
            check=True,
            env=environment,
        ).stdout
        for _ in range(repeats + 1)
    ]
    figures = [[float(word) for word in run.splitlines()[-1].split()] for run in runs[1:]]
    return [statistics.median(column) for column in zip(*figures, strict=True)]


def throughput(bundle: Path, data: bytes, answers: int = 1000) -> float:
    """Answers a second on all cores."""
    with quiet():
        predictor = Predictor(bundle, copies=cores())
    start_s = time.perf_counter()
    for _ in in_parallel(predictor.predict, [data] * answers):
        pass
    return answers / (time.perf_counter() - start_s)


def command_s(arguments: list[str], repeats: int = 5) -> float:
    """Median seconds of a whole command."""
    taken = []
    for _ in range(repeats + 1):
        start_s = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "scenelet", *arguments], capture_output=True, check=True
        )
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
        "what",
        "median",
        title=f"{bundle.name} on {platform.machine()}, {os.cpu_count()} cores",
        title_justify="left",
    )
    for name, data in (("150 x 150", small), ("1200 x 900", large)):
        answer = median_ms(lambda data=data: predictor.predict(data))
        table.add_row(f"bytes to answer, {name} JPEG, one thread", f"{answer:.2f} ms")
    for stage, values in stages(predictor, small).items():
        table.add_row(
            f"  of 150 x 150: {stage}, median and 99th percentile",
            f"{values[0]:.2f} ms, {values[1]:.2f} ms",
        )
    table.add_row("  the same inference by ONNX Runtime, one thread", f"{onnx_ms(bundle):.2f} ms")
    cold_ms, peak_mib = cold_start(bundle, small)
    table.add_row("answers from bytes, all cores", f"{throughput(bundle, small):.0f} a second")
    table.add_row("Lambda handler: import, load, first answer", f"{cold_ms:.0f} ms")
    table.add_row("  its peak memory", f"{peak_mib:.0f} MiB")
    for module, took_ms in imports_ms().items():
        note = ", which serving does without" if module == "numpy" else ""
        table.add_row(f"  import of {module}{note}", f"{took_ms:.0f} ms")
    table.add_row("scenelet --help, whole process", f"{command_s(['--help']):.2f} s")
    table.add_row(
        "scenelet predict, whole process",
        f"{command_s(['predict', str(bundle / 'golden' / 'buildings.jpg')]):.2f} s",
    )
    table.add_row("model.tflite", f"{(bundle / 'model.tflite').stat().st_size / 1e6:.2f} MB")
    everything = sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file())
    table.add_row("whole bundle", f"{everything / 1e6:.2f} MB")
    Console().print(table)


if __name__ == "__main__":
    main()
