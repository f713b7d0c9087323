"""One log line a prediction, in CloudWatch's embedded metric format; `scenelet drift` reads it.

No picture, no URL.
"""

import json
import time
from typing import Any

from scenelet.serve.predictor import Prediction

NAMESPACE = "scenelet"
_UNITS = {
    "Answers": "Count",
    "Abstained": "Count",
    "Strangers": "Count",
    "Confidence": "None",
    "Brightness": "None",
    "Sharpness": "None",
    "FeatureDistance": "None",
    "DecodeMs": "Milliseconds",
    "InferenceMs": "Milliseconds",
}


def metric_line(prediction: Prediction, now_s: float | None = None) -> str:
    """JSON on one line; CloudWatch makes metrics of it by bundle, and by bundle and label.

    Args:
        prediction: To tell of.
        now_s: Seconds since 1970; None: now.

    Source: the embedded metric format specification of Amazon CloudWatch.
    """
    values: dict[str, Any] = {
        "Answers": 1,
        "Abstained": int(prediction.abstains),
        "Strangers": int(prediction.is_stranger),
        "Confidence": round(prediction.probability, 5),
        "Brightness": prediction.measures["brightness"],
        "Sharpness": prediction.measures["sharpness"],
        "FeatureDistance": prediction.measures["feature_distance"],
        "DecodeMs": prediction.decode_ms,
        "InferenceMs": prediction.inference_ms,
    }
    described = {
        "Namespace": NAMESPACE,
        "Dimensions": [["Bundle"], ["Bundle", "Label"]],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in _UNITS.items()],
    }
    stamp = int(1000 * (time.time() if now_s is None else now_s))
    head = {"_aws": {"Timestamp": stamp, "CloudWatchMetrics": [described]}}
    return json.dumps(
        {**head, "Bundle": prediction.bundle, "Label": prediction.label, **values},
        ensure_ascii=False,
    )
