"""Fit what turns logits into honest answers.

Temperature, thresholds, feature space, score for strangers, profile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from scenelet.answers import Answers
from scenelet.assess.calibrate import fit_temperature
from scenelet.assess.strangers import (
    Labelled,
    Space,
    combined,
    left_out_auroc,
    scales_of,
    stranger_figures,
)
from scenelet.assess.thresholds import (
    abstain_threshold,
    cross_fitted,
    fit_sets,
    promised_accuracy,
)
from scenelet.bundle import logline
from scenelet.bundle.figures import (
    Histogram,
    PredictionSets,
    Promise,
    Seen,
    StrangerFigures,
    Wished,
)
from scenelet.bundle.numeric import energies, fit_feature_space
from scenelet.bundle.profile import profile_of
from scenelet.bundle.scores import DISTANCE, ENERGY, STRANGER_SCORES
from scenelet.bundle.task import SINGLE_LABEL

BLANK = 0.002  # sharpness of a picture of one colour
NOISE = 0.9  # roughness that no photograph has


@dataclass(frozen=True)
class Fitted:
    """All that is fitted, on validation images but for the feature space.

    Attributes:
        temperature: Of the softmax.
        abstain_below: Answers under this are better not given.
        sets: Which classes are still possible.
        space: What scores for strangers are computed with.
        strangers: Of each score tried, the chosen one first.
        seen: Beyond what is there nothing to see in a picture.
        promises: What the thresholds promise, and what they keep on images they were not fitted on.
        profile: Of the validation images: the bundle has not learned them by heart.
    """

    temperature: float
    abstain_below: float
    sets: PredictionSets
    space: Space
    strangers: tuple[StrangerFigures, ...]
    seen: Seen
    promises: Promise
    profile: dict[str, Histogram]


@dataclass(frozen=True)
class HeldOut:
    """What a network says of images that it was not trained on, and of some that it was.

    Attributes:
        images: That it was not trained on.
        measures: Brightness, sharpness and roughness of each of these.
        training: Some that it was trained on.
    """

    images: Labelled
    measures: tuple[dict[str, float], ...]
    training: Labelled

    def distances(self) -> np.ndarray:
        """(n,) of the images, in the network's own feature space."""
        return fit_feature_space(self.training.features).distances(self.images.features)


@dataclass(frozen=True)
class Told:
    """What is said of images not trained on, by the bundle's model or the folds' own.

    Attributes:
        class_names: In the order of the logits.
        kin: (n,) which of the held-out images belong together.
        held_out: Of one network, or of each fold's.
        training: Of some training images, by the bundle's model, measured.
        strangers: Of pictures of none of the classes, by kind, by the bundle's model.
    """

    class_names: Sequence[str]
    kin: Sequence[str]
    held_out: tuple[HeldOut, ...]
    training: Answers
    strangers: Mapping[str, Answers]

    @property
    def labels(self) -> np.ndarray:
        """(n,) of all held-out images, in order."""
        return np.concatenate([each.images.labels for each in self.held_out])

    @property
    def logits(self) -> np.ndarray:
        """(n, classes) of the held-out images."""
        return np.concatenate([each.images.logits for each in self.held_out])

    @property
    def measures(self) -> list[dict[str, float]]:
        """Brightness, sharpness and roughness of each held-out image."""
        return [each for part in self.held_out for each in part.measures]

    def distances(self) -> np.ndarray:
        """(n,) of the held-out images, each in the feature space of the network that judged it."""
        return np.concatenate([each.distances() for each in self.held_out])


def fit(told: Told, accuracy: float | None, coverage: float) -> Fitted:
    """Fit everything that the bundle's answers need.

    Args:
        told: By the bundle's model, or by those of the folds.
        accuracy: Wished of the answers given; None: the most that can be promised.
        coverage: Wished of the prediction sets.
    """
    labels, logits, distances = told.labels, told.logits, told.distances()
    temperature = fit_temperature(logits, labels)
    probabilities = SINGLE_LABEL.probabilities_of_many(logits, temperature)
    wished = Wished(promised_accuracy(labels, probabilities, accuracy, told.kin), coverage)
    known = {DISTANCE: distances, ENERGY: energies(logits, temperature)}
    space = Space(fit_feature_space(told.training.features), temperature, scales_of(known))
    return Fitted(
        temperature=temperature,
        abstain_below=abstain_threshold(labels, probabilities, wished.accuracy),
        sets=fit_sets(labels, probabilities, told.class_names, coverage),
        space=space,
        strangers=_strangers(told, known, space),
        seen=_seen(told),
        promises=cross_fitted(labels, logits, wished, told.kin),
        profile=_profile(told.measures, distances, probabilities),
    )


def _strangers(
    told: Told, known: Mapping[str, np.ndarray], space: Space
) -> tuple[StrangerFigures, ...]:
    """Of each score; the one that tells painted strangers and left-out classes best first."""
    left_out = [
        left_out_auroc(STRANGER_SCORES, each.images, each.training, space.temperature)
        for each in told.held_out
    ]
    tried = []
    for score in STRANGER_SCORES:
        strange = {
            kind: space.scores(score, answers.logits, answers.features)
            for kind, answers in told.strangers.items()
        }
        found = [value for each in left_out for value in (each[score],) if value is not None]
        real = float(np.mean(found)) if found else None
        scores = combined(score, known, space.scales)
        tried.append(stranger_figures(score, scores, strange, left_out=real))
    return tuple(sorted(tried, key=lambda each: -each.merit))


def _seen(told: Told) -> Seen:
    """The limits of the pictures that were asked about, with room.

    At least those of photographs.
    """
    measures = [*told.measures, *told.training.measures]
    return Seen(
        least_sharpness=min(BLANK, 0.5 * min(each["sharpness"] for each in measures)),
        most_roughness=max(NOISE, 1.1 * max(each["roughness"] for each in measures)),
    )


def _profile(
    pictures: Sequence[Mapping[str, float]], distances: np.ndarray, probabilities: np.ndarray
) -> dict[str, Histogram]:
    measured = {
        **{name: [each[name] for each in pictures] for name in pictures[0]},
        "feature_distance": distances.tolist(),
        "confidence": probabilities.max(1).tolist(),
    }
    return profile_of({name: measured[name] for name in logline.MEASURES})
