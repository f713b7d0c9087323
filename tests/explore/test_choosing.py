import numpy as np

from scenelet.explore.choosing import FEW, guess, nearest, suggest


def blobs(sizes, seed=0):
    """(n, 8) features about as many centres as there are sizes, and the centre of each."""
    random = np.random.default_rng(seed)
    centres = 6 * np.eye(len(sizes), 8)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return centres[labels] + random.normal(0, 0.5, (len(labels), 8)), labels


def test_the_first_pictures_stand_for_every_cluster():
    features, labels = blobs([40, 30, 20, 10])
    told = suggest(features, {}, frozenset(), 4)
    assert sorted(labels[told]) == [0, 1, 2, 3]
    assert guess(features, {0: 0}, 1) is None


def test_then_come_those_between_two_classes_with_a_guess():
    features, labels = blobs([30, 30])
    between = len(features)
    features = np.vstack([features, [(features[0] + features[-1]) / 2]])
    known = {place: int(labels[place]) for place in (*range(FEW), *range(30, 30 + FEW))}
    told = suggest(features, known, frozenset(), 3)
    assert told[0] == between
    assert not set(told) & set(known)
    assert guess(features, known, 20)[0] == 0
    assert guess(features, known, 20)[1] > guess(features, known, between)[1] > 0.5


def test_what_is_labelled_or_passed_over_is_not_asked_again_and_all_ends():
    features, _ = blobs([3, 3])
    known, passed = {0: 0, 3: 1}, frozenset({1})
    while told := suggest(features, known, passed, 9):
        assert not {*known, *passed} & set(told)
        known |= dict.fromkeys(told, 0)
    assert set(known) == {0, 2, 3, 4, 5}
    assert suggest(features, dict.fromkeys(range(6), 0), frozenset(), 9) == []


def test_the_nearest_are_of_the_same_kind():
    features, labels = blobs([5, 5])
    assert {labels[place] for place in nearest(features, 0, [1, 2, 5, 6], 2)} == {0}
    assert nearest(features, 0, []) == []
