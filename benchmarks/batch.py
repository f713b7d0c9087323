"""Batch throughput.

`scenelet predict FOLDER --out` beside bare decoding (files read) and bare inference on all cores,
in turn.

    python benchmarks/batch.py [FOLDER] [--bundle BUNDLE] [--images 3000]

Without FOLDER, painted scenes. What the cores allow is 1 / (1 / decoding + 1 / inference).
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np

from scenelet.dataset.paint import paint_data_set
from scenelet.files import pictures
from scenelet.images import to_input
from scenelet.parallel import cores, in_parallel
from scenelet.quiet import quiet
from scenelet.serve.batch import predict_folder
from scenelet.serve.predictor import Predictor
from scenelet.shipped import default_bundle

ROUNDS = 3


def images_per_s(count: int, work: Callable[[], object]) -> float:
    """Images/s of a call that handles `count`."""
    start_s = time.perf_counter()
    work()
    return count / (time.perf_counter() - start_s)


def main() -> None:
    """Measure in turn and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--bundle", type=Path, default=default_bundle())
    parser.add_argument("--images", type=int, default=3000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "few"
        folder.mkdir()
        source = arguments.folder
        if source is None:
            source = Path(scratch) / "painted"
            paint_data_set(source, 100)
        names = list(islice(pictures(source), arguments.images))
        for number, name in enumerate(names):
            (folder / f"{number:06d}{Path(name).suffix}").symlink_to((source / name).resolve())
        with quiet():
            predictor = Predictor(arguments.bundle, copies=cores())
        model, spec = predictor.model, predictor.model.contract.preprocess
        paths = [source / name for name in names]

        def decode(path: Path) -> np.ndarray:
            return to_input(path.read_bytes(), spec)

        inputs = list(in_parallel(decode, paths))
        speeds: dict[str, list[float]] = {"decoding": [], "inference": [], "batch": []}
        for turn in range(ROUNDS):
            work: dict[str, Callable[[], object]] = {
                "decoding": lambda: [None for _ in in_parallel(decode, paths)],
                "inference": lambda: [None for _ in in_parallel(model.answer, inputs)],
                "batch": lambda turn=turn: predict_folder(
                    predictor, folder, Path(scratch) / f"{turn}.csv"
                ),
            }
            for name, job in work.items():
                speeds[name].append(images_per_s(len(names), job))
        allowed = [
            1 / (1 / d + 1 / i)
            for d, i in zip(speeds["decoding"], speeds["inference"], strict=True)
        ]
        ratios = [own / most for own, most in zip(speeds["batch"], allowed, strict=True)]
        print(
            f"{len(names):,} pictures, {cores()} cores, {arguments.bundle.name}, {ROUNDS} rounds,"
            " medians"
        )
        for name, values in speeds.items():
            print(f"  {name:10} {statistics.median(values):7.0f} images/s")
        print(f"  allowed    {statistics.median(allowed):7.0f} images/s")
        print(f"  ratio      {statistics.median(ratios):7.2f}")


if __name__ == "__main__":
    main()
