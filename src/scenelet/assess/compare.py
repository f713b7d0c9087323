"""Compare two bundles on the same images: who is right more often, smaller, faster.

By McNemar's test and the difference with its interval.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from scenelet.answers import Answers, ask, open_bundle
from scenelet.assess.evaluate import choose, open_part
from scenelet.assess.ledger import is_known, record
from scenelet.bundle.contract import LITERT
from scenelet.bundle.figures import Interval
from scenelet.bundle.latency import latencies_ms
from scenelet.bundle.metrics import paired_difference
from scenelet.bundle.runtime import BundleModel
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.source import Source
from scenelet.errors import DataError
from scenelet.progress import SILENT, Progress
from scenelet.text import shell

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


def next_commands(compared: Compared, names: tuple[str, str]) -> list[str]:
    """What to do now: a better one is looked at and deployed; of others, where they fail.

    Args:
        compared: By `compare_bundles`.
        names: Of the bundles' folders.
    """
    chosen = names[1] if compared.figures.verdict == "better" else names[0]
    source = compared.dataset.source.name
    judged = shell("scenelet", "evaluate", chosen, source, "--report", "evaluation.html")
    return [judged, shell("scenelet", "deploy", chosen, "--plan")]


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided exact p-value of so uneven a split of the images on which two models differ.

    Source: McNemar 1947.
    """
    from scipy.stats import binomtest

    total = only_first + only_second
    return float(binomtest(only_first, total).pvalue) if total else 1.0


def only_one_right(first: np.ndarray, second: np.ndarray) -> tuple[int, int]:
    """On how many images the first of two models alone was right, and the second alone."""
    return int((first & ~second).sum()), int((second & ~first).sum())


def verdict(difference: Interval, p_value: float, images: int) -> str:
    """In words, from the point of view of the second bundle."""
    if p_value >= SIGNIFICANCE:
        return f"no difference shown at n = {images:,}"
    return "better" if (difference.value or 0) > 0 else "worse"


def compare_bundles(
    folders: tuple[Path, Path],
    place: Path | Source,
    part: str,
    ledger: Path,
    progress: Progress = SILENT,
    manifest: Path | None = None,
) -> Compared:
    """Ask both about the same images and compare.

    Args:
        folders: Of the bundles.
        place: Folder of class folders, or another source of pictures.
        part: As for `evaluate`; images that either was trained on are refused or left out.
        ledger: Where looks at a test split are recorded.
        progress: Is told how it goes on.
        manifest: Of the folder.

    Raises:
        BundleError: One of them can't be trusted or read.
        DataError: They know other classes, or no image is unseen by both.
    """
    bundles = open_bundle(folders[0]), open_bundle(folders[1])
    first, second = bundles
    _require_same_classes(folders, bundles)
    both, judged = _unseen_by_both(bundles, open_part(place, part, manifest, progress), part)
    names = first.contract.class_names
    order = [second.contract.class_names.index(name) for name in names]
    answers = (
        ask(first, both, first.contract.preprocess, progress),
        ask(second, both, second.contract.preprocess, progress).in_order(order),
    )
    labels = first.task.targets(both, names)
    right = [each.logits.argmax(1) == labels for each in answers]
    figures = _figures(bundles, both, right, judged)
    if judged == "test" or is_known(ledger, both.rows):
        figures = replace(figures, looks=_record_looks(ledger, bundles, both, figures.accuracies))
    return Compared(figures, both, labels, *answers, names)


def _require_same_classes(
    folders: tuple[Path, Path], bundles: tuple[BundleModel, BundleModel]
) -> None:
    first, second = (bundle.contract.class_names for bundle in bundles)
    if set(first) != set(second):
        raise DataError(
            f"{folders[0]} knows {', '.join(first)}; {folders[1]} knows {', '.join(second)}. Only"
            " bundles of the same classes can be compared."
        )


def _unseen_by_both(
    bundles: tuple[BundleModel, BundleModel], found: Dataset, part: str
) -> tuple[Dataset, str]:
    """The images to compare on, and which part they are to the first bundle."""
    chosen, place = choose(bundles[0], found, part)
    of_second = {row.path for row in choose(bundles[1], found, part)[0].used.rows}
    both = chosen.used_alone.keeping(lambda row: row.path in of_second, "trained on by the second")
    if not both.rows:
        raise _none_unseen(found.source.name)
    return both, place


def _none_unseen(source: str) -> DataError:
    return DataError(
        f"{source}: no image is unseen by both bundles. Give images that neither was trained on."
    )


def _figures(
    bundles: tuple[BundleModel, BundleModel],
    dataset: Dataset,
    right: list[np.ndarray],
    part: str,
) -> Comparison:
    """From which images each bundle was right about; looks at a test part aren't recorded yet."""
    only = only_one_right(*right)
    difference, p_value = paired_difference(*right), mcnemar(*only)
    first_ms, second_ms = _latencies_ms(bundles)
    size = [(bundle.folder / LITERT).stat().st_size for bundle in bundles]
    return Comparison(
        images=len(dataset),
        part=part,
        accuracies=(float(right[0].mean()), float(right[1].mean())),
        difference=difference,
        only_first_right=only[0],
        only_second_right=only[1],
        p_value=p_value,
        latency_ms=(first_ms, second_ms),
        latency_ratio=round(second_ms / first_ms, 3),
        size_ratio=round(size[1] / size[0], 3),
        verdict=verdict(difference, p_value, len(dataset)),
        looks=0,
    )


def _latencies_ms(bundles: tuple[BundleModel, BundleModel]) -> list[float]:
    """Of each by itself, one image on one thread."""
    return latencies_ms([open_bundle(each.folder, copies=1).model for each in bundles])


def _record_looks(
    ledger: Path,
    bundles: tuple[BundleModel, BundleModel],
    dataset: Dataset,
    accuracies: tuple[float, float],
) -> int:
    """Before anybody sees the figures; returns how many looks there were at this test split."""
    looks = 0
    for bundle, accuracy in zip(bundles, accuracies, strict=True):
        contract = bundle.contract
        looks = record(ledger, dataset.rows, contract.name, contract.sha256[LITERT], accuracy)
    return looks
