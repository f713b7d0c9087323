"""On the real Intel scenes images; skipped where they are not at hand."""

import json

import pytest

from scenelet.bundle.contract import read_contract
from scenelet.dataset.dataset import Dataset

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def sample(real_images, tmp_path_factory):
    """Twenty real images of each class, linked, not copied."""
    folder = tmp_path_factory.mktemp("real") / "sample"
    for place in sorted(real_images.iterdir()):
        (folder / place.name).mkdir(parents=True)
        for source in sorted(place.iterdir())[:20]:
            (folder / place.name / source.name).symlink_to(source.resolve())
    return folder


def test_all_real_images_are_found(real_images):
    found = Dataset.open(real_images)
    assert len(found) == 14_034
    assert {row.split for row in found.rows} == {"train"}


def test_real_images_are_all_usable(sample):
    found = Dataset.open(sample).examined()
    assert len(found) == 120
    assert not found.excluded


def test_real_images_go_the_whole_way(sample, tmp_path, scenelet):
    trained = scenelet(
        "train",
        sample,
        "--recipe",
        "quick",
        "--epochs",
        "1",
        "--threads",
        "1",
        "--runs",
        tmp_path,
        "--name",
        "r",
    )
    assert trained.code == 0, trained.err
    exported = scenelet("export", tmp_path / "r", "--out", tmp_path / "b", "--json")
    assert exported.code == 0, exported.err
    assert json.loads(exported.out)["parity"]["differences"]["checkpoint - LiteRT"] < 1e-3
    predicted = scenelet("predict", "--bundle", tmp_path / "b", sample / "sea", "--json")
    assert len(predicted.out.splitlines()) == 20


def test_the_shipped_bundle_knows_its_held_out_images(real_images, shipped_bundle, scenelet):
    done = scenelet("evaluate", shipped_bundle, real_images, "--json")
    assert done.code == 0, done.err
    figures, recorded = json.loads(done.out), read_contract(shipped_bundle).figures.as_dict()
    assert figures["part"] == "val"
    assert figures["confusion_matrix"] == recorded["confusion_matrix"]
    assert figures["top1_accuracy"] == recorded["top1_accuracy"]
    assert figures["top1_accuracy"]["low"] > 0.85
