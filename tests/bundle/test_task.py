import numpy as np
import pytest

from scenelet.bundle.task import SINGLE_LABEL, TASKS, Rules

NAMES = ("cat", "dog", "owl")


def decided(probabilities, stranger=0.0, abstain_below=0.6):
    thresholds = {"cat": 0.3, "dog": 0.1, "owl": 0.5}
    return SINGLE_LABEL.decide(
        probabilities, stranger, Rules(NAMES, abstain_below, thresholds, 1.0)
    )


def test_the_most_probable_class_is_told_with_all_that_are_still_possible():
    decision = decided([0.15, 0.75, 0.1])
    assert (decision.label, decision.probability) == ("dog", 0.75)
    assert list(decision.probabilities) == ["dog", "cat", "owl"]
    assert decision.prediction_set == ["dog"]
    assert decided([0.4, 0.35, 0.25]).prediction_set == ["cat", "dog"]


@pytest.mark.parametrize(("floor", "abstains"), [(0.75, False), (0.76, True), (1.1, True)])
def test_a_probability_under_the_floor_abstains_and_over_one_always(floor, abstains):
    assert decided([0.15, 0.75, 0.1], abstain_below=floor).abstains is abstains


def test_a_score_over_the_threshold_is_a_stranger():
    assert not decided([0.2, 0.7, 0.1], stranger=1.0).is_stranger
    assert decided([0.2, 0.7, 0.1], stranger=1.01).is_stranger


def test_every_task_gives_one_picture_the_probabilities_it_gives_many():
    logits = np.random.default_rng(0).normal(0, 5, (40, 3))
    for task in TASKS.values():
        many = task.probabilities_of_many(logits, 0.7)
        one = [task.probabilities(row, 0.7) for row in logits.tolist()]
        assert many == pytest.approx(np.array(one))
        assert task.figures(many.argmax(1), many, NAMES).top1_accuracy.value == 1
