"""Which pictures to label next: first those that stand for many, then those that are in doubt.

Knows nothing of pictures or pages: features in, places out.

Source: typical first, Hacohen et al. 2022 (TypiClust); margins spread over clusters, Citovsky et
al. 2021 (Cluster-Margin).
"""

from collections.abc import Callable, Mapping

import numpy as np

from scenelet.explore.layout import unit_length

FEW = 8  # labels a class: until then a head knows too little to doubt
KIN, STRENGTH = 20, 0.01  # neighbours that tell how typical a picture is, and the C of the head
DOUBTED = 5  # times as many doubted pictures as are asked for are spread over clusters
MOST = 20_000  # pictures that are looked at, drawn evenly from more


def suggest(
    features: np.ndarray, labels: Mapping[int, int], passed: frozenset[int], count: int
) -> list[int]:
    """The pictures to label next, the most useful first.

    Args:
        features: (n, features) of all pictures.
        labels: Class of each picture that has one.
        passed: Places that somebody passed over: not asked again.
        count: How many to suggest at most; at least one, as long as there is any.

    Returns:
        Places among the features.
    """
    free = np.array([place for place in range(len(features)) if place not in {*labels, *passed}])
    if not len(free):
        return []
    flat = _normal(features)
    classes = sorted(set(labels.values()))
    answers = _answers(features, labels, classes, free)
    if answers is None or len(labels) < FEW * len(classes):
        chosen = _typical(flat, list(labels), free, count)
    else:
        chosen = _doubted(flat, answers, free, count)
    return [int(free[place]) for place in chosen]


def guess(features: np.ndarray, labels: Mapping[int, int], place: int) -> tuple[int, float] | None:
    """The class that a picture is taken for, and its probability; None of fewer than two classes.

    Args:
        features: (n, features) of all pictures.
        labels: Class of each picture that has one.
        place: Of the picture.
    """
    classes = sorted(set(labels.values()))
    answers = _answers(features, labels, classes, np.array([place]))
    if answers is None:
        return None
    return classes[int(answers[0].argmax())], float(answers[0].max())


def _answers(
    features: np.ndarray, labels: Mapping[int, int], classes: list[int], free: np.ndarray
) -> np.ndarray | None:
    """(free, classes) probabilities by a head of what is labelled; None of one class."""
    if len(classes) < 2:
        return None
    places = list(labels)
    targets = np.array([classes.index(labels[place]) for place in places])
    return head_of(features[places], targets)(features[free])


def head_of(features: np.ndarray, labels: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A linear head: (m, features) to (m, classes) probabilities.

    Args:
        features: (n, features) to learn from.
        labels: (n,) class indices, each of them there.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    head = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTH, max_iter=200))
    answer: Callable[[np.ndarray], np.ndarray] = head.fit(features, labels).predict_proba
    return answer


def _typical(flat: np.ndarray, labelled: list[int], free: np.ndarray, count: int) -> list[int]:
    """Of as many clusters as there will be labels, the most typical of the largest without one."""
    from sklearn.cluster import KMeans

    clusters = min(len(free), len(labelled) + count)
    everything = np.concatenate([flat[free], flat[labelled]])
    cluster = KMeans(clusters, n_init=1, random_state=0).fit_predict(everything)
    of_free, taken = cluster[: len(free)], set(cluster[len(free) :].tolist())
    sizes = np.bincount(of_free, minlength=clusters)
    order = sorted(range(clusters), key=lambda each: (each in taken, -sizes[each]))
    found = [
        int(inside[_densest(flat[free[inside]])])
        for each in order
        if len(inside := np.flatnonzero(of_free == each))
    ]
    return found[:count]


def _densest(points: np.ndarray) -> int:
    """The place whose neighbours are nearest."""
    likeness = points @ points.T
    kin = min(KIN, len(points))
    return int(np.sort(likeness, 1)[:, -kin:].mean(1).argmax())


def _doubted(flat: np.ndarray, answers: np.ndarray, free: np.ndarray, count: int) -> list[int]:
    """Of those with the smallest margin between two classes, one of each cluster."""
    from sklearn.cluster import KMeans

    ranked = np.sort(answers, 1)
    margins = ranked[:, -1] - ranked[:, -2]
    doubted = margins.argsort()[: DOUBTED * count]
    clusters = min(count, len(doubted))
    cluster = KMeans(clusters, n_init=1, random_state=0).fit_predict(flat[free[doubted]])
    first = {
        int(group): int(place) for place, group in zip(doubted[::-1], cluster[::-1], strict=True)
    }
    return sorted(first.values(), key=lambda place: margins[place])


def _normal(features: np.ndarray) -> np.ndarray:
    """(n, features) of length 1, about their mean: their products are likenesses."""
    return unit_length(features - features.mean(0))


def nearest(features: np.ndarray, place: int, among: list[int], count: int = 3) -> list[int]:
    """The pictures most like one, the likest first.

    Args:
        features: (n, features) of all pictures.
        place: Of the one.
        among: Places to choose from.
        count: How many.
    """
    if not among:
        return []
    flat = _normal(features)
    likeness = flat[among] @ flat[place]
    return [among[each] for each in (-likeness).argsort()[:count]]
