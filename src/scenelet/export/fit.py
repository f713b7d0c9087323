"""Fit what turns logits into honest answers: temperature, thresholds, feature space, score for strangers, profile."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scenelet.assess.calibrate import fit_temperature
from scenelet.assess.strangers import stranger_figures, stranger_scores
from scenelet.assess.thresholds import abstain_threshold, conformal_thresholds, cross_fitted
from scenelet.bundle import logline
from scenelet.bundle.figures import Histogram, Promise, StrangerFigures, Wished
from scenelet.bundle.numeric import FeatureSpace, fit_feature_space, softmax
from scenelet.bundle.profile import picture_measures, profile_of
from scenelet.bundle.runtime import LiteRTModel
from scenelet.bundle.scores import STRANGER_SCORES
from scenelet.dataset.strangers import paint_strangers
from scenelet.images import PreprocessSpec, to_input

STRANGERS_PER_KIND = 40


@dataclass(frozen=True)
class Asked:
    """What a model said of some pictures.

    Attributes:
        logits: (n, classes).
        features: (n, features).
        measures: Brightness and sharpness of each picture.
    """

    logits: np.ndarray
    features: np.ndarray
    measures: list[dict[str, float]]


def ask(model: LiteRTModel, inputs: Sequence[np.ndarray]) -> Asked:
    """Ask a model about model inputs (1, height, width, 3)."""
    answers = [model.answer(pixels) for pixels in inputs]
    logits, features = (np.array(column, np.float32) for column in zip(*answers, strict=True))
    return Asked(
        logits,
        features,
        [picture_measures(pixels.tobytes(), pixels.shape[2], pixels.shape[1]) for pixels in inputs],
    )


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
    validation: Asked,
    training: Asked,
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
        kind: ask(model, [to_input(picture, spec) for picture in pictures])
        for kind, pictures in paint_strangers(STRANGERS_PER_KIND).items()
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
