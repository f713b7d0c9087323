import numpy as np
import pytest

from scenelet.learn.linear import choose_head, class_weights, fit_head, log_loss, out_of_fold


def clouds(counts, spread=1.0, seed=0):
    """Features around one point a class, on very different scales, and their labels."""
    draw = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    centres = np.random.default_rng(9).normal(0, 2, (len(counts), 6))
    features = centres[labels] + draw.normal(0, spread, (len(labels), 6))
    return (features * [1, 2, 3, 1, 0.5, 2] + 7).astype(np.float32), labels


@pytest.mark.parametrize("classes", [2, 3])
def test_a_head_learns_classes_that_lie_apart_whatever_the_scale(classes):
    features, labels = clouds([40] * classes)
    unseen, truth = clouds([100] * classes, seed=1)
    head = fit_head(features, labels, classes, 0.1, "none")
    probabilities = head.probabilities(unseen)
    assert probabilities.shape == (100 * classes, classes)
    assert np.allclose(probabilities.sum(1), 1, atol=1e-5)
    assert (probabilities.argmax(1) == truth).mean() > 0.9


def test_weights_of_classes_make_none_sqrt_or_full_balance():
    labels = np.repeat([0, 1], [90, 10])
    assert np.allclose(class_weights(labels, 2, "none"), 1)
    one, other = class_weights(labels, 2, "full")
    assert one * 90 == pytest.approx(other * 10)
    one, other = class_weights(labels, 2, "sqrt")
    assert other / one == pytest.approx(3)
    assert one * 90 + other * 10 == pytest.approx(100)


def test_a_balanced_head_finds_more_of_the_rare_class():
    features, labels = clouds([300, 12], spread=4)
    unseen, truth = clouds([300, 300], spread=4, seed=1)
    found = [
        (fit_head(features, labels, 2, 0.01, balance).probabilities(unseen).argmax(1) == 1)[
            truth == 1
        ].mean()
        for balance in ("none", "full")
    ]
    assert found[1] > found[0] + 0.1


def test_the_strength_is_chosen_on_unseen_pictures():
    features, labels = clouds([15, 15, 15], spread=4)
    unseen = clouds([200, 200, 200], spread=4, seed=1)
    chosen = choose_head(features, labels, 3, "none", unseen)
    least = log_loss(chosen.probabilities(unseen[0]), unseen[1])
    for strength in (0.001, 0.1):
        head = fit_head(features, labels, 3, strength, "none")
        assert least <= log_loss(head.probabilities(unseen[0]), unseen[1])


def test_answers_out_of_fold_do_not_know_a_pictures_own_label():
    draw = np.random.default_rng(0)
    features, labels = draw.normal(0, 1, (120, 110)).astype(np.float32), np.arange(120) % 2
    answers = out_of_fold(features, labels, np.arange(120) // 24, 2, 1.0)
    seen = fit_head(features, labels, 2, 1.0, "none").probabilities(features)
    assert (seen.argmax(1) == labels).mean() > 0.9
    assert (answers.argmax(1) == labels).mean() < 0.7


@pytest.mark.parametrize(("here", "absent"), [((0, 2, 3), 1), ((1, 3), 0), ((2,), 3)])
def test_a_class_without_a_picture_is_never_answered(here, absent):
    features, labels = clouds([30, 30, 30, 30])
    seen = np.isin(labels, here)
    head = fit_head(features[seen], labels[seen], 4, 0.1, "full")
    probabilities = head.probabilities(features)
    assert probabilities.shape == (120, 4)
    assert probabilities[:, absent].max() < 1e-3
    assert (probabilities.argmax(1) == labels)[seen].mean() > 0.9


def test_a_feature_that_hardly_differs_cannot_drown_the_others():
    features, labels = clouds([20, 20])
    quiet = np.random.default_rng(3).normal(0, 1e-4, (40, 50)).astype(np.float32)
    head = fit_head(np.hstack([features, quiet]), labels, 2, 0.1, "none")
    moved = np.hstack([features, quiet + 1])
    logits = moved @ head.weight.T + head.bias
    assert np.abs(logits).max() < 20
    assert (logits.argmax(1) == labels).mean() > 0.9
