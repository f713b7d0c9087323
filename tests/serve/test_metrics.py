import json

from scenelet.serve.metrics import metric_line
from scenelet.serve.predictor import Predictor


def test_a_line_is_in_the_embedded_metric_format_and_holds_no_picture(bundle):
    prediction = Predictor(bundle).predict(
        (bundle / "golden" / "buildings.jpg").read_bytes(), measured=True
    )
    line = metric_line(prediction, now_s=1_800_000_000.0)
    assert "\n" not in line
    row = json.loads(line)
    described = row["_aws"]["CloudWatchMetrics"][0]
    assert row["_aws"]["Timestamp"] == 1_800_000_000_000
    for metric in described["Metrics"]:
        assert isinstance(row[metric["Name"]], int | float), metric
    for dimension in {name for names in described["Dimensions"] for name in names}:
        assert isinstance(row[dimension], str)
    assert row["Label"] == prediction.label
    assert len(line) < 1500
