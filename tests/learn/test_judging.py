import numpy as np

from scenelet.cli.train import _of_classes
from scenelet.learn.judging import by_class


def test_each_class_is_counted_for_itself():
    labels = np.array([0, 0, 0, 1, 2])
    logits = np.eye(4)[[0, 0, 1, 1, 0]]
    names = ("a", "b", "rare", "none")
    assert by_class(labels, logits, names) == {
        "a": (2, 3),
        "b": (1, 1),
        "rare": (0, 1),
        "none": (0, 0),
    }


def test_training_ends_with_the_class_that_is_found_least_and_those_too_small_to_tell():
    lines = _of_classes({"sea": (33, 35), "street": (0, 2), "none": (0, 0)})
    assert lines == [
        "worst class: street, 0 of 2 validation images right",
        "mind: fewer than 10 validation images of street: little is known of it",
    ]
    assert _of_classes({}) == []
