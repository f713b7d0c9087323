"""How many labels are saved where the page Label chooses the pictures, and not chance.

    python benchmarks/labelling.py seg_train

Hides the labels of a pool of pictures, and gives them one batch after another: of pictures that
`explore/choosing.py` chooses, or of any. After each batch a linear head on the backbone's features
answers pictures that are in no pool. Five draws of pool and held-out pictures; prints the accuracy
by labels, and the labels that each way needs to reach an accuracy. Features are computed once and
kept.
"""

import argparse
import statistics
from pathlib import Path

import numpy as np

from scenelet.dataset.dataset import Dataset
from scenelet.explore.choosing import head_of, suggest
from scenelet.learn.embedding import embedding
from scenelet.progress import ConsoleProgress

DRAWS, LOOKED, POOL, HELD_OUT = 5, 6_000, 2_000, 1_500  # pictures
STEPS = ((10, 60), (20, 400), (50, 1_000))  # labels a batch, and until how many in all
REACHED = (0.80, 0.82, 0.84, 0.86, 0.88, 0.89)


def batches() -> list[int]:
    """Labels after each batch: small ones first."""
    found = [0]
    for size, until in STEPS:
        found += range(found[-1] + size, until + 1, size)
    return found[1:]


def curve(
    features: np.ndarray,
    labels: np.ndarray,
    pool: np.ndarray,
    held_out: np.ndarray,
    is_chosen: bool,
    seed: int,
) -> list[float]:
    """Accuracy on the held-out pictures after each batch."""
    order = np.arange(len(pool))
    np.random.default_rng(seed).shuffle(order)
    known: dict[int, int] = {}
    found = []
    for total in batches():
        wanted = total - len(known)
        if is_chosen:
            places = suggest(features[pool], known, frozenset(), wanted)
        else:
            places = order[len(known) : total].tolist()
        known |= {place: int(labels[pool[place]]) for place in places}
        seen = np.array(list(known))
        told_labels = np.array(list(known.values()))
        classes = np.unique(told_labels)
        head = head_of(features[pool[seen]], told_labels)
        answers = classes[head(features[held_out]).argmax(1)]
        found.append(float((answers == labels[held_out]).mean()))
    return found


def needed(accuracies: list[float], wished: float) -> float:
    """Labels at which a curve reaches an accuracy for good, between two batches in proportion."""
    counts = batches()
    below = [place for place, value in enumerate(accuracies) if value < wished]
    if not below:
        return counts[0]
    last = below[-1]
    if last + 1 == len(counts):
        return float("inf")
    part = (wished - accuracies[last]) / (accuracies[last + 1] - accuracies[last])
    return counts[last] + part * (counts[last + 1] - counts[last])


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of class folders")
    listed = Dataset.open(parser.parse_args().data)
    order = np.random.default_rng(0).permutation(len(listed))
    rows = [listed.rows[place] for place in order]
    told = ConsoleProgress()
    some = listed.of(rows[:LOOKED]).examined(told)
    some = some.used
    features = embedding("lite0")(some, told)
    labels = some.label_indices(some.class_names)
    ways: dict[str, list[list[float]]] = {"chosen": [], "random": []}
    for seed in range(DRAWS):
        drawn = np.random.default_rng(seed).permutation(len(labels))
        pool, held_out = drawn[:POOL], drawn[POOL : POOL + HELD_OUT]
        for way, curves in ways.items():
            curves.append(curve(features, labels, pool, held_out, way == "chosen", seed))
        told.say(f"draw {seed + 1} of {DRAWS}")
    means = {way: np.mean(curves, 0) for way, curves in ways.items()}
    print("labels  chosen  random")
    for place, count in enumerate(batches()):
        print(f"{count:6}  {means['chosen'][place]:6.1%}  {means['random'][place]:6.1%}")
    print("reached  chosen  random  part")
    for wished in REACHED:
        counts = {way: [needed(each, wished) for each in curves] for way, curves in ways.items()}
        chosen, other = (statistics.mean(counts[way]) for way in ("chosen", "random"))
        print(f"{wished:7.0%}  {chosen:6.0f}  {other:6.0f}  {chosen / other:4.0%}")


if __name__ == "__main__":
    main()
