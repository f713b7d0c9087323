"""The package beside the usual way to pack.

Everything as pip installs it, no bytecode, all imports eager. In one run, in turn.

    python benchmarks/package.py [--bundle BUNDLE]

First answers are measured under the real awslambdaric, from the start of the process, for a 1200 x
900 JPEG; medians, ratios.
"""

import argparse
import base64
import shutil
import statistics
import subprocess
import tempfile
import time
import zipfile
from pathlib import Path

from scenelet.dataset.scenes import jpeg, paint_scene
from scenelet.deploy.package import HANDLER, package_zip
from scenelet.deploy.runtime_api import RunningFunction, runtime_python
from scenelet.deploy.target import Target, find_interpreter
from scenelet.shipped import default_bundle

ROUNDS = 9
INSTALLED = ("numpy", "pillow", "ai-edge-litert>=2.3,<2.4", "requests", "boto3")
# the handler of tutorials: everything imported at the top, LiteRT's Python interpreter, numpy
USUAL = """
import base64, io, json, os
import boto3
import numpy as np
import requests
from PIL import Image
from ai_edge_litert.interpreter import Interpreter
s3 = boto3.client("s3", region_name="eu-central-1")
folder = os.environ["SCENELET_BUNDLE"]
manifest = json.load(open(folder + "/bundle.json"))
interpreter = Interpreter(model_path=folder + "/model.tflite", num_threads=1)
interpreter.allocate_tensors()
def handler(event, context):
    size = (manifest["preprocess"]["width"], manifest["preprocess"]["height"])
    picture = Image.open(io.BytesIO(base64.b64decode(event["image"]))).convert("RGB").resize(size)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.asarray(picture, dtype=np.uint8)[None])
    interpreter.invoke()
    logits = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
    return {"label": manifest["class_names"][int(logits.argmax())]}
"""


def size_mb(folder: Path) -> tuple[float, float]:
    """Unzipped and zipped MB of a folder."""
    archive = shutil.make_archive(str(folder) + "-zipped", "zip", folder)
    unzipped = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return unzipped / 1e6, Path(archive).stat().st_size / 1e6


def main() -> None:
    """Measure in turn and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=default_bundle())
    bundle: Path = parser.parse_args().bundle
    target = Target()
    interpreter = find_interpreter(target.python)
    if interpreter is None:
        raise SystemExit(f"there is no Python {target.python} on this machine")
    python = runtime_python(interpreter, target.python)
    event = {
        "image": (
            base64.b64encode(jpeg(paint_scene("sea", 1).resize((1200, 900)), quality=85)).decode()
        )
    }
    with tempfile.TemporaryDirectory() as scratch:
        ours, usual = Path(scratch) / "ours", Path(scratch) / "usual"
        made = package_zip(bundle, Path(scratch) / "ours.zip", target)
        zipfile.ZipFile(made.path).extractall(ours)
        command = [
            interpreter,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-compile",
            "--target",
            usual,
            *INSTALLED,
        ]
        subprocess.run(command, check=True, capture_output=True)
        (usual / "usual.py").write_text(USUAL)
        shutil.copytree(bundle, usual / "bundle")
        ways = {"ours": (ours, HANDLER), "the usual way": (usual, "usual.handler")}
        cold: dict[str, list[float]] = {name: [] for name in ways}
        peak: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, (root, handler) in ways.items():
                start_s = time.perf_counter()
                with RunningFunction(
                    python,
                    root,
                    handler,
                    {"SCENELET_BUNDLE": str(root / "bundle")},
                    2048,
                ) as function:
                    function.invoke(event)
                    cold[name].append(1000 * (time.perf_counter() - start_s))
                    peak[name].append(function.peak_mib())
        sizes = {name: size_mb(root) for name, (root, _) in ways.items()}
    print(
        f"{bundle.name}, Python {target.python}, {target.architecture}, {ROUNDS} processes each, in"
        " turn, medians"
    )
    for name in ways:
        unzipped, zipped = sizes[name]
        figures = (
            f"first answer {statistics.median(cold[name]):6.0f} ms, peak"
            f" {statistics.median(peak[name]):4.0f} MiB"
        )
        print(f"  {name:14} {zipped:6.1f} MB zipped, {unzipped:6.1f} MB unzipped, {figures}")
    ratio = statistics.median(
        b / a for a, b in zip(cold["ours"], cold["the usual way"], strict=True)
    )
    print(
        f"  the usual way / ours: first answer {ratio:.1f}, zipped"
        f" {sizes['the usual way'][1] / sizes['ours'][1]:.1f}"
    )


if __name__ == "__main__":
    main()
