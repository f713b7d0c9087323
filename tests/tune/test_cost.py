import json

import pytest

from scenelet.errors import ConfigError
from scenelet.tune import cost

SIZES = (96, 128, 160)


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """A network whose latency grows with its input's area: 96 px take 1 ms."""
    times = {size: (size / 96) ** 2 for size in SIZES}
    monkeypatch.setattr(cost, "_measure", lambda _, __, size: cost.Cost(1.0, times[size]))
    return tmp_path / "costs.json"


def test_only_sizes_that_answer_in_time_may_be_chosen(measured):
    assert cost.sizes_within(2, {"network": "lite0"}, SIZES, measured) == (96, 128)
    assert cost.sizes_within(9, {"network": "lite0"}, SIZES, measured) == SIZES


def test_what_was_measured_once_is_taken_again(measured, monkeypatch):
    cost.sizes_within(9, {"network": "lite0"}, SIZES, measured)
    monkeypatch.setattr(cost, "_measure", None)
    assert cost.sizes_within(2, {"network": "lite0"}, SIZES, measured) == (96, 128)
    assert len(json.loads(measured.read_text())) == len(SIZES)


def test_too_short_a_time_says_how_long_the_smallest_takes(measured):
    with pytest.raises(ConfigError, match=r"at 96 px an answer takes 1\.0 ms"):
        cost.sizes_within(0.5, {"network": "lite0"}, SIZES, measured)
