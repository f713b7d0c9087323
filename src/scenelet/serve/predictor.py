"""One predictor behind every door: image bytes to a calibrated answer.

Knows nothing of events, URLs or terminals.
"""

from __future__ import annotations

import math
import time
from array import array
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenelet.bundle.profile import picture_measures
from scenelet.bundle.runtime import BundleModel
from scenelet.bundle.scores import DISTANCE
from scenelet.images import to_picture

if TYPE_CHECKING:
    from dataclasses import dataclass
else:  # the same, made quickly
    from scenelet.records import dataclass


@dataclass(frozen=True)
class Prediction:
    """An answer.

    Attributes:
        label: Most probable class.
        probability: Of that class, calibrated, 0-1.
        probabilities: Of every class by name, most probable first.
        abstains: Whether the probability is too low for the accuracy that the bundle was told to
            keep: better not believed.
        prediction_set: Classes that the true one is among, as often as the bundle promises; may be
            empty, several, or lack the label: each class has a threshold of its own.
        is_stranger: Whether the picture looks like none of the classes.
        stranger_score: How little it looks like the training pictures.
        bundle: Name of the bundle that answered.
        bundle_created: When that bundle was made, ISO, UTC: its version.
        decode_ms: From bytes to model input.
        inference_ms: From model input to probabilities.
        measures: Brightness, sharpness and feature distance of the picture, for logs, if asked for;
            no part of the answer.
    """

    label: str
    probability: float
    probabilities: dict[str, float]
    abstains: bool
    prediction_set: list[str] | None
    is_stranger: bool
    stranger_score: float
    bundle: str
    bundle_created: str
    decode_ms: float
    inference_ms: float
    measures: dict[str, float] = field(default_factory=dict, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: value for name, value in vars(self).items() if name != "measures"}


class Predictor:
    """Answers for one bundle. Safe to share between threads."""

    def __init__(self, bundle: Path, copies: int = 1, memory_bytes: int | None = None) -> None:
        """Load a bundle, for as many answers at once as copies.

        Args:
            bundle: Its folder.
            copies: Of the model.
            memory_bytes: That decoding one picture may take; None: no limit.

        Raises:
            BundleError: It can't be trusted or read.
        """
        self.model, self.memory_bytes = BundleModel(bundle, copies), memory_bytes

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes that can be answered."""
        return self.model.contract.class_names

    def predict(self, data: bytes, measured: bool = False) -> Prediction:
        """Classify one image.

        Args:
            data: A whole image file.
            measured: Whether to measure brightness and sharpness too, for logs.

        Raises:
            ImageError: The bytes can't be used, with the reason.
        """
        start_s = time.perf_counter()
        picture = to_picture(data, self.model.contract.preprocess, self.memory_bytes)
        pixels = picture.tobytes()
        decoded_s = time.perf_counter()
        logits, features = self.model.answer(pixels)
        values = self.model.task.probabilities(logits, self.model.contract.temperature)
        done_s = time.perf_counter()
        score = self.model.stranger_score(logits, features)
        measures = picture_measures(picture)
        return Prediction(
            **self._decided(values, score, measures),
            decode_ms=_ms(decoded_s - start_s),
            inference_ms=_ms(done_s - decoded_s),
            measures=self._measures(measures, features, score) if measured else {},
        )

    def _decided(
        self, values: list[float], score: float, measures: dict[str, float]
    ) -> dict[str, Any]:
        """What the bundle's task makes of the probabilities, and which bundle that is."""
        contract = self.model.contract
        strange = math.inf if contract.seen.shows_nothing(measures) else score
        return {
            **vars(self.model.task.decide(values, strange, contract.rules)),
            "stranger_score": round(score, 4),
            "bundle": contract.name,
            "bundle_created": contract.created,
        }

    def _measures(
        self, measures: dict[str, float], features: array[float], score: float
    ) -> dict[str, float]:
        is_distance = self.model.contract.stranger_score == DISTANCE
        distance = score if is_distance else self.model.distance(features)
        return {**measures, "feature_distance": round(distance, 4)}


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 3)
