"""One log line a prediction, in CloudWatch's embedded metric format; `scenelet drift` reads it.

No picture, no URL.
"""

import json
import time
from typing import Any

from scenelet.serve.predictor import Prediction
from scenelet.serve.settings import Log

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


_FEW = ("Answers", "Abstained", "Strangers")


def metric_line(prediction: Prediction, log: Log = "few", now_s: float | None = None) -> str:
    """JSON on one line; CloudWatch makes metrics of what its head declares.

    Args:
        prediction: To tell of.
        log: "few": three metrics by bundle, which are free. "all": nine by bundle, and by bundle
            and label: each is billed. "line": none.
        now_s: Seconds since 1970; None: now.

    Source: the embedded metric format specification of Amazon CloudWatch.
    """
    stamp = int(1000 * (time.time() if now_s is None else now_s))
    declared = {"line": [], "few": [_declared(_FEW, ["Bundle"])], "all": _all()}[log]
    return json.dumps(
        {
            "_aws": {"Timestamp": stamp, "CloudWatchMetrics": declared},
            "Bundle": prediction.bundle,
            "Label": prediction.label,
            **_values(prediction),
        },
        ensure_ascii=False,
    )


def _all() -> list[dict[str, Any]]:
    return [_declared(tuple(_UNITS), ["Bundle"], ["Bundle", "Label"])]


def _declared(names: tuple[str, ...], *dimensions: list[str]) -> dict[str, Any]:
    return {
        "Namespace": NAMESPACE,
        "Dimensions": list(dimensions),
        "Metrics": [{"Name": name, "Unit": _UNITS[name]} for name in names],
    }


def _values(prediction: Prediction) -> dict[str, Any]:
    return {
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
