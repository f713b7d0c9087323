import numpy as np
import pytest
from scipy.stats import chi2
from sklearn.metrics import roc_auc_score

from scenelet.assess.strangers import (
    Labelled,
    alarm_threshold,
    auroc,
    fit_space,
    left_out_auroc,
    stranger_figures,
)
from scenelet.bundle.contract import read_contract
from scenelet.bundle.litert import Model
from scenelet.bundle.numeric import energies, fit_feature_space
from scenelet.bundle.scores import BOTH, DISTANCE, STRANGER_SCORES, energy
from scenelet.dataset.strangers import paint_strangers, pictures_in
from scenelet.errors import DataError
from scenelet.export.convert import distance_to_litert
from scenelet.images import decode, pixel_hash


def test_auroc_agrees_with_scikit_learn_ties_included():
    rng = np.random.default_rng(0)
    known, strange = rng.integers(0, 20, 300), rng.integers(5, 25, 200)
    expected = roc_auc_score([0] * 300 + [1] * 200, np.r_[known, strange])
    assert auroc(known, strange) == pytest.approx(expected)


def test_the_threshold_lets_one_in_twenty_known_pictures_raise_a_false_alarm():
    rng = np.random.default_rng(1)
    figures = stranger_figures(
        "s", rng.normal(0, 1, 2000), {"far": rng.normal(9, 1, 100), "near": rng.normal(0, 1, 2000)}
    )
    assert figures.false_alarms == pytest.approx(0.05, abs=0.002)
    assert figures.told["far"] == 1
    assert figures.auroc["near"] == pytest.approx(0.5, abs=0.03)


def test_the_threshold_of_few_pictures_is_as_careful_as_they_allow():
    rng, alarms = np.random.default_rng(3), []
    for _ in range(600):
        threshold = alarm_threshold(rng.normal(0, 1, 60))
        alarms.append(float((rng.normal(0, 1, 200) > threshold).mean()))
    assert np.mean(alarms) <= 0.052
    assert alarm_threshold(np.array([1.0, 3.0, 2.0])) == 3.0


def test_a_class_left_out_is_a_stranger_to_what_was_fitted_without_it():
    rng = np.random.default_rng(6)
    labels = np.repeat([0, 1, 2], 60)
    features = rng.normal(0, 1, (180, 5)) + 8 * np.eye(3, 5)[labels]
    logits = 6 * np.eye(3)[labels] + rng.normal(0, 1, (180, 3))
    half = np.arange(180) % 2 == 0
    known, training = (
        Labelled(labels[side], logits[side], features[side]) for side in (half, ~half)
    )
    found = left_out_auroc(STRANGER_SCORES, known, training, 1.0)
    assert found[DISTANCE] > 0.9
    assert found[BOTH] > 0.9
    two = known.where(known.labels < 2, np.array([True, True, False]))
    assert left_out_auroc([DISTANCE], two, two, 1.0) == {DISTANCE: None}


def test_the_score_of_both_is_the_mean_of_both_on_one_scale():
    rng = np.random.default_rng(7)
    logits, features = rng.normal(0, 3, (200, 4)), rng.normal(2, 1, (200, 6))
    space = fit_space(features, logits, features, 0.8)
    both = space.scores(BOTH, logits, features)
    assert both.mean() == pytest.approx(0, abs=1e-4)
    one, other = (
        (space.scores(name, logits, features) - scale.mean) / scale.deviation
        for name, scale in space.scales.items()
    )
    assert both == pytest.approx((one + other) / 2)


def test_the_distance_is_mahalanobis():
    rng = np.random.default_rng(2)
    features = rng.normal(0, 1, (4000, 6)) @ rng.normal(0, 1, (6, 6)) + 3
    space = fit_feature_space(features)
    squared = 6 * space.distances(features) ** 2
    assert np.mean(squared > chi2.ppf(0.95, 6)) == pytest.approx(0.05, abs=0.02)
    far = space.distances(features.mean(0) + 50)
    assert far > space.distances(features).max()


@pytest.mark.pipeline
def test_the_exported_distance_is_the_space_s():
    rng = np.random.default_rng(4)
    space, some = (
        fit_feature_space(rng.normal(0, 2, (90, 8))),
        rng.normal(0, 3, (20, 8)).astype(np.float32),
    )
    model = Model(distance_to_litert(space))
    assert [model.run(each.tobytes())[0][0] for each in some] == pytest.approx(
        space.distances(some), rel=1e-4
    )


def test_one_picture_gets_the_energy_of_many():
    logits = np.random.default_rng(5).normal(0, 9, (20, 6))
    assert [energy(each, 0.7) for each in logits] == pytest.approx(energies(logits, 0.7))


def test_energy_is_the_negative_soft_maximum():
    assert energy(np.array([2.0, 2.0]), 1.0) == pytest.approx(-2 - np.log(2))
    assert energy(np.array([9.0, 0.0]), 0.5) < energy(np.array([1.0, 0.0]), 0.5)


def test_painted_strangers_are_pictures_the_same_for_the_same_seed_and_all_different():
    first, again, other = (paint_strangers(4, seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    hashes = [pixel_hash(decode(data)) for pictures in first.values() for data in pictures]
    assert len(set(hashes)) == len(hashes) == 20


def test_the_shipped_bundle_tells_painted_strangers_and_photographs(shipped_bundle):
    contract = read_contract(shipped_bundle)
    used = contract.strangers[0]
    assert used.merit == max(each.merit for each in contract.strangers)
    assert used.mean_auroc > 0.95
    assert used.left_out > 0.95


def test_any_folder_of_pictures_gives_strangers_whatever_its_layout(tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    pictures = [made for kind in paint_strangers(2).values() for made in kind]
    for number, content in enumerate(pictures):
        place = tmp_path if number % 2 else tmp_path / "deep" / "er"
        (place / f"{number}.png").write_bytes(content)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    assert len(pictures_in(tmp_path)) == len(pictures)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no readable picture"):
        pictures_in(tmp_path / "empty")
