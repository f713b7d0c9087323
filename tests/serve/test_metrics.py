import json

import pytest

from scenelet.serve.metrics import metric_line
from scenelet.serve.predictor import Predictor


@pytest.fixture
def prediction(bundle):
    picture = next((bundle / "golden").glob("*.jpg")).read_bytes()
    return Predictor(bundle).predict(picture, measured=True)


def series(line):
    """Names of the metrics that CloudWatch bills, with their dimensions."""
    return {
        (metric["Name"], *names)
        for described in json.loads(line)["_aws"]["CloudWatchMetrics"]
        for metric in described["Metrics"]
        for names in described["Dimensions"]
    }


@pytest.mark.parametrize("log", ["line", "few", "all"])
def test_a_line_is_in_the_embedded_metric_format_and_holds_no_picture(prediction, log):
    line = metric_line(prediction, log, now_s=1_800_000_000.0)
    assert "\n" not in line
    row = json.loads(line)
    assert row["_aws"]["Timestamp"] == 1_800_000_000_000
    for name, *dimensions in series(line):
        assert isinstance(row[name], int | float), name
        assert all(isinstance(row[dimension], str) for dimension in dimensions)
    assert row["Label"] == prediction.label
    assert len(line) < 1500


def test_three_metrics_are_made_unless_all_are_asked_for(prediction):
    made = {log: series(metric_line(prediction, log)) for log in ("line", "few", "all")}
    assert made["line"] == set()
    assert made["few"] == {(name, "Bundle") for name in ("Answers", "Abstained", "Strangers")}
    assert len(made["all"]) == 18  # nine by bundle, and nine by each label that was answered
