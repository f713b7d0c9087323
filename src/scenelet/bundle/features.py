"""How far a picture is from the training pictures, by the features its logits are made of. Torch-free."""

import io
from dataclasses import dataclass

import numpy as np

from scenelet.errors import BundleFormatError

MOST_DIRECTIONS = 256
STRANGER_SCORES = ("feature distance", "energy")


@dataclass(frozen=True)
class FeatureSpace:
    """Where the training pictures lie.

    Attributes:
        mean: (features,) of the training pictures.
        whitening: (directions, features); maps the spread of the training pictures to one in every direction.
    """

    mean: np.ndarray
    whitening: np.ndarray

    def distance(self, features: np.ndarray) -> np.ndarray:
        """Root mean square of the whitened difference from the mean; about 1 for training pictures.

        Args:
            features: (..., features).

        Source: Mahalanobis distance to all training data, as a score for strangers Lee et al. 2018.
        """
        whitened = (np.asarray(features, np.float32) - self.mean) @ self.whitening.T
        return np.sqrt(np.square(whitened).mean(-1))  # type: ignore[no-any-return]

    def to_bytes(self) -> bytes:
        """A .npy file: the mean, then the whitening's rows."""
        buffer = io.BytesIO()
        np.save(buffer, np.vstack([self.mean, self.whitening]).astype(np.float32))
        return buffer.getvalue()


def fit_feature_space(features: np.ndarray) -> FeatureSpace:
    """Mean and whitening of (n, features); directions of little spread are softened, the least of very many left out."""
    features = np.asarray(features, np.float64)
    mean = features.mean(0)
    spread = np.cov(features - mean, rowvar=False) if len(features) > 1 else np.eye(features.shape[1])
    values, vectors = np.linalg.eigh(np.atleast_2d(spread))
    keep = np.argsort(values)[::-1][:MOST_DIRECTIONS]
    softened = values[keep].clip(0) + 1e-3 * max(values.mean(), 1e-12)
    return FeatureSpace(mean.astype(np.float32), (vectors[:, keep] / np.sqrt(softened)).T.astype(np.float32))


def read_feature_space(content: bytes, origin: str) -> FeatureSpace:
    """From the bytes of a .npy file.

    Raises:
        BundleFormatError: Not such a file.
    """
    try:
        table = np.load(io.BytesIO(content), allow_pickle=False)
        if table.ndim != 2 or len(table) < 2:
            raise ValueError(f"shape {table.shape}")
    except (ValueError, OSError, EOFError) as error:
        raise BundleFormatError(f"{origin}: not the features of a bundle ({error}). Export it again.") from error
    return FeatureSpace(table[0], table[1:])


def energy(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Free energy of (..., classes) logits; high where no class is supported (Liu et al. 2020)."""
    scaled = np.asarray(logits, np.float64) / temperature
    most = scaled.max(-1, keepdims=True)
    return -temperature * (most[..., 0] + np.log(np.exp(scaled - most).sum(-1)))  # type: ignore[no-any-return]
