"""Pictures that their model is to learn from, kept in a bucket of whoever runs the service.

Only where the settings name one, and only those that the model was not sure of, or that are like
none of its classes: a share of them, as JPEG without metadata, no larger than a person needs. A
picture's own bytes decide whether it is kept, so one that is sent again is kept once. That one
can't be kept never costs an answer. boto3 is imported with the first that is.
"""

import functools
import hashlib
import io
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from scenelet.errors import SceneletError
from scenelet.images import thumbnail
from scenelet.serve.objects import bucket_and_prefix, in_our_words
from scenelet.serve.predictor import Prediction, Predictor
from scenelet.serve.settings import Settings

HEADER = "x-scenelet-keep"  # yes or no, by who asks
INFO = "scenelet"  # of an object's metadata: what the model made of the picture, as JSON
LARGEST_PX, QUALITY = 1024, 85
MOST_AN_HOUR = 60  # of one process
REST_S = 60.0  # after a failure
_LABEL_LETTERS = 200  # an object's metadata holds two kilobytes


class Collector:
    """Keeps pictures of one service. Safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        """For settings that name a place."""
        self._place, self._share = settings.collect, settings.collect_percent / 100
        self._lock, self._kept_s = threading.Lock(), deque[float](maxlen=MOST_AN_HOUR)
        self._rests_until_s = 0.0

    def offer(self, data: bytes, prediction: Prediction, predictor: Predictor) -> None:
        """Keep a picture if it is to be kept; never raises.

        Args:
            data: A whole image file, which was answered.
            prediction: The answer.
            predictor: That gave it.
        """
        if not (prediction.abstains or prediction.is_stranger):
            return
        digest = hashlib.sha256(data).hexdigest()
        if self._is_wanted(digest, predictor) and self._has_room():
            try:
                self._keep(digest[:32], data, prediction, predictor)
            except Exception as error:  # whatever it is: the answer stands
                self._rests_until_s = time.monotonic() + REST_S
                told = str(error) if isinstance(error, SceneletError) else repr(error)
                print(f"scenelet: not kept: {told}", file=sys.stderr, flush=True)

    def _is_wanted(self, digest: str, predictor: Predictor) -> bool:
        contract = predictor.model.contract
        is_golden = digest in {contract.sha256[each.file] for each in contract.golden}
        return not is_golden and int(digest[:8], 16) < self._share * 16**8

    def _has_room(self) -> bool:
        now_s = time.monotonic()
        with self._lock:
            is_full = len(self._kept_s) == MOST_AN_HOUR and now_s - self._kept_s[0] < 3600
            if is_full or now_s < self._rests_until_s:
                return False
            self._kept_s.append(now_s)
        return True

    def _keep(self, name: str, data: bytes, prediction: Prediction, predictor: Predictor) -> None:
        bucket, prefix = bucket_and_prefix(self._place)
        key, buffer = f"{prefix}{name}.jpg", io.BytesIO()
        thumbnail(data, LARGEST_PX, predictor.memory_bytes).save(buffer, "JPEG", quality=QUALITY)
        with in_our_words(bucket, key, "written"):
            _client().put_object(
                Bucket=bucket,
                Key=key,
                Body=buffer.getvalue(),
                ContentType="image/jpeg",
                Metadata={INFO: json.dumps(_told(prediction))},
            )


def may_keep(headers: Mapping[str, str]) -> bool:
    """Whether who asks lets the picture be kept.

    Args:
        headers: By names in lower case: `x-scenelet-keep: no`, or a browser's `sec-gpc: 1`, forbids
            it; without either, what the service's owner has arranged with his programs holds.
    """
    said = "no" if headers.get("sec-gpc") == "1" else "yes"
    return headers.get(HEADER, said).strip().lower() == "yes"


def about(settings: Settings) -> dict[str, Any] | None:
    """What is told of it to whoever asks; None where nothing is kept."""
    if not settings.collect:
        return None
    return {
        "what": "pictures that the model is not sure of, or that are like none of its classes",
        "percent": settings.collect_percent,
        "days": settings.collect_days,
        "refuse": f"{HEADER}: no",
    }


def _told(prediction: Prediction) -> dict[str, Any]:
    return {
        "label": prediction.label[:_LABEL_LETTERS],
        "probability": round(prediction.probability, 4),
        "why": "stranger" if prediction.is_stranger else "not sure",
        "bundle": prediction.bundle[:_LABEL_LETTERS],
    }


@functools.cache
def _client() -> Any:
    """One that gives up soon: somebody waits for the answer."""
    import boto3
    from botocore.config import Config

    soon = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})
    return boto3.client("s3", config=soon)
