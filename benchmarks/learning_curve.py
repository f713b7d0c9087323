"""How accurate a model of few pictures is: on a pretrained backbone, and from scratch.

    python benchmarks/learning_curve.py seg_train [--out docs/images/learning-curve.svg]

Draws 5, 20, 50 and 100 pictures a class, five times; every model answers the same held-out pictures
(seed 0's validation part). Prints mean and spread, and draws them. Features are computed once and
kept, so the second time takes seconds for the backbone.
"""

import argparse
import html
import statistics
import tempfile
from pathlib import Path

import numpy as np

from scenelet.answers import ask
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.split import split_validation
from scenelet.images import PreprocessSpec
from scenelet.learn.features import Lens, features_of
from scenelet.learn.linear import fit_head
from scenelet.learn.pretrained import load_run_network, open_pretrained
from scenelet.learn.train import train
from scenelet.progress import ConsoleProgress
from scenelet.runs.recipe import resolve
from scenelet.runs.run import Run

PER_CLASS, DRAWS, STRENGTH, SIDE = (5, 20, 50, 100), 5, 0.01, 224
SCRATCH_STEPS = 400


def drawn(training: Dataset, per_class: int, seed: int) -> Dataset:
    """Some pictures of each class."""
    draw = np.random.default_rng(seed)
    rows = []
    for label in training.class_names:
        own = [row for row in training.rows if row.label == label]
        rows += [own[place] for place in sorted(draw.permutation(len(own))[:per_class])]
    return training.of(rows)


def frozen(few: Dataset, unseen: Dataset, names: tuple[str, ...], lens: Lens) -> float:
    """Accuracy of a linear head on the backbone's features."""
    progress = ConsoleProgress()
    head = fit_head(
        features_of(few, lens, progress), few.label_indices(names), len(names), STRENGTH, "none"
    )
    answers = head.probabilities(features_of(unseen, lens, progress)).argmax(1)
    return float((answers == unseen.label_indices(names)).mean())


def scratch(few: Dataset, unseen: Dataset, folder: Path, seed: int) -> float:
    """Accuracy of the small network, trained on the drawn pictures alone."""
    import torch

    from scenelet.learn.networks import normalise

    epochs = max(8, SCRATCH_STEPS * 32 // len(few))
    config = resolve("quick", {"epochs": epochs, "seed": seed, "threads": 1})
    run = Run(folder / f"{len(few)}-{seed}")
    train(Path(few.source.name), config, run, manifest=manifest_of(few, unseen, folder))
    network = load_run_network(run).eval()

    class Asked:
        """The network as something that can be asked."""

        def answer(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            with torch.inference_mode():
                tensor = torch.from_numpy(pixels).permute(0, 3, 1, 2)
                return network(normalise(tensor))[0].numpy(), np.zeros(1, np.float32)

    logits = ask(Asked(), unseen, config.preprocess).logits
    return float((logits.argmax(1) == unseen.label_indices(few.class_names)).mean())


def manifest_of(few: Dataset, unseen: Dataset, folder: Path) -> Path:
    """The drawn pictures to train on, and a few unseen ones to choose the epoch by."""
    from scenelet.dataset.manifest import write_manifest

    path = folder / "manifest.csv"
    write_manifest(path, [*few.rows, *unseen.rows[:: max(1, len(unseen) // 200)]])
    return path


def curve_svg(curves: dict[str, dict[int, list[float]]]) -> str:
    """Mean and spread of each curve over the pictures a class, as SVG text."""
    width, height, left, bottom = 640, 320, 60, 40
    colours = ("#1f77b4", "#d9772b")

    def place(count: int, value: float) -> tuple[float, float]:
        across = np.log(count / PER_CLASS[0]) / np.log(PER_CLASS[-1] / PER_CLASS[0])
        return left + 20 + across * (width - left - 160), height - bottom - (value - 0.3) / 0.7 * (
            height - bottom - 20
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for tenth in range(3, 11):
        y = place(PER_CLASS[0], tenth / 10)[1]
        parts.append(
            f'<line x1="{left}" x2="{width - 130}" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>'
            f'<text x="{left - 8}" y="{y + 4:.0f}" text-anchor="end">{10 * tenth} %</text>'
        )
    for count in PER_CLASS:
        x = place(count, 0.3)[0]
        parts.append(f'<text x="{x:.0f}" y="{height - 16}" text-anchor="middle">{count}</text>')
    parts.append(f'<text x="{width - 125}" y="{height - 16}">pictures a class</text>')
    for (name, values), colour in zip(curves.items(), colours, strict=False):
        points = [place(count, statistics.mean(each)) for count, each in values.items()]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for (x, _), (count, each) in zip(points, values.items(), strict=True):
            high, low = place(count, max(each))[1], place(count, min(each))[1]
            parts.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{high:.1f}" y2="{low:.1f}"'
                f' stroke="{colour}" stroke-width="6" stroke-opacity="0.35"/>'
            )
        x, y = points[-1]
        parts.append(
            f'<text x="{x + 10:.0f}" y="{y + 4:.0f}" fill="{colour}">{html.escape(name)}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> None:
    """Draw, train, print and plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--backbone", default="lite1")
    parser.add_argument("--no-scratch", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("learning-curve.svg"))
    arguments = parser.parse_args()
    found = Dataset.open(arguments.folder).examined(ConsoleProgress())
    split = found.of(split_validation(found.rows, 0.1, 0))
    training, unseen, names = split.part("train"), split.part("val"), split.class_names
    lens = Lens.features(open_pretrained(arguments.backbone, "--init"), PreprocessSpec(SIDE, SIDE))
    curves: dict[str, dict[int, list[float]]] = {"pretrained, frozen": {}}
    if not arguments.no_scratch:
        curves["from scratch"] = {}
    with tempfile.TemporaryDirectory() as folder:
        for count in PER_CLASS:
            for seed in range(DRAWS):
                few = drawn(training, count, seed)
                measured = {"pretrained, frozen": frozen(few, unseen, names, lens)}
                if not arguments.no_scratch:
                    measured["from scratch"] = scratch(few, unseen, Path(folder), seed)
                for name, value in measured.items():
                    curves[name].setdefault(count, []).append(value)
            for name, values in curves.items():
                each = values[count]
                spread = f"{min(each):.1%} to {max(each):.1%}"
                print(
                    f"{count:4} a class, {name:18} {statistics.mean(each):.1%} ({spread})",
                    flush=True,
                )
                arguments.out.write_text(curve_svg(curves), encoding="utf-8")


if __name__ == "__main__":
    main()
