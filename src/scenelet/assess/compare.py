"""Compare two bundles on the same images: McNemar's test, difference with interval, who changed sides, size, speed."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scenelet.answers import Answers, ask, open_bundle
from scenelet.assess.evaluate import choose, open_part
from scenelet.assess.ledger import entry, is_known, record
from scenelet.bundle.contract import LITERT
from scenelet.bundle.figures import Interval
from scenelet.bundle.latency import latencies_ms
from scenelet.bundle.metrics import paired_difference
from scenelet.bundle.runtime import BundleModel
from scenelet.dataset.dataset import Dataset
from scenelet.errors import DataError
from scenelet.progress import SILENT, Progress

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Comparison:
    """The second bundle against the first.

    Attributes:
        images: How many both answered.
        part: What they are to the first bundle.
        accuracies: Of both.
        difference: Second less first, -1 to 1, with its 95 % interval.
        only_first_right: Images that only the first answered rightly.
        only_second_right: Images that only the second answered rightly.
        p_value: Of McNemar's exact test, two-sided: how often equal bundles would differ as much.
        latency_ms: Medians of both, one image, one thread, in turn.
        latency_ratio: Second / first.
        size_ratio: Of model.tflite, second / first.
        verdict: In words.
        looks: At this test split so far; 0 if it is none.
    """

    images: int
    part: str
    accuracies: tuple[float, float]
    difference: Interval
    only_first_right: int
    only_second_right: int
    p_value: float
    latency_ms: tuple[float, float]
    latency_ratio: float
    size_ratio: float
    verdict: str
    looks: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Compared:
    """A comparison with the images behind it; answers in the order of its rows."""

    figures: Comparison
    dataset: Dataset
    labels: np.ndarray
    first: Answers
    second: Answers
    class_names: tuple[str, ...]


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided exact p-value of as uneven a split of the images on which two models differ (McNemar 1947)."""
    from scipy.stats import binomtest

    total = only_first + only_second
    return float(binomtest(only_first, total).pvalue) if total else 1.0


def verdict(difference: Interval, p_value: float, images: int) -> str:
    """In words, from the point of view of the second bundle."""
    if p_value >= SIGNIFICANCE:
        return f"no difference shown at n = {images:,}"
    return "better" if (difference.value or 0) > 0 else "worse"


def compare_bundles(
    folders: tuple[Path, Path],
    source: Path,
    part: str,
    ledger: Path,
    progress: Progress = SILENT,
    manifest: Path | None = None,
) -> Compared:
    """Ask both about the same images and compare.

    Args:
        folders: Of the bundles.
        source: Folder of class folders.
        part: As for `evaluate`; images that either was trained on are refused or left out.
        ledger: Where looks at a test split are recorded.
        progress: Is told how it goes on.
        manifest: Of the folder.

    Raises:
        BundleError: One of them can't be trusted or read.
        DataError: They know other classes, or no image is unseen by both.
    """
    first, second = (open_bundle(folder) for folder in folders)
    if set(first.contract.class_names) != set(second.contract.class_names):
        raise DataError(
            f"{folders[0]} knows {', '.join(first.contract.class_names)}; {folders[1]} knows"
            f" {', '.join(second.contract.class_names)}. Only bundles of the same classes can be"
            " compared."
        )
    found = open_part(source, part, manifest, progress)
    chosen, place = choose(first, found, part)
    of_second = {row.path for row in choose(second, found, part)[0].used.rows}
    both = chosen.used.keeping(lambda row: row.path in of_second, "trained on by the second")
    if not both.rows:
        raise DataError(
            f"{source}: no image is unseen by both bundles. Give images that neither was"
            " trained on."
        )
    names = first.contract.class_names
    order = [second.contract.class_names.index(name) for name in names]
    answers = (
        ask(first, both, first.contract.preprocess, progress),
        ask(second, both, second.contract.preprocess, progress).in_order(order),
    )
    figures = _figures((first, second), both, answers, place, ledger)
    return Compared(figures, both, first.task.targets(both, names), *answers, names)


def _figures(
    bundles: tuple[BundleModel, BundleModel],
    dataset: Dataset,
    answers: tuple[Answers, Answers],
    part: str,
    ledger: Path,
) -> Comparison:
    rows, labels = dataset.rows, bundles[0].task.targets(dataset, bundles[0].contract.class_names)
    right = [each.logits.argmax(1) == labels for each in answers]
    only = (int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum()))
    difference, p_value = paired_difference(right[0], right[1]), mcnemar(*only)
    alone = [open_bundle(bundle.folder, copies=1).model for bundle in bundles]
    first_ms, second_ms = latencies_ms(alone)
    size = [(bundle.folder / LITERT).stat().st_size for bundle in bundles]
    accuracies = (float(right[0].mean()), float(right[1].mean()))
    looks = 0
    if part == "test" or is_known(ledger, rows):
        for bundle, accuracy in zip(bundles, accuracies, strict=True):
            looks = record(
                ledger, entry(bundle.contract.name, bundle.contract.sha256[LITERT], rows, accuracy)
            )
    return Comparison(
        images=len(rows),
        part=part,
        accuracies=accuracies,
        difference=difference,
        only_first_right=only[0],
        only_second_right=only[1],
        p_value=p_value,
        latency_ms=(first_ms, second_ms),
        latency_ratio=round(second_ms / first_ms, 3),
        size_ratio=round(size[1] / size[0], 3),
        verdict=verdict(difference, p_value, len(rows)),
        looks=looks,
    )
