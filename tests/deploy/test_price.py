import pytest

from scenelet.deploy.aws.price import (
    compute_usd_a_month,
    estimate,
    estimates,
    http_api_units,
    recommended,
)
from scenelet.deploy.preflight.trial import Measured


def measured(**changes):
    usual = {
        "init_ms": 80,
        "first_ms": 30,
        "warm_ms": 9.2,
        "peak_mib": 60,
        "heaviest_mib": 300,
        "heaviest_ms": 900,
    }
    return Measured(**(usual | changes))


def test_a_million_answers_cost_requests_milliseconds_api_and_logs():
    found = estimate("x86_64", 1769, measured())
    compute = 1e6 * 0.010 * 1769 / 1024 * 0.0000166667
    assert found.per_million_usd == pytest.approx(compute + 0.20 + 1.00 + 0.56)


def test_less_memory_is_slower_by_its_share_of_a_core_but_not_in_the_init_phase():
    found = estimate("x86_64", 512, measured())
    assert found.warm_ms == pytest.approx(9.2 * 1769 / 512)
    assert found.cold_ms == pytest.approx(200 + 80 + 30 * 1769 / 512)


def test_arm_is_a_fifth_cheaper():
    arm, intel = (
        estimate(each, 1024, measured(warm_ms=100)).per_million_usd - 1.76
        for each in ("arm64", "x86_64")
    )
    assert arm / intel == pytest.approx(0.8, abs=0.001)


def test_an_http_api_counts_in_half_megabytes():
    assert [http_api_units(size) for size in (0, 150_000, 524_288, 524_289, 3_000_000)] == [
        1,
        1,
        1,
        2,
        6,
    ]


def test_the_smallest_memory_from_512_on_that_fits_is_recommended_however_busy_the_machine():
    for warm_ms in (5, 500):
        found = estimates("x86_64", measured(warm_ms=warm_ms, first_ms=warm_ms))
        assert recommended(found).memory_mib == 512
    assert recommended(estimates("x86_64", measured(peak_mib=300))).memory_mib == 1024
    assert recommended(estimates("x86_64", measured(peak_mib=3000))).memory_mib == 1769


def test_instances_that_are_busy_all_month_are_billed_all_month():
    assert compute_usd_a_month("x86_64", 1024, 5) == pytest.approx(5 * 30 * 86400 * 0.0000166667)
