"""Fit what turns logits into honest answers: temperature, thresholds, feature space, score for strangers, profile."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scenelet.answers import Answers
from scenelet.assess.calibrate import fit_temperature
from scenelet.assess.strangers import stranger_figures, stranger_scores
from scenelet.assess.thresholds import abstain_threshold, conformal_thresholds, cross_fitted
from scenelet.bundle import logline
from scenelet.bundle.figures import Histogram, Promise, StrangerFigures, Wished
from scenelet.bundle.numeric import FeatureSpace, energies, fit_feature_space
from scenelet.bundle.profile import profile_of
from scenelet.bundle.scores import STRANGER_SCORES
from scenelet.bundle.task import SINGLE_LABEL


@dataclass(frozen=True)
class Fitted:
    """All that is fitted, on validation images but for the feature space.

    Attributes:
        temperature: Of the softmax.
        abstain_below: Answers under this are better not given.
        set_thresholds: (classes,) of the prediction sets.
        space: Of the training images' features.
        strangers: Of each score tried, the chosen one first.
        promises: What the thresholds promise, and what they keep on images they were not fitted on.
        profile: Of the validation images: the bundle has not learned them by heart.
    """

    temperature: float
    abstain_below: float
    set_thresholds: np.ndarray
    space: FeatureSpace
    strangers: tuple[StrangerFigures, ...]
    promises: Promise
    profile: dict[str, Histogram]


@dataclass(frozen=True)
class HeldOut:
    """What a network says of images that it was not trained on, measured.

    Attributes:
        answers: Of these images.
        training: Of some images that it was trained on.
    """

    answers: Answers
    training: Answers

    def distances(self) -> np.ndarray:
        """(n,) of the images, in the network's own feature space."""
        return fit_feature_space(self.training.features).distances(self.answers.features)


@dataclass(frozen=True)
class Told:
    """What is said of images that were not trained on, by the bundle's model or, with folds, by theirs.

    Attributes:
        labels: (n,) of all held-out images, in order.
        held_out: Of one network, or of each fold's.
        training: Of some training images, by the bundle's model.
        strangers: Of pictures of none of the classes, by kind, by the bundle's model.
    """

    labels: np.ndarray
    held_out: tuple[HeldOut, ...]
    training: Answers
    strangers: Mapping[str, Answers]

    @property
    def logits(self) -> np.ndarray:
        """(n, classes) of the held-out images."""
        return np.concatenate([each.answers.logits for each in self.held_out])

    @property
    def measures(self) -> list[dict[str, float]]:
        """Brightness and sharpness of each held-out image."""
        return [each for part in self.held_out for each in part.answers.measures]

    def distances(self) -> np.ndarray:
        """(n,) of the held-out images, each in the feature space of the network that judged it."""
        return np.concatenate([each.distances() for each in self.held_out])


def fit(told: Told, wished: Wished) -> Fitted:
    """Fit everything that the bundle's answers need."""
    labels, logits = told.labels, told.logits
    temperature = fit_temperature(logits, labels)
    probabilities = SINGLE_LABEL.probabilities_of_many(logits, temperature)
    space = fit_feature_space(told.training.features)
    tried = [_strangers(score, told, space, temperature) for score in STRANGER_SCORES]
    return Fitted(
        temperature=temperature,
        abstain_below=abstain_threshold(labels, probabilities, wished.accuracy),
        set_thresholds=conformal_thresholds(labels, probabilities, wished.coverage),
        space=space,
        strangers=tuple(sorted(tried, key=lambda each: -each.mean_auroc)),
        promises=cross_fitted(labels, logits, wished),
        profile=_profile(told, probabilities),
    )


def _strangers(score: str, told: Told, space: FeatureSpace, temperature: float) -> StrangerFigures:
    def scored(answers: Answers) -> np.ndarray:
        return stranger_scores(score, answers.logits, answers.features, space, temperature)

    known = energies(told.logits, temperature) if score == "energy" else told.distances()
    strange = {kind: scored(answers) for kind, answers in told.strangers.items()}
    return stranger_figures(score, known, strange)


def _profile(told: Told, probabilities: np.ndarray) -> dict[str, Histogram]:
    pictures = told.measures
    measured = {
        **{name: [each[name] for each in pictures] for name in pictures[0]},
        "feature_distance": told.distances().tolist(),
        "confidence": probabilities.max(1).tolist(),
    }
    return profile_of({name: measured[name] for name in logline.MEASURES})
