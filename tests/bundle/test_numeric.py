"""What serving computes for one picture without numpy, and many at once with it, is the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenelet.bundle import numeric, scores

LOGITS = st.lists(st.floats(-300, 300), min_size=2, max_size=12)
TEMPERATURES = st.floats(0.05, 20)


@given(LOGITS, TEMPERATURES)
def test_probabilities_are_the_same_for_one_and_for_many_and_add_up(logits, temperature):
    one = scores.softmax(logits, temperature)
    many = numeric.softmax(np.array([logits, logits]), temperature)
    assert one == pytest.approx(many[1].tolist(), abs=1e-12)
    assert sum(one) == pytest.approx(1)


@given(LOGITS, TEMPERATURES)
def test_the_energy_is_the_same_for_one_and_for_many(logits, temperature):
    one = scores.energy(logits, temperature)
    assert one == pytest.approx(numeric.energies(np.array([logits]), temperature)[0], rel=1e-9)


@given(LOGITS, st.floats(-50, 50), TEMPERATURES)
def test_the_energy_falls_by_what_is_added_to_every_logit(logits, more, temperature):
    shifted = [value + more for value in logits]
    expected = scores.energy(logits, temperature) - more
    assert scores.energy(shifted, temperature) == pytest.approx(expected, abs=1e-6)


def test_training_pictures_lie_at_about_one_and_far_ones_far():
    rng = np.random.default_rng(0)
    features = rng.normal(3, [1, 5, 1, 1], (4000, 4))
    space = numeric.fit_feature_space(features)
    assert np.square(space.distances(features)).mean() == pytest.approx(1, abs=0.02)
    assert space.distances(features.mean(0) + np.array([10, 0, 0, 0])) == pytest.approx(5, abs=0.2)


def test_one_training_picture_is_enough_for_a_space():
    space = numeric.fit_feature_space(np.ones((1, 3)))
    assert np.isfinite(space.distances(np.zeros((2, 3)))).all()
