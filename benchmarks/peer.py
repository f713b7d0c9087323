"""Serving beside the usual way.

A MobileNetV2 at 150 px through LiteRT with a full decode, as the handlers of tutorials do it.

    python benchmarks/peer.py [--bundle BUNDLE]

Each way answers in fresh processes, in turn; medians and ratios. The MobileNetV2 has fresh weights:
speed, size and memory do not hang on them. "Eager" is our own handler, in a process that first
imports what the tutorials import at the top: requests, boto3, and all of Pillow's readers.
"""

import argparse
import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from scenelet.dataset.scenes import jpeg, paint_scene
from scenelet.shipped import default_bundle

ROUNDS = 7
TIMED = """
data = base64.b64decode(sys.stdin.read())
answer(data)
cold_ms = 1000 * (time.perf_counter() - start_s)
taken = []
for _ in range(60):
    begun_s = time.perf_counter()
    answer(data)
    taken.append(1000 * (time.perf_counter() - begun_s))
status = dict(line.split(":", 1) for line in open("/proc/self/status"))  # ru_maxrss would be that of the parent
peak_mb = int(status["VmHWM"].split()[0]) / 1024
print(json.dumps({"cold_ms": cold_ms, "warm_ms": statistics.median(taken), "peak_mb": peak_mb}))
"""
HEAD = "import base64, json, statistics, sys, time\nstart_s = time.perf_counter()\n"
OURS = """
from scenelet.serve.aws_lambda import _service
predict = _service().predict
import os, contextlib
sys.stdout.flush()
def answer(data):
    with open(os.devnull, "w") as nothing, contextlib.redirect_stdout(nothing):
        return predict(data)
"""
EAGER = (
    "import requests, boto3\nfrom PIL import Image\nImage.init()\nboto3.client('s3',"
    " region_name='eu-central-1')\n" + OURS
)
PEER = """
import io, os
import numpy as np
import requests
import boto3
from PIL import Image
from ai_edge_litert.interpreter import Interpreter
s3 = boto3.client("s3", region_name="eu-central-1")
interpreter = Interpreter(model_path=os.environ["PEER_MODEL"], num_threads=1)
interpreter.allocate_tensors()
def answer(data):
    picture = Image.open(io.BytesIO(data)).convert("RGB").resize((150, 150))
    values = np.expand_dims(np.array(picture, dtype="float32") / 255.0, 0)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])[0]
"""


def write_peer(path: Path) -> None:
    """A MobileNetV2 with six classes as float .tflite, NHWC in."""
    import torch
    from torch import Tensor, nn
    from transformers import AutoModelForImageClassification, MobileNetV2Config

    from scenelet.learn.networks import hush_transformers
    from scenelet.quiet import quiet

    hush_transformers()

    class Peer(nn.Module):
        """Channels last in, logits out."""

        def __init__(self) -> None:
            super().__init__()
            config = MobileNetV2Config(image_size=150, num_labels=6, tf_padding=False)
            self.network = AutoModelForImageClassification.from_config(config).eval()

        def forward(self, images: Tensor) -> Tensor:
            """Classify."""
            logits: Tensor = self.network(images.permute(0, 3, 1, 2)).logits
            return logits

    with quiet():
        import litert_torch

        litert_torch.convert(Peer().eval(), (torch.rand(1, 150, 150, 3),)).export(str(path))


def main() -> None:
    """Measure in turn and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, default=default_bundle())
    bundle: Path = parser.parse_args().bundle
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch) / "peer.tflite"
        write_peer(model)
        environment = {
            **os.environ,
            "SCENELET_BUNDLE": str(bundle.resolve()),
            "PEER_MODEL": str(model),
        }
        ways = {"ours": OURS, "ours, eager": EAGER, "the usual way": PEER}
        for title, picture in (
            ("150 x 150", paint_scene("sea", 1)),
            ("3000 x 2000", paint_scene("sea", 1).resize((3000, 2000))),
        ):
            data = base64.b64encode(jpeg(picture, quality=85))
            found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
            for _ in range(ROUNDS):
                for name, code in ways.items():
                    command = [sys.executable, "-c", HEAD + code + TIMED]
                    done = subprocess.run(
                        command, input=data, capture_output=True, check=True, env=environment
                    )
                    found[name].append(json.loads(done.stdout.splitlines()[-1]))
            print(f"{title} JPEG, one thread, {ROUNDS} processes each, medians")
            medians = {
                name: {key: statistics.median(each[key] for each in runs) for key in runs[0]}
                for name, runs in found.items()
            }
            for name, values in medians.items():
                print(
                    f"  {name:14}"
                    + "  ".join(f"{key} {value:7.1f}" for key, value in values.items())
                )
            ours = medians["ours"]
            for name in ("ours, eager", "the usual way"):
                print(
                    f"  {name} / ours: "
                    + ", ".join(f"{key} {medians[name][key] / ours[key]:.2f}" for key in ours)
                )
        sizes = ((bundle / "model.tflite").stat().st_size, model.stat().st_size)
        print(f"model: ours {sizes[0] / 1e6:.2f} MB, the usual way {sizes[1] / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
