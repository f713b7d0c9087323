import time

import numpy as np
import pytest

from scenelet.dataset.row import Row
from scenelet.explore.labels import (
    doubt_labels,
    out_of_fold_probabilities,
    ranked,
    too_few,
)


def rows_of(counts, series=0):
    """So many pictures of each class; in series of so many, if said."""
    return [
        Row(
            f"{label}/{n}",
            label,
            pixel_hash=f"{label}-{n}",
            group=f"{label}-{n // series}" if series else "",
        )
        for label, count in counts.items()
        for n in range(count)
    ]


def test_small_classes_are_named_and_the_others_judged():
    assert too_few(rows_of({"a": 20, "b": 20, "rare": 9})) == {
        "rare": "9 different pictures, 10 needed"
    }


def test_a_class_that_is_one_series_is_not_judged_by_a_head_that_never_saw_it():
    rows = [*rows_of({"a": 20, "b": 20}), *rows_of({"one": 20}, series=20)]
    assert too_few(rows) == {"one": "1 series of like pictures, 5 needed"}


def test_a_class_alone_is_judged_against_nothing():
    assert list(too_few(rows_of({"a": 20}))) == ["a"]
    assert list(too_few(rows_of({"a": 20, "b": 3}))) == ["a", "b"]


@pytest.mark.parametrize("classes", [6, 200])
def test_flipped_labels_are_doubted_first_and_soon(classes):
    random = np.random.default_rng(0)
    middles = random.normal(size=(classes, 64))
    true = np.repeat(np.arange(classes), 12)
    embeddings = middles[true] + random.normal(size=(len(true), 64))
    flipped = random.choice(len(true), max(3, len(true) // 50), replace=False)
    given = true.copy()
    given[flipped] = (given[flipped] + 1) % classes
    rows = [Row(f"{n}", f"k{label}", pixel_hash=f"{n}") for n, label in enumerate(given)]
    start_s = time.process_time()
    judged = doubt_labels(rows, *out_of_fold_probabilities(embeddings.astype(np.float32), rows))
    assert time.process_time() - start_s < 5
    first = set(ranked(judged)[: 2 * len(flipped)])
    assert len(first & set(flipped.tolist())) >= 0.8 * len(flipped)
