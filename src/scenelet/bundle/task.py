"""The task: what a label is to a network, and what a network's logits are to a person.

There is one, single-label classification; another is a class with these methods and an entry in
`TASKS`. Serving asks it about one picture, without numpy; everybody else about many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from scenelet.bundle import scores

if TYPE_CHECKING:
    from dataclasses import dataclass

    import numpy as np

    from scenelet.bundle.figures import Figures
else:  # the same, made quickly
    from scenelet.records import dataclass


@dataclass(frozen=True)
class Rules:
    """What turns probabilities into a decision.

    Attributes:
        class_names: In the order of the logits.
        abstain_below: Answers of lower probability are better not given.
        set_thresholds: By class name: classes at least this probable are still possible; empty
            where nothing can be promised.
        stranger_above: Scores over this are pictures of none of the classes.
    """

    class_names: Sequence[str]
    abstain_below: float
    set_thresholds: Mapping[str, float]
    stranger_above: float


@dataclass(frozen=True)
class Decision:
    """What is told of a picture.

    Attributes:
        probabilities: Of every class by name, most probable first.
        label: Most probable class.
        probability: Of that class.
        abstains: Whether it is better not believed.
        prediction_set: Classes that the true one is among, as often as the bundle promises; None
            where it can promise nothing.
        is_stranger: Whether it looks like none of the classes.
    """

    probabilities: dict[str, float]
    label: str
    probability: float
    abstains: bool
    prediction_set: list[str] | None
    is_stranger: bool


class Labelled(Protocol):
    """A data set, as far as a task looks at it."""

    def label_indices(self, class_names: Sequence[str]) -> np.ndarray:
        """(n,) place of each image's label among the class names."""


class Task(Protocol):
    """What networks are trained and asked for."""

    @property
    def name(self) -> str:
        """As contracts say it."""

    @property
    def loss(self) -> str:
        """Name in torch.nn.functional: (logits, targets) -> mean over the pictures."""

    def targets(self, images: Labelled, class_names: Sequence[str]) -> np.ndarray:
        """(n, ...) what the network is to say of each image."""

    def probabilities(self, logits: Sequence[float], temperature: float) -> list[float]:
        """Of one picture: 0-1, in the order of the classes."""

    def decide(self, probabilities: Sequence[float], stranger: float, rules: Rules) -> Decision:
        """What to tell of one picture."""

    def probabilities_of_many(self, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        """(n, classes) logits to (n, classes) float64, 0-1."""

    def figures(
        self,
        targets: np.ndarray,
        probabilities: np.ndarray,
        class_names: Sequence[str],
        kin: Sequence[str] | None = None,
    ) -> Figures:
        """How good the answers are; images of one kin count once in intervals."""


class SingleLabel:
    """A picture is of one class."""

    name = "single-label classification"
    loss = "cross_entropy"

    def targets(self, images: Labelled, class_names: Sequence[str]) -> np.ndarray:
        """(n,) int64 places of the labels among the class names."""
        return images.label_indices(class_names)

    def probabilities(self, logits: Sequence[float], temperature: float) -> list[float]:
        """They add up to 1."""
        return scores.softmax(logits, temperature)

    def decide(self, probabilities: Sequence[float], stranger: float, rules: Rules) -> Decision:
        """The most probable class, what else is possible, and how far to trust it."""
        named = zip(rules.class_names, probabilities, strict=True)
        ranked = sorted(named, key=lambda pair: -pair[1])
        label, probability = ranked[0]
        return Decision(
            probabilities=dict(ranked),
            label=label,
            probability=probability,
            abstains=probability < rules.abstain_below,
            prediction_set=_possible(ranked, rules.set_thresholds),
            is_stranger=stranger > rules.stranger_above,
        )

    def probabilities_of_many(self, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        """Rows add up to 1."""
        from scenelet.bundle.numeric import softmax

        return softmax(logits, temperature)

    def figures(
        self,
        targets: np.ndarray,
        probabilities: np.ndarray,
        class_names: Sequence[str],
        kin: Sequence[str] | None = None,
    ) -> Figures:
        """Accuracy, calibration, confusions; see `metrics.evaluate`."""
        from scenelet.bundle.metrics import evaluate

        return evaluate(targets, probabilities, class_names, kin)


def _possible(
    ranked: Sequence[tuple[str, float]], thresholds: Mapping[str, float]
) -> list[str] | None:
    if not thresholds:
        return None
    return [name for name, value in ranked if value >= thresholds[name]]


SINGLE_LABEL = SingleLabel()
TASKS: dict[str, Task] = {SINGLE_LABEL.name: SINGLE_LABEL}
