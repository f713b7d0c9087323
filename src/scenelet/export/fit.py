"""Fit what turns logits into honest answers: temperature, thresholds, feature space, score for strangers, profile."""

from dataclasses import dataclass

import numpy as np

from scenelet.answers import Answers, ask
from scenelet.assess.calibrate import fit_temperature
from scenelet.assess.strangers import stranger_figures, stranger_scores
from scenelet.assess.thresholds import abstain_threshold, conformal_thresholds, cross_fitted
from scenelet.bundle import logline
from scenelet.bundle.figures import Histogram, Promise, StrangerFigures, Wished
from scenelet.bundle.numeric import FeatureSpace, fit_feature_space, softmax
from scenelet.bundle.profile import profile_of
from scenelet.bundle.runtime import LiteRTModel
from scenelet.bundle.scores import STRANGER_SCORES
from scenelet.dataset.strangers import strangers
from scenelet.images import PreprocessSpec

STRANGERS_PER_KIND = 40


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
    strangers: list[StrangerFigures]
    promises: Promise
    profile: dict[str, Histogram]


def fit(
    model: LiteRTModel,
    labels: np.ndarray,
    validation: Answers,
    training: Answers,
    spec: PreprocessSpec,
    wished: Wished,
) -> Fitted:
    """Fit everything.

    Args:
        model: The bundle's.
        labels: (n,) of the validation images.
        validation: What the model says of them.
        training: What it says of some training images.
        spec: Preprocessing.
        wished: Accuracy of the answers given, and coverage of the prediction sets.
    """
    temperature = fit_temperature(validation.logits, labels)
    probabilities = softmax(validation.logits, temperature)
    space = fit_feature_space(training.features)
    strange = {
        kind: ask(model, pictures, spec) for kind, pictures in strangers(STRANGERS_PER_KIND).items()
    }

    def figures(score: str) -> StrangerFigures:
        known = stranger_scores(score, validation.logits, validation.features, space, temperature)
        others = {
            kind: stranger_scores(score, a.logits, a.features, space, temperature)
            for kind, a in strange.items()
        }
        return stranger_figures(score, known, others)

    measured = {
        **{name: [each[name] for each in validation.measures] for name in validation.measures[0]},
        "feature_distance": space.distances(validation.features).tolist(),
        "confidence": probabilities.max(1).tolist(),
    }
    return Fitted(
        temperature=temperature,
        abstain_below=abstain_threshold(labels, probabilities, wished.accuracy),
        set_thresholds=conformal_thresholds(labels, probabilities, wished.coverage),
        space=space,
        strangers=sorted(
            (figures(score) for score in STRANGER_SCORES), key=lambda each: -each.mean_auroc
        ),
        promises=cross_fitted(labels, validation.logits, wished),
        profile=profile_of({name: measured[name] for name in logline.MEASURES}),
    )
