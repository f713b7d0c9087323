"""What is billed is what was told: series, units and log bytes, counted behind the door."""

import json
from collections import Counter

import pytest

from scenelet.deploy.aws.bill import ceiling, series_of
from scenelet.deploy.aws.cloud import Cloud
from scenelet.deploy.aws.price import (
    LIST,
    LOG_BYTES,
    SECONDS_A_MONTH,
    http_api_units,
    prices_in,
    standing_usd_a_month,
)
from scenelet.deploy.aws.release import Release
from scenelet.deploy.aws.settings import ON_LAMBDA, DeploySettings, Identity
from scenelet.errors import ConfigError
from scenelet.serve.client import Endpoint
from scenelet.serve.settings import Settings

LAMBDA_S_OWN_BYTES = 363  # START, END and REPORT, and 26 bytes an event


def settings(**service):
    from dataclasses import replace

    return DeploySettings(rate=100, burst=100, service=replace(ON_LAMBDA, **service))


@pytest.mark.pipeline
@pytest.mark.parametrize("log", ["none", "line", "few", "all"])
def test_metric_series_units_and_log_bytes_are_those_that_the_price_is_made_of(
    aws, packed, shipped_bundle, log
):
    before = Counter(aws.lines())
    deployed = settings(log=log)
    release = Release(Cloud(), Identity(), poll_s=0.05, patience_s=60)
    release.deploy(packed["first"], deployed, 512)
    aws.metered_units, endpoint = 0, Endpoint(aws.url)
    pictures = [path.read_bytes() for path in sorted((shipped_bundle / "golden").iterdir())]
    for picture in pictures:
        endpoint.predict(picture, original=True)
    assert aws.metered_units == sum(http_api_units(len(picture)) for picture in pictures)
    told = (Counter(aws.lines()) - before).elements()
    lines = [line for line in told if line.startswith("{")]
    classes = len(packed["first"].contract().class_names)
    assert len(series_in(lines)) <= series_of(deployed, classes)
    if log != "all":
        assert len(series_in(lines)) == series_of(deployed, classes)
    if log == "none":
        assert lines == []
    else:
        mean = sum(len(line) for line in lines) / len(lines)
        assert LOG_BYTES / 2 < mean + LAMBDA_S_OWN_BYTES < 1.05 * LOG_BYTES


def series_in(lines):
    """What CloudWatch would bill a month: a metric's name with the values of its dimensions."""
    found = set()
    for line in lines:
        row = json.loads(line)
        for described in row["_aws"]["CloudWatchMetrics"]:
            for names in described["Dimensions"]:
                values = tuple(row[name] for name in names)
                found |= {(metric["Name"], *values) for metric in described["Metrics"]}
    return found


def test_three_metrics_and_six_alarms_cost_nothing_and_all_of_six_classes_do():
    assert standing_usd_a_month(3, 6) == 0
    assert standing_usd_a_month(63, 6) == pytest.approx((63 - 10) * 0.30)
    assert series_of(settings(log="all"), 6) == 63


def test_the_ceiling_counts_requests_units_and_logs_besides_compute():
    most = ceiling(DeploySettings(), "x86_64", 512, 5, LIST)
    answers = 10 * SECONDS_A_MONTH
    assert most.compute_usd == pytest.approx(5 * SECONDS_A_MONTH * 0.5 * 0.0000166667)
    around = answers / 1e6 * (0.20 + 9 * 1.00) + answers * LOG_BYTES / 1e9 * 0.50
    assert most.around_usd == pytest.approx(around)  # 4.4 MB are nine units


def test_without_reserved_instances_the_rate_is_what_limits_compute():
    few = ceiling(DeploySettings(rate=1), "x86_64", 512, 1000, LIST)
    assert few.compute_usd == pytest.approx(20 * SECONDS_A_MONTH * 0.5 * 0.0000166667)


def test_a_function_url_has_no_rate_but_lambda_s_own():
    most = ceiling(DeploySettings(function_url=True), "x86_64", 512, 5, LIST)
    assert most.requests_a_s == 50


@pytest.mark.pipeline
def test_prices_are_of_the_region_or_it_is_said_that_they_are_not(aws):
    assert prices_in(Cloud("us-east-1")) == LIST
    assert "those of eu-central-1 could not be asked" in prices_in(Cloud()).origin
    aws.moto.rules(price_factor=1.5)
    found = prices_in(Cloud())
    assert found.gb_s["x86_64"] == pytest.approx(1.5 * LIST.gb_s["x86_64"])
    assert found.million_api_units == pytest.approx(1.5)
    assert "eu-central-1, AWS's price list" in found.origin


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"timeout_s": 40}, "--timeout: found 40, expected 3 to 29"),
        ({"canary": 1.5}, "--canary: found 1.5"),
        ({"iam": True, "jwt_issuer": "https://a", "jwt_audience": ("b",)}, "one of them"),
        ({"jwt_issuer": "https://a"}, "--jwt-issuer and --jwt-audience: both or none"),
        ({"budget_usd": 5}, "--budget: needs --alarm-email"),
        ({"watch": "photos"}, "--watch: found 'photos', expected s3://bucket"),
        ({"service": Settings(uploads="photos")}, "--uploads: found 'photos', expected s3://"),
        ({"service": Settings(collect="s3://photos/")}, "--collect: .*a prefix of its own"),
        ({"service": Settings(collect="s3://photos/a")}, "--collect: .*a prefix of its own"),
        ({"service": Settings(collect_percent=101)}, "--collect-percent: found 101"),
        ({"service": Settings(collect_days=400)}, "--collect-days: found 400"),
        (
            {"watch": "s3://photos", "service": Settings(collect="s3://photos/a/")},
            "--collect: lies in --watch",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused_and_named(values, message):
    with pytest.raises(ConfigError, match=message):
        DeploySettings(**values)
