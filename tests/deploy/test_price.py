import pytest

from scenelet.deploy.aws.price import ceiling_usd_a_month, estimate, estimates, recommended


def test_a_million_answers_cost_requests_milliseconds_api_and_logs():
    found = estimate("x86_64", 1769, warm_ms=9.2, cold_ms=100, peak_mib=60)
    compute = 1e6 * 0.010 * 1769 / 1024 * 0.0000166667
    assert found.per_million_usd == pytest.approx(compute + 0.20 + 1.00 + 0.45)


def test_less_memory_is_slower_by_its_share_of_a_core():
    assert estimate("x86_64", 512, 10, 100, 60).warm_ms == pytest.approx(10 * 1769 / 512)


def test_arm_is_a_fifth_cheaper():
    arm, intel = (
        estimate(each, 1024, 100, 100, 60).per_million_usd - 1.65 for each in ("arm64", "x86_64")
    )
    assert arm / intel == pytest.approx(0.8, abs=0.001)


def test_the_smallest_memory_that_fits_and_starts_within_a_second_is_recommended():
    assert recommended(estimates("x86_64", 5, 120, 60)).memory_mib == 256
    assert recommended(estimates("x86_64", 5, 120, 300)).memory_mib == 1024
    assert recommended(estimates("x86_64", 5, 2000, 60)).memory_mib == 1769


def test_reserved_instances_put_a_ceiling_on_the_bill():
    assert ceiling_usd_a_month("x86_64", 1024, 5) == pytest.approx(5 * 30 * 86400 * 0.0000166667)
