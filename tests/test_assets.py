"""The small committed bundle that the unit tests ask."""

from scenelet.bundle.contract import read_contract, verify_files
from scenelet.bundle.training_data import read_training_data
from scenelet.dataset.dataset import Dataset

REMAKE = "run scripts/make_test_bundle.py again"


def test_it_is_whole_and_small(bundle):
    verify_files(bundle, read_contract(bundle))
    assert sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file()) < 350_000


def test_it_knows_the_scenes_as_they_are_painted_here(bundle, painted):
    rows = [row for row in Dataset.open(painted).examined().rows if row.split == "train"]
    known = read_training_data(bundle / "training-data.csv")
    assert {row.pixel_hash for row in rows} == set(known), REMAKE


def test_it_is_right_more_often_than_not(bundle):
    assert read_contract(bundle).figures.top1_accuracy.value > 0.5, REMAKE
