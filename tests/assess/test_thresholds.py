import numpy as np
import pytest

from scenelet.assess.calibrate import fit_temperature
from scenelet.assess.thresholds import (
    NEVER_SURE,
    abstain_threshold,
    conformal_thresholds,
    cross_fitted,
    fit_sets,
    measure_promise,
    prediction_sets,
    promised_accuracy,
    risk_coverage,
)
from scenelet.bundle.figures import Wished
from scenelet.bundle.metrics import expected_calibration_error, log_loss
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
        thresholds, _ = conformal_thresholds(labels[:200], probabilities[:200], promised)
        sets = prediction_sets(probabilities[200:], thresholds)
        held += list(sets[np.arange(20), labels[200:]])
        sizes.append(sets.sum(1).mean())
    count = len(held)
    error = 3 * np.sqrt(promised * (1 - promised) / count)
    # split conformal covers at least as promised, and at most 1 / (calibration images of the class
    # + 1) more, here about 1/51
    assert promised - error <= np.mean(held) <= promised + 0.02 + error
    assert 1 < np.mean(sizes) < CLASSES


def test_classes_with_too_few_images_share_a_threshold_that_rules_classes_out():
    labels, logits = draw(np.random.default_rng(6), 36)
    probabilities = softmax(logits)
    thresholds, pooled = conformal_thresholds(labels, probabilities, 0.95)
    assert pooled == [0, 1, 2, 3]
    assert len(set(thresholds)) == 1
    assert prediction_sets(probabilities, thresholds).sum(1).mean() < CLASSES


def test_one_rare_class_shares_with_the_next_smallest_and_leaves_the_others_their_own():
    labels, logits = draw(np.random.default_rng(7), 4000)
    counts = {0: 300, 1: 7, 2: 40, 3: 500}
    chosen = np.concatenate([np.flatnonzero(labels == c)[:n] for c, n in counts.items()])
    thresholds, pooled = conformal_thresholds(labels[chosen], softmax(logits[chosen]), 0.95)
    assert pooled == [1, 2]
    assert thresholds[1] == thresholds[2] > 0
    assert len(set(thresholds)) == 3


def test_pooled_sets_keep_their_promise_on_new_images():
    rng, held = np.random.default_rng(8), []
    for _ in range(400):
        labels, logits = draw(rng, 80)
        probabilities = softmax(logits)
        thresholds, _ = conformal_thresholds(labels[:30], probabilities[:30], 0.9)
        sets = prediction_sets(probabilities[30:], thresholds)
        held += list(sets[np.arange(50), labels[30:]])
    assert np.mean(held) >= 0.89


def test_too_few_images_for_any_promise_give_no_sets_and_the_reason():
    labels, logits = draw(np.random.default_rng(9), 18)
    sets = fit_sets(labels, softmax(logits), "abcd", 0.95)
    assert sets.thresholds == {}
    assert "18 held-out images are too few" in sets.why_none
    assert "19 are needed" in sets.why_none
    assert cross_fitted(labels, logits, Wished(0.98, 0.95)).sets is None
    labels, logits = draw(np.random.default_rng(9), 19)
    assert fit_sets(labels, softmax(logits), "abcd", 0.95).why_none == ""


def test_the_risk_coverage_curve_ends_at_the_accuracy():
    labels, logits = draw(np.random.default_rng(1), 500)
    confidence, coverage, accuracy = risk_coverage(labels, softmax(logits))
    assert (np.diff(confidence) <= 0).all()
    assert coverage[-1] == 1
    assert accuracy[-1] == pytest.approx((logits.argmax(1) == labels).mean())


def sure(rng, count):
    """Of a good model: most answers are sure, and as often right as they say."""
    confidence = 1 - 0.5 * rng.beta(0.5, 4, count)
    right = rng.random(count) < confidence
    probabilities = np.stack([confidence, 1 - confidence], 1)
    return np.where(right, 0, 1), probabilities


@pytest.mark.parametrize("count", [300, 1400])
def test_what_is_promised_is_kept_by_nine_bundles_of_ten(count):
    rng, kept = np.random.default_rng(2), []
    new_labels, new = sure(rng, 200_000)
    for _ in range(150):
        threshold = abstain_threshold(*sure(rng, count), 0.97)
        answered = new[:, 0] >= threshold
        kept.append(not answered.any() or (new_labels[answered] == 0).mean() >= 0.97)
    assert np.mean(kept) >= 0.85


