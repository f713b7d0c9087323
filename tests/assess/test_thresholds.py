import numpy as np
import pytest

from scenelet.assess.calibrate import fit_temperature
from scenelet.assess.thresholds import (
    NEVER_SURE,
    abstain_threshold,
    conformal_thresholds,
    cross_fitted,
    measure_promise,
    prediction_sets,
    risk_coverage,
)
from scenelet.bundle.figures import Wished
from scenelet.bundle.metrics import expected_calibration_error
from scenelet.bundle.numeric import softmax

CLASSES = 4


def draw(rng, count, temperature=1.0):
    """Labels drawn from softmax(logits): calibrated at temperature 1."""
    logits = rng.normal(0, 2, (count, CLASSES))
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(1)
    return labels, logits * temperature


def test_prediction_sets_cover_as_often_as_promised_in_1000_repetitions():
    rng, promised, held, sizes = np.random.default_rng(0), 0.9, [], []
    for _ in range(1000):
        labels, logits = draw(rng, 220)
        probabilities = softmax(logits)
        thresholds = conformal_thresholds(labels[:200], probabilities[:200], promised)
        sets = prediction_sets(probabilities[200:], thresholds)
        held += list(sets[np.arange(20), labels[200:]])
        sizes.append(sets.sum(1).mean())
    count = len(held)
    error = 3 * np.sqrt(promised * (1 - promised) / count)
    # split conformal covers at least as promised, and at most 1 / (calibration images of the class
    # + 1) more, here about 1/51
    assert promised - error <= np.mean(held) <= promised + 0.02 + error
    assert 1 < np.mean(sizes) < CLASSES


def test_a_class_with_too_few_images_is_in_every_set():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])
    assert list(conformal_thresholds(np.array([0, 0, 1]), probabilities, 0.95)) == [0.0, 0.0]


def test_the_risk_coverage_curve_ends_at_the_accuracy():
    labels, logits = draw(np.random.default_rng(1), 500)
    confidence, coverage, accuracy = risk_coverage(labels, softmax(logits))
    assert (np.diff(confidence) <= 0).all()
    assert coverage[-1] == 1
    assert accuracy[-1] == pytest.approx((logits.argmax(1) == labels).mean())


def test_the_abstain_threshold_keeps_the_wish_and_answers_as_much_as_it_can():
    labels, logits = draw(np.random.default_rng(2), 2000)
    probabilities = softmax(logits)
    threshold = abstain_threshold(labels, probabilities, 0.9)
    answered = probabilities.max(1) >= threshold
    right = probabilities.argmax(1) == labels
    assert right[answered].mean() >= 0.9
    lower = np.sort(probabilities.max(1)[~answered])[-1]
    assert right[probabilities.max(1) >= lower].mean() < 0.9
    assert abstain_threshold(np.array([1]), np.array([[0.9, 0.1]]), 0.9) == NEVER_SURE


def test_a_model_that_guesses_is_measured_as_it_will_serve_answering_nothing():
    rng = np.random.default_rng(6)
    labels, probabilities = rng.integers(0, CLASSES, 400), softmax(rng.normal(0, 0.1, (400, 4)))
    threshold = abstain_threshold(labels, probabilities, 0.98)
    promise = measure_promise(
        labels, probabilities, np.zeros(CLASSES), threshold, Wished(0.98, 0.95)
    )
    assert threshold == NEVER_SURE > probabilities.max()
    assert promise.answered == 0
    assert promise.accuracy_answered.value is None


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_cross_fitting_measures_what_new_images_would_show(temperature):
    rng = np.random.default_rng(3)
    labels, logits = draw(rng, 3000, temperature)
    promise = cross_fitted(labels, logits, Wished(0.9, 0.9))
    new_labels, new_logits = draw(rng, 30_000, temperature)
    fitted = fit_temperature(logits, labels)
    probabilities = softmax(logits, fitted)
    on_new = measure_promise(
        new_labels,
        softmax(new_logits, fitted),
        conformal_thresholds(labels, probabilities, 0.9),
        abstain_threshold(labels, probabilities, 0.9),
        Wished(0.9, 0.9),
    )
    assert promise.coverage.value == pytest.approx(0.9, abs=0.01)
    assert on_new.coverage.value == pytest.approx(0.9, abs=0.02)
    assert promise.answered == pytest.approx(on_new.answered, abs=0.03)
    assert promise.mean_set_size == pytest.approx(on_new.mean_set_size, abs=0.05)
    assert (
        promise.expected_calibration_error < 0.03
    )  # of 3,000 images in 15 bins, chance alone makes some 2 %
    assert expected_calibration_error(new_labels, softmax(new_logits, fitted)) < 0.02


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_handful_of_images_gives_wide_intervals_and_no_error(count):
    labels, logits = draw(np.random.default_rng(4), count)
    promise = cross_fitted(labels, logits, Wished(0.98, 0.95))
    assert promise.images == count
    assert promise.coverage.low <= promise.coverage.value <= promise.coverage.high
