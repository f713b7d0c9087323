"""Accuracy, size and time of networks at several input sizes: what there is to choose from.

    python benchmarks/pareto.py [RUN ...] [--sizes 112,128,144,160] [--bundle models/intel-scenes]

For each run and size: the float and the int8 model's accuracy on the run's validation images, the
int8 file's size in MB, and the milliseconds of one answer on one thread (the least of 60). A bundle
is asked at its own size. The runs' images must lie where they were trained.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from scenelet.answers import ask
from scenelet.bundle.metrics import wilson_interval
from scenelet.bundle.runtime import LiteRTModel
from scenelet.export.convert import to_litert
from scenelet.export.formats import CALIBRATION_IMAGES
from scenelet.export.quantize import litert_to_int8
from scenelet.export.steps import ExportOptions, Material, load_network, open_material
from scenelet.images import PreprocessSpec
from scenelet.runs.run import Run

ROUNDS = 60


def least_ms(model: LiteRTModel, spec: PreprocessSpec) -> float:
    """Milliseconds of one answer when nothing else disturbs it."""
    pixels = np.zeros((1, spec.height, spec.width, 3), np.uint8)
    times = []
    for _ in range(ROUNDS):
        start_s = time.perf_counter()
        model.answer(pixels)
        times.append(time.perf_counter() - start_s)
    return 1000 * min(times)


def row(name: str, content: bytes, material: Material) -> None:
    """Ask one model about the validation images and print what it costs."""
    validation = material.images.part("val")
    model = LiteRTModel(content, name)
    answers = ask(model, validation, material.spec).logits.argmax(1)
    right = int((answers == validation.label_indices(material.class_names)).sum())
    found = wilson_interval(right, len(validation))
    told = f"{found.value:.2%} ({found.low:.2%} to {found.high:.2%})"
    ms, size_mb = least_ms(model, material.spec), len(content) / 1e6
    print(f"| {name} | {material.spec.width} | {told} | {size_mb:.2f} | {ms:.2f} |", flush=True)


def run_rows(run: Run, sizes: list[int]) -> Material:
    """A float and an int8 row for each size."""
    material, network = open_material(run, ExportOptions("pareto")), load_network(run)
    some = material.some_training_images(CALIBRATION_IMAGES)
    for size in sizes:
        sized = replace(material, spec=replace(material.spec, width=size, height=size))
        content = to_litert(network, size)
        row(f"{run.folder.name}, float", content, sized)
        row(
            f"{run.folder.name}, int8",
            litert_to_int8(content, list(some.inputs(sized.spec))),
            sized,
        )
    return material


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--sizes", default="112,128,144,160")
    parser.add_argument("--bundle", type=Path, action="append", default=[])
    arguments = parser.parse_args()
    print("| model | px | validation accuracy | MB | ms |\n|---|---|---|---|---|")
    for folder in arguments.runs:
        material = run_rows(Run(folder), [int(size) for size in arguments.sizes.split(",")])
    for bundle in arguments.bundle:
        from scenelet.bundle.contract import read_contract

        spec = read_contract(bundle).preprocess
        content = (bundle / "model.tflite").read_bytes()
        row(bundle.name, content, replace(material, spec=spec))


if __name__ == "__main__":
    main()
