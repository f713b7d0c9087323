"""A linear head on features that are not trained: multinomial logistic regression.

Features are standardised; how strongly the weights are held down is chosen on pictures that the
head has not seen. Knows nothing of pictures or networks.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1)  # scikit-learn's C: the smaller, the more held down
BALANCES = {"none": 0.0, "sqrt": 0.5, "full": 1.0}  # power of a class's rareness in its weight
_MOST_STEPS = 200
LEAST_SPREAD = 1.0  # of the mean deviation of all features
_NEVER = -30.0  # logit of a class without a picture


@dataclass(frozen=True)
class LinearHead:
    """Features to logits.

    Attributes:
        weight: (classes, features), for features as they are.
        bias: (classes,).
        strength: The chosen C.
        train_log_loss: Of the pictures that it was fitted on, in nats.
    """

    weight: np.ndarray
    bias: np.ndarray
    strength: float
    train_log_loss: float = 0.0

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """(n, features) to (n, classes)."""
        return shares_of(features @ self.weight.T + self.bias)


def shares_of(logits: np.ndarray) -> np.ndarray:
    """(n, classes) logits to probabilities, as exact as they are."""
    exponents = np.exp(logits - logits.max(1, keepdims=True))
    shares: np.ndarray = exponents / exponents.sum(1, keepdims=True)
    return shares


def class_weights(labels: np.ndarray, class_count: int, balance: str) -> np.ndarray:
    """(classes,) weight of a picture of each class, 1 on average over the pictures.

    Args:
        labels: (n,) class indices.
        class_count: Number of classes; one without a picture weighs nothing.
        balance: "none" (all pictures alike), "full" (all classes alike), or "sqrt", between.
    """
    counts = np.bincount(labels, minlength=class_count)
    weights = np.where(counts > 0, np.maximum(counts, 1.0) ** -BALANCES[balance], 0.0)
    shares: np.ndarray = weights * len(labels) / (weights * counts).sum()
    return shares


def fit_head(
    features: np.ndarray,
    labels: np.ndarray,
    class_count: int,
    strength: float,
    balance: str,
    least_spread: float = LEAST_SPREAD,
) -> LinearHead:
    """Fit one head.

    Args:
        features: (n, features).
        labels: (n,) class indices.
        class_count: Number of classes.
        strength: scikit-learn's C.
        balance: As `class_weights` takes it.
        least_spread: Of a feature, as a part of the mean deviation of all: one that hardly differs
            is not blown up, where it would drown the others.
    """
    mean, deviation = features.mean(0), features.std(0)
    deviation = np.maximum(deviation, least_spread * deviation.mean() + 1e-6)
    weights = class_weights(labels, class_count, balance)[labels]
    standard = (features - mean) / deviation
    weight, bias = _solved(standard, labels, class_count, strength, weights)
    weight = weight / deviation
    head = LinearHead(
        weight.astype(np.float32), (bias - weight @ mean).astype(np.float32), strength
    )
    return replace(head, train_log_loss=log_loss(head.probabilities(features), labels))


def _solved(
    features: np.ndarray,
    labels: np.ndarray,
    class_count: int,
    strength: float,
    weights: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Weights and biases, one row a class; a class without a picture is never answered."""
    from sklearn.linear_model import LogisticRegression

    present = np.unique(labels)
    weight = np.zeros((class_count, features.shape[1]))
    bias = np.full(class_count, _NEVER)
    bias[present] = 0
    if len(present) < 2:
        return weight, bias
    model = LogisticRegression(C=strength, max_iter=_MOST_STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as far as it came is good enough
        model.fit(features, labels, sample_weight=weights)
    weight[present], bias[present] = _both_classes(model)
    return weight, bias


def _both_classes(model: Any) -> tuple[np.ndarray, np.ndarray]:
    """Weights and biases, one row a class; scikit-learn has a single row for two classes."""
    if len(model.classes_) > 2:
        return model.coef_, model.intercept_
    return np.stack([-model.coef_[0], model.coef_[0]]) / 2, np.r_[-1, 1] * model.intercept_ / 2


def log_loss(
    probabilities: np.ndarray, labels: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Mean over the pictures, each with the weight of its class."""
    losses = -np.log(np.clip(probabilities[np.arange(len(labels)), labels], 1e-12, None))
    return float(np.average(losses, weights=None if weights is None else weights[labels]))


def choose_head(
    features: np.ndarray,
    labels: np.ndarray,
    class_count: int,
    balance: str,
    unseen: tuple[np.ndarray, np.ndarray],
    strengths: Sequence[float] = STRENGTHS,
) -> LinearHead:
    """Fit heads of several strengths; the one with the best log loss on unseen pictures.

    Args:
        features: (n, features) to learn from.
        labels: (n,) of these.
        class_count: Number of classes.
        balance: As `class_weights` takes it; the log loss is weighted alike.
        unseen: Features and labels to choose by.
        strengths: To try, in this order; ends where the next is worse.
    """
    weights = class_weights(labels, class_count, balance)
    best, least = None, np.inf
    for strength in strengths:
        head = fit_head(features, labels, class_count, strength, balance)
        found = log_loss(head.probabilities(unseen[0]), unseen[1], weights)
        if found >= least:
            break
        best, least = head, found
    assert best is not None  # noqa: S101  (the first is better than infinity)
    return best


def choose_head_by_folds(
    features: np.ndarray, labels: np.ndarray, folds: np.ndarray, class_count: int, balance: str
) -> LinearHead:
    """Fit a head on all pictures, as strong as heads of the folds were best with out of fold.

    Args:
        features: (n, features).
        labels: (n,) class indices.
        folds: (n,) fold of each picture.
        class_count: Number of classes.
        balance: As `class_weights` takes it; the log loss is weighted alike.
    """
    weights = class_weights(labels, class_count, balance)

    def judged(strength: float) -> float:
        answers = out_of_fold(features, labels, folds, class_count, strength, balance)
        return log_loss(answers, labels, weights)

    return fit_head(features, labels, class_count, min(STRENGTHS, key=judged), balance)


def out_of_fold(
    features: np.ndarray,
    labels: np.ndarray,
    folds: np.ndarray,
    class_count: int,
    strength: float,
    balance: str = "none",
) -> np.ndarray:
    """(n, classes) probabilities of each picture by a head that has not seen its fold.

    Args:
        features: (n, features).
        labels: (n,) class indices.
        folds: (n,) fold of each picture.
        class_count: Number of classes.
        strength: scikit-learn's C.
        balance: As `class_weights` takes it.
    """
    answers = np.zeros((len(labels), class_count), np.float32)
    for fold in np.unique(folds):
        out = folds == fold
        head = fit_head(features[~out], labels[~out], class_count, strength, balance)
        answers[out] = head.probabilities(features[out])
    return answers
