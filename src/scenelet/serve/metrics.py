"""One log line a prediction, in CloudWatch's embedded metric format; `scenelet drift` reads it.

No picture, no URL.
"""

import json
import time
from typing import Any

from scenelet.bundle import logline
from scenelet.serve.predictor import Prediction
from scenelet.serve.settings import Log

NAMESPACE = "scenelet"
_FEW = (logline.ANSWERS, logline.ABSTAINED, logline.STRANGERS)
_UNITS = {
    **dict.fromkeys(_FEW, "Count"),
    **dict.fromkeys(logline.MEASURES.values(), "None"),
    **dict.fromkeys((logline.DECODE_MS, logline.INFERENCE_MS), "Milliseconds"),
}


def metric_line(prediction: Prediction, log: Log = "few", now_s: float | None = None) -> str:
    """JSON on one line; CloudWatch makes metrics of what its head declares.

    Args:
        prediction: To tell of.
        log: "few": three metrics by bundle, which are free. "all": nine by bundle, and by bundle
            and label: each is billed. "line": none.
        now_s: Seconds since 1970; None: now.

    Source: the embedded metric format specification of Amazon CloudWatch.
    """
    head = {
        "Timestamp": int(1000 * (time.time() if now_s is None else now_s)),
        "CloudWatchMetrics": _metrics()[log],
    }
    whose = {
        logline.BUNDLE: prediction.bundle,
        logline.VERSION: prediction.bundle_created,
        logline.LABEL: prediction.label,
    }
    line = {logline.MARK: head, **whose, **_values(prediction)}
    return json.dumps(line, ensure_ascii=False)


def _metrics() -> dict[Log, list[dict[str, Any]]]:
    """What is declared as metrics, by how much is logged."""
    by_bundle, by_label = [logline.BUNDLE], [logline.BUNDLE, logline.LABEL]
    return {
        "line": [],
        "few": [_declared(_FEW, by_bundle)],
        "all": [_declared(tuple(_UNITS), by_bundle, by_label)],
    }


def _declared(names: tuple[str, ...], *dimensions: list[str]) -> dict[str, Any]:
    return {
        "Namespace": NAMESPACE,
        "Dimensions": list(dimensions),
        "Metrics": [{"Name": name, "Unit": _UNITS[name]} for name in names],
    }


def _values(prediction: Prediction) -> dict[str, float]:
    measures = {**prediction.measures, "confidence": prediction.probability}
    return {
        logline.ANSWERS: 1,
        logline.ABSTAINED: int(prediction.abstains),
        logline.STRANGERS: int(prediction.is_stranger),
        **{
            key: round(measures[name], logline.DIGITS[name])
            for name, key in logline.MEASURES.items()
        },
        logline.DECODE_MS: prediction.decode_ms,
        logline.INFERENCE_MS: prediction.inference_ms,
    }
