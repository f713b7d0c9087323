import numpy as np
import pytest
from scipy.stats import chi2
from sklearn.metrics import roc_auc_score

from scenelet.assess.strangers import auroc, stranger_figures
from scenelet.bundle.features import energy, fit_feature_space, read_feature_space
from scenelet.data.strangers import paint_strangers
from scenelet.errors import BundleFormatError
from scenelet.images import decode, pixel_hash


def test_auroc_agrees_with_scikit_learn_ties_included():
    rng = np.random.default_rng(0)
    known, strange = rng.integers(0, 20, 300), rng.integers(5, 25, 200)
    expected = roc_auc_score([0] * 300 + [1] * 200, np.r_[known, strange])
    assert auroc(known, strange) == pytest.approx(expected)


def test_the_threshold_lets_one_in_twenty_known_pictures_raise_a_false_alarm():
    rng = np.random.default_rng(1)
    figures = stranger_figures("s", rng.normal(0, 1, 2000), {"far": rng.normal(9, 1, 100), "near": rng.normal(0, 1, 2000)})
    assert figures.false_alarms == pytest.approx(0.05, abs=0.002)
    assert figures.told["far"] == 1
    assert figures.auroc["near"] == pytest.approx(0.5, abs=0.03)


def test_the_distance_is_mahalanobis():
    rng = np.random.default_rng(2)
    features = rng.normal(0, 1, (4000, 6)) @ rng.normal(0, 1, (6, 6)) + 3
    space = fit_feature_space(features)
    squared = 6 * space.distance(features) ** 2
    assert np.mean(squared > chi2.ppf(0.95, 6)) == pytest.approx(0.05, abs=0.02)
    far = space.distance(features.mean(0) + 50)
    assert far > space.distance(features).max()


def test_the_feature_space_survives_its_file():
    space = fit_feature_space(np.random.default_rng(3).normal(0, 1, (50, 8)))
    again = read_feature_space(space.to_bytes(), "features.npy")
    assert np.array_equal(space.mean, again.mean)
    assert np.array_equal(space.whitening, again.whitening)
    with pytest.raises(BundleFormatError, match="not the features of a bundle"):
        read_feature_space(b"hello", "features.npy")


def test_energy_is_the_negative_soft_maximum():
    assert energy(np.array([2.0, 2.0]), 1.0) == pytest.approx(-2 - np.log(2))
    assert energy(np.array([9.0, 0.0]), 0.5) < energy(np.array([1.0, 0.0]), 0.5)


def test_painted_strangers_are_pictures_the_same_for_the_same_seed_and_all_different():
    first, again, other = (paint_strangers(4, seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    hashes = [pixel_hash(decode(data)) for pictures in first.values() for data in pictures]
    assert len(set(hashes)) == len(hashes) == 20


def test_the_shipped_bundle_tells_strangers_better_by_feature_distance_than_by_energy(shipped_bundle):
    import json

    tried = json.loads((shipped_bundle / "bundle.json").read_text())["thresholds"]["strangers"]
    by_name = {each["score"]: each["mean_auroc"] for each in tried}
    assert by_name["feature distance"] > by_name["energy"]
    assert tried[0]["score"] == "feature distance"
