"""What goes beyond the figures: promises, strangers, noise of the labels, spoilt images.

Knows nothing of how it is shown.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from scenelet.answers import Answers, ask
from scenelet.assess.ceiling import Ceiling, noise_ceiling
from scenelet.assess.evaluate import Evaluated
from scenelet.assess.pairs import confusable_pairs
from scenelet.assess.robustness import Robustness, measure_robustness
from scenelet.assess.strangers import false_alarms_by_class, stranger_figures
from scenelet.assess.thresholds import cross_fitted, measure_promise
from scenelet.bundle.contract import Contract
from scenelet.bundle.figures import Promise, StrangerFigures
from scenelet.bundle.plain import as_plain
from scenelet.bundle.runtime import BundleModel
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.strangers import strangers
from scenelet.progress import SILENT, Progress

STRANGERS_PER_KIND = 40


@dataclass(frozen=True)
class Assessment:
    """Everything the report tells.

    Attributes:
        evaluated: The bundle, its answers, the figures.
        promise: What temperature and thresholds keep; on validation images by cross-fitting.
        crossed: Whether `promise` is cross-fitted.
        strangers: How the bundle's score tells painted strangers from these images.
        stranger_scores: Of these images, and of the strangers by kind.
        false_alarms: Part of the images of each class that are told as strangers.
        ceiling: What the labels allow; None where there is too little to judge.
        robustness: None unless asked for.
    """

    evaluated: Evaluated
    promise: Promise
    crossed: bool
    strangers: StrangerFigures
    stranger_scores: tuple[np.ndarray, dict[str, np.ndarray]]
    false_alarms: dict[str, float]
    ceiling: Ceiling | None
    robustness: Robustness | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        evaluated = self.evaluated
        return {
            "bundle": str(evaluated.bundle.folder),
            "part": evaluated.part,
            "seen_in_training": evaluated.seen_in_training,
            "looks_at_this_test_split": evaluated.looks,
            **evaluated.figures.as_dict(),
            "confusable_pairs": [pair.as_dict() for pair in confusable_pairs(evaluated.figures)],
            "held_out" if self.crossed else "promise": as_plain(self.promise),
            "strangers": self.strangers.as_dict() | {"false_alarms_by_class": self.false_alarms},
            "noise_ceiling": self.ceiling.as_dict() if self.ceiling else None,
            "robustness": self.robustness.as_dict() if self.robustness else None,
        }


def assess(
    evaluated: Evaluated,
    robustness: bool = False,
    progress: Progress = SILENT,
    others: Dataset | None = None,
) -> Assessment:
    """Compute what goes beyond the figures.

    Args:
        evaluated: By `evaluate_bundle`.
        robustness: Whether to spoil every image in 45 ways, which takes minutes.
        progress: Is told how it goes on.
        others: Pictures of none of the classes, to be told as strangers beside the painted ones.
    """
    bundle, contract = evaluated.bundle, evaluated.bundle.contract
    progress.say("judging thresholds and labels")
    promise, ceiling = _promise(evaluated), noise_ceiling(evaluated.labels, evaluated.probabilities)
    progress.say("painting strangers and asking about them")
    known = _stranger_scores(bundle, evaluated.answers)
    strange = {
        kind: _stranger_scores(bundle, ask(bundle, pictures, contract.preprocess))
        for kind, pictures in _kinds(others).items()
    }
    told = stranger_figures(contract.stranger_score, known, strange, contract.stranger_above)
    spoilt = measure_robustness(bundle, evaluated.chosen, progress) if robustness else None
    return Assessment(
        evaluated=evaluated,
        promise=promise,
        crossed=evaluated.part == "val",
        strangers=told,
        stranger_scores=(known, strange),
        false_alarms=false_alarms_by_class(
            known, evaluated.labels, contract.class_names, contract.stranger_above
        ),
        ceiling=ceiling,
        robustness=spoilt,
    )


def _kinds(others: Dataset | None) -> dict[str, Dataset]:
    """Strangers by kind: those that are painted, and the pictures of a person."""
    painted = strangers(STRANGERS_PER_KIND, seed=1)
    return painted if others is None else {**painted, others.source.name: others}


def _promise(evaluated: Evaluated) -> Promise:
    """What the thresholds keep; on validation images, on which they were fitted, by others."""
    contract, wished = evaluated.bundle.contract, evaluated.bundle.contract.promises.wished
    if evaluated.part == "val":
        kin = [row.kin for row in evaluated.chosen.rows]
        return cross_fitted(evaluated.labels, evaluated.answers.logits, wished, kin)
    return measure_promise(
        labels=evaluated.labels,
        probabilities=evaluated.probabilities,
        thresholds=_set_thresholds(contract),
        abstain_below=contract.abstain_below,
        wished=wished,
    )


def _set_thresholds(contract: Contract) -> np.ndarray | None:
    """(classes,) of its prediction sets; None where it has none."""
    named = contract.prediction_sets.thresholds
    return np.array([named[name] for name in contract.class_names]) if named else None


def _stranger_scores(bundle: BundleModel, answers: Answers) -> np.ndarray:
    pairs = zip(answers.logits, answers.features, strict=True)
    return np.array([bundle.stranger_score(*pair) for pair in pairs])
