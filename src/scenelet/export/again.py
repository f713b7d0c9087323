"""Is a model that was trained again worse? Asked of pictures that neither learned from."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scenelet.assess.compare import compare_bundles, mcnemar, only_one_right, verdict
from scenelet.bundle.figures import Interval
from scenelet.bundle.metrics import paired_difference
from scenelet.errors import DataError
from scenelet.progress import SILENT, Progress
from scenelet.runs.run import Run

WORSE = "worse"


@dataclass(frozen=True)
class Again:
    """The second training against the first, on the same held-out pictures.

    Attributes:
        images: How many.
        accuracies: Of both, 0 to 1.
        difference: Second less first, -1 to 1, with its 95 % interval.
        p_value: Of McNemar's exact test.
        verdict: "better", "worse", or that no difference is shown.
    """

    images: int
    accuracies: tuple[float, float]
    difference: Interval
    p_value: float
    verdict: str

    @property
    def is_worse(self) -> bool:
        """Whether it is shown to be."""
        return self.verdict == WORSE


def compare_again(
    runs: tuple[Run, Run],
    bundles: tuple[Path, Path],
    data: Path,
    manifest: Path,
    ledger: Path,
    progress: Progress = SILENT,
) -> Again:
    """Compare on what the first training held out: its validation part, or all pictures by folds.

    Args:
        runs: The first and the second training.
        bundles: Theirs.
        data: Place of all pictures.
        manifest: Whose validation part is that of the first training.
        ledger: Where looks at a test part are recorded; here is none.
        progress: Is told how it goes on.

    Raises:
        DataError: They have no held-out picture in common.
        BundleError: One of the bundles can't be read.
    """
    if all(run.folds for run in runs):
        first, second = (_out_of_fold(run) for run in runs)
        both = sorted(first.keys() & second.keys())
        if not both:
            raise DataError(f"{runs[1].folder}: no held-out picture in common with the first run.")
        right = [np.array([told[each] for each in both]) for told in (first, second)]
        gain, p_value = paired_difference(*right), mcnemar(*only_one_right(*right))
        accuracies = (float(right[0].mean()), float(right[1].mean()))
        return Again(len(both), accuracies, gain, p_value, verdict(gain, p_value, len(both)))
    found = compare_bundles(bundles, data, "val", ledger, progress, manifest).figures
    return Again(found.images, found.accuracies, found.difference, found.p_value, found.verdict)


def _out_of_fold(run: Run) -> dict[str, bool]:
    """Of each picture, by its pixel hash, whether the fold that had not seen it was right."""
    told: dict[str, bool] = {}
    for fold in run.folds:
        rows = [row for row in fold.rows() if row.split == "val" and not row.excluded]
        values = json.loads((fold.folder / "held_out.json").read_text(encoding="utf-8"))
        right = np.array(values["logits"]).argmax(1) == np.array(values["labels"])
        told |= {row.pixel_hash: bool(each) for row, each in zip(rows, right, strict=True)}
    return told
