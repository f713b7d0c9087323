import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics
from statsmodels.stats.proportion import proportion_confint
from torchmetrics.functional.classification import multiclass_calibration_error

from scenelet.assess.calibrate import fit_temperature
from scenelet.bundle.figures import Interval
from scenelet.bundle.metrics import (
    balanced_accuracy,
    confusion_matrix,
    evaluate,
    expected_calibration_error,
    macro_f1,
    mean_family,
    paired_difference,
    wilson_interval,
)
from scenelet.bundle.numeric import softmax

RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 4, 500)
LOGITS = RNG.normal(0, 2, (500, 4)) + 2.0 * np.eye(4)[LABELS]
PROBABILITIES = softmax(LOGITS)
NAMES = ("a", "b", "c", "d")


@given(st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_wilson_interval_agrees_with_statsmodels(counts):
    interval = wilson_interval(*counts)
    assert (interval.low, interval.high) == pytest.approx(
        proportion_confint(*counts, method="wilson"), abs=1e-12
    )
    assert interval.low <= interval.value <= interval.high


def test_no_images_means_no_value():
    assert wilson_interval(0, 0).value is None


def test_figures_agree_with_scikit_learn():
    figures, predicted = evaluate(LABELS, PROBABILITIES, NAMES), PROBABILITIES.argmax(1)
    assert figures.top1_accuracy.value == pytest.approx(
        sklearn_metrics.accuracy_score(LABELS, predicted)
    )
    assert figures.macro_f1.value == pytest.approx(
        sklearn_metrics.f1_score(LABELS, predicted, average="macro")
    )
    assert figures.log_loss.value == pytest.approx(sklearn_metrics.log_loss(LABELS, PROBABILITIES))
    assert figures.balanced_accuracy.value == pytest.approx(
        sklearn_metrics.balanced_accuracy_score(LABELS, predicted)
    )
    assert figures.confusion_matrix == sklearn_metrics.confusion_matrix(LABELS, predicted).tolist()
    precision = sklearn_metrics.precision_score(LABELS, predicted, average=None)
    recall = sklearn_metrics.recall_score(LABELS, predicted, average=None)
    assert [figures.per_class[name].precision.value for name in NAMES] == pytest.approx(
        list(precision)
    )
    assert [figures.per_class[name].recall.value for name in NAMES] == pytest.approx(list(recall))


def test_calibration_error_agrees_with_torchmetrics():
    expected = multiclass_calibration_error(
        torch.tensor(PROBABILITIES), torch.tensor(LABELS), 4, n_bins=15
    )
    assert expected_calibration_error(LABELS, PROBABILITIES) == pytest.approx(
        float(expected), abs=1e-6
    )


def test_an_absent_class_has_no_recall_and_counts_as_scikit_learn_counts_it():
    labels = np.array([0, 0, 1])
    probabilities = np.array([[0.9, 0.1, 0.0], [0.4, 0.6, 0.0], [0.2, 0.8, 0.0]])
    predicted = probabilities.argmax(1)
    figures = evaluate(labels, probabilities, ("a", "b", "c"))
    assert figures.per_class["c"].recall.value is None
    assert figures.per_class["c"].precision.value is None
    assert figures.macro_f1.value == pytest.approx(
        sklearn_metrics.f1_score(labels, predicted, average="macro")
    )
    assert figures.balanced_accuracy.value == pytest.approx(
        sklearn_metrics.balanced_accuracy_score(labels, predicted)
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_probabilities_that_are_no_numbers_never_become_a_figure(bad):
    with pytest.raises(ValueError, match="not finite"):
        evaluate(np.array([0]), np.array([[bad, 0.0]]), ("a", "b"))


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_the_temperature_that_was_applied_is_found_again(temperature):
    rng = np.random.default_rng(1)
    logits = rng.normal(0, 2, (20_000, 5))
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(1)  # labels drawn from softmax(logits)
    assert fit_temperature(logits * temperature, labels) == pytest.approx(temperature, rel=0.05)


def test_temperature_never_changes_the_winner():
    assert np.array_equal(softmax(LOGITS, 3.0).argmax(1), LOGITS.argmax(1))


def test_the_paired_difference_covers_the_truth_95_times_in_100():
    rng, covered = np.random.default_rng(0), 0
    for _ in range(1000):
        shared = rng.random(300)
        first, second = shared < 0.85, (shared < 0.80) | (rng.random(300) < 0.5) & (shared > 0.85)
        interval = paired_difference(first, second)
        covered += interval.low <= (0.80 + 0.075 - 0.85) <= interval.high
    assert 0.93 < covered / 1000 < 0.975


def test_a_class_without_an_error_is_not_taken_for_one_that_has_none():
    labels = np.arange(6)
    figures = evaluate(labels, 0.02 + 0.88 * np.eye(6), tuple("abcdef"))
    assert figures.balanced_accuracy.value == 1
    assert figures.balanced_accuracy.low < 0.9
    assert figures.macro_f1.low < 0.9


@pytest.mark.parametrize(("count", "classes"), [(18, 6), (60, 6), (600, 30)])
@pytest.mark.parametrize("figure", [balanced_accuracy, macro_f1])
def test_intervals_of_means_over_classes_hold_as_often_as_they_say(figure, count, classes):
    rng, held = np.random.default_rng(3), []
    for _ in range(1500):
        truth = np.repeat(np.arange(classes), count // classes)
        answer = np.where(rng.random(count) < 0.9, truth, (truth + 1) % classes)
        interval = figure(confusion_matrix(truth, answer, classes))
        held.append(interval.low <= 0.9 <= interval.high)
    assert np.mean(held) >= 0.93


@pytest.mark.parametrize("copies", [1, 2, 5])
def test_copies_of_a_picture_count_once(copies):
    rng, held = np.random.default_rng(4), []
    kin = np.repeat(np.arange(200), copies).astype(str)
    for _ in range(400):
        right = np.repeat(rng.random(200) < 0.9, copies)
        interval = wilson_interval(int(right.sum()), len(right), mean_family(kin))
        held.append(interval.low <= 0.9 <= interval.high)
    assert np.mean(held) >= 0.92


def test_chance_makes_a_calibration_error_and_it_is_said():
    rng, told, chance = np.random.default_rng(5), [], []
    for _ in range(30):
        logits = rng.normal(0, 3, (60, 6))
        probabilities = softmax(logits)
        labels = (logits + rng.gumbel(size=logits.shape)).argmax(1)
        figures = evaluate(labels, probabilities, tuple("abcdef"))
        told.append(figures.expected_calibration_error)
        chance.append(figures.by_chance)
    assert np.mean(told) > 0.08  # of a model that is perfectly honest
    assert np.mean(chance) == pytest.approx(np.mean(told), rel=0.15)


@pytest.mark.parametrize(
    ("interval", "percent", "number"),
    [
        (Interval(0.93157, 0.9172, 0.9436), "93.2% (91.7% to 94.4%)", "0.932 (0.917 to 0.944)"),
        (Interval(0.7778, 0.68, 0.85), "78% (68% to 85%)", "0.78 (0.68 to 0.85)"),
        (Interval(0.9, 0.8995, 0.9005), "90.00% (89.95% to 90.05%)", "0.9000 (0.8995 to 0.9005)"),
        (Interval(None, 0.0, 1.0), "none", "none"),
    ],
)
def test_figures_are_told_as_finely_as_their_interval_earns(interval, percent, number):
    assert (interval.percent, interval.number) == (percent, number)