def test_answers_of_equal_confidence_are_taken_or_left_together():
    probabilities = np.tile([0.99, 0.01], (100, 1))
    labels = np.repeat([0, 1], [60, 40])
    for order in (np.arange(100), np.arange(100)[::-1], np.random.default_rng(0).permutation(100)):
        assert abstain_threshold(labels[order], probabilities, 0.95) == NEVER_SURE
        assert abstain_threshold(labels[order], probabilities, 0.5) == 0.99


def test_a_handful_of_right_answers_promises_nothing():
    probabilities = np.tile([0.99, 0.01], (20, 1))
    assert abstain_threshold(np.zeros(20, int), probabilities, 0.98) == NEVER_SURE
    assert promised_accuracy(np.zeros(20, int), probabilities, None) == 0.8
    assert promised_accuracy(np.zeros(20, int), probabilities, 0.98) == 0.98
    many = np.tile([0.99, 0.01], (150, 1))
    assert promised_accuracy(np.zeros(150, int), many, None) == 0.98


def test_a_promise_that_a_handful_of_pictures_decides_is_made_smaller():
    labels, sharp = np.zeros(128, int), np.tile([6.0, 0.0], (128, 1))
    sharp[:2] = [0.0, 0.1]  # the two least sure are wrong: 126 right answers can just show 98 %
    probabilities = softmax(sharp)
    assert abstain_threshold(labels, probabilities, 0.98) < NEVER_SURE
    wished = promised_accuracy(labels, probabilities, None)
    assert wished == 0.95  # nine tenths, 113 right answers, could not
    promise = cross_fitted(labels, sharp, Wished(wished, 0.95))
    assert promise.answered >= 0.95


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
    rng, wished = np.random.default_rng(3), Wished(0.9, 0.9)
    labels, logits = draw(rng, 3000, temperature)
    promise = cross_fitted(labels, logits, wished)
    new_labels, new_logits = draw(rng, 30_000, temperature)
    fitted = fit_temperature(logits, labels)
    probabilities = softmax(logits, fitted)
    on_new = measure_promise(
        new_labels,
        softmax(new_logits, fitted),
        conformal_thresholds(labels, probabilities, 0.9)[0],
        abstain_threshold(labels, probabilities, 0.9),
        wished,
    )
    assert promise.sets.coverage.value == pytest.approx(0.9, abs=0.01)
    assert on_new.sets.coverage.value == pytest.approx(0.9, abs=0.02)
    assert promise.answered == pytest.approx(on_new.answered, abs=0.03)
    assert on_new.accuracy_answered.value >= 0.9
    assert promise.sets.mean_set_size == pytest.approx(on_new.sets.mean_set_size, abs=0.05)
    # of 3,000 images chance alone makes some 2 %, and that is said
    assert promise.expected_calibration_error == pytest.approx(promise.by_chance, abs=0.01)
    assert expected_calibration_error(new_labels, softmax(new_logits, fitted)) < 0.02


def test_pictures_of_one_series_are_judged_by_others():
    rng = np.random.default_rng(10)
    labels, logits = (np.repeat(each, 10, axis=0) for each in draw(rng, 60))
    series = [str(number // 10) for number in range(600)]
    torn = cross_fitted(labels, logits, Wished(0.8, 0.9))
    whole = cross_fitted(labels, logits, Wished(0.8, 0.9), series)
    assert whole.sets.coverage.value < torn.sets.coverage.value


@pytest.mark.parametrize("count", [6, 18, 60])
def test_a_few_easy_images_do_not_make_every_answer_certain(count):
    rng, worse = np.random.default_rng(11), []
    for _ in range(60):
        labels, logits = draw(rng, count)
        truth, fresh = draw(rng, 2000)
        fitted = fit_temperature(logits, labels)
        worse.append(log_loss(truth, softmax(fresh, fitted)) - log_loss(truth, softmax(fresh)))
    easy = fit_temperature(
        8.0 * np.eye(CLASSES)[np.arange(count) % CLASSES], np.arange(count) % CLASSES
    )
    assert np.mean(worse) < 0.06
    assert easy > 0.3


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_handful_of_images_gives_wide_intervals_and_no_error(count):
    labels, logits = draw(np.random.default_rng(4), count)
    promise = cross_fitted(labels, logits, Wished(0.98, 0.95))
    assert promise.images == count
    assert promise.sets is None
    assert promise.answered == 0
