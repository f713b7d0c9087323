"""What serving computes for one picture, for many at once, and how the feature space is fitted.

Needs numpy; torch-free.
"""

from dataclasses import dataclass

import numpy as np

MOST_DIRECTIONS = 256


@dataclass(frozen=True)
class FeatureSpace:
    """Where the training pictures lie.

    Attributes:
        mean: (features,) of the training pictures.
        whitening: (directions, features); maps their spread to one in every direction.
    """

    mean: np.ndarray
    whitening: np.ndarray

    def distances(self, features: np.ndarray) -> np.ndarray:
        """Root mean square of the whitened difference from the mean; about 1 for training pictures.

        Args:
            features: (..., features).

        Source: Mahalanobis distance to all training data, as a score for strangers Lee et al. 2018.
        """
        whitened = (np.asarray(features, np.float32) - self.mean) @ self.whitening.T
        return np.sqrt(np.square(whitened).mean(-1))  # type: ignore[no-any-return]


def fit_feature_space(features: np.ndarray) -> FeatureSpace:
    """Mean and whitening of (n, features).

    Directions of little spread are softened, the least of very many left out.
    """
    features = np.asarray(features, np.float64)
    mean = features.mean(0)
    spread = (
        np.cov(features - mean, rowvar=False) if len(features) > 1 else np.eye(features.shape[1])
    )
    values, vectors = np.linalg.eigh(np.atleast_2d(spread))
    keep = np.argsort(values)[::-1][:MOST_DIRECTIONS]
    softened = values[keep].clip(0) + 1e-3 * max(values.mean(), 1e-12)
    whitening = (vectors[:, keep] / np.sqrt(softened)).T
    return FeatureSpace(mean.astype(np.float32), whitening.astype(np.float32))


def energies(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Free energy of (..., classes) logits; `scores.energy` for many."""
    scaled = np.asarray(logits, np.float64) / temperature
    most = scaled.max(-1, keepdims=True)
    return -temperature * (most[..., 0] + np.log(np.exp(scaled - most).sum(-1)))  # type: ignore[no-any-return]


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Probabilities along the last axis, float64; `scores.softmax` for many."""
    scaled = np.asarray(logits, np.float64) / temperature
    exponentials = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)  # type: ignore[no-any-return]
