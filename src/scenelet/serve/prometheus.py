"""What Prometheus reads of the local HTTP door."""

import os

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from scenelet.serve.predictor import Prediction

_BUCKETS_S = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)


class Metrics:
    """What Prometheus reads.

    With several workers, each adds to files that any of them can sum up.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = self._counter("requests", "Requests by status", "status")
        self.answers = self._counter("answers", "Predictions by class", "label")
        self.abstained = self._counter("abstained", "Predictions better not believed")
        self.strangers = self._counter("strangers", "Pictures that look like none of the classes")
        self.waiting = Gauge(
            "scenelet_in_flight",
            "Requests accepted and not answered yet",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self.seconds = Histogram(
            "scenelet_request_seconds",
            "From the whole body to the answer",
            registry=self.registry,
            buckets=_BUCKETS_S,
        )

    def watch(self, prediction: Prediction) -> None:
        """Count a prediction."""
        self.answers.labels(prediction.label).inc()
        self.abstained.inc(prediction.abstains)
        self.strangers.inc(prediction.is_stranger)

    def text(self) -> bytes:
        """In Prometheus' format."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        merged = CollectorRegistry()
        multiprocess.MultiProcessCollector(merged)  # type: ignore[no-untyped-call]
        return generate_latest(merged)

    def _counter(self, name: str, told: str, *labels: str) -> Counter:
        return Counter(f"scenelet_{name}", told, labels, registry=self.registry)
