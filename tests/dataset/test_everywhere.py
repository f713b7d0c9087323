"""The same 300 pictures, wherever they come from: the same manifest, the same trained bits."""

import numpy as np
import pytest
import torch
from moto_server import enter_account
from PIL import Image
from places import archive, csv, imagefolder, json_lines, label_studio, parquet, s3

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.manifest import write_manifest
from scenelet.learn.pretrained import load_run_network
from scenelet.learn.train import train
from scenelet.runs.recipe import TrainConfig
from scenelet.runs.run import Run

pytestmark = [pytest.mark.pipeline, pytest.mark.aws]
TINY = TrainConfig(
    epochs=1, train_sizes=(32,), input_size=32, storage_size=40, widths=(8, 8), depths=(1, 1),
    batch_size=64, ema_decay=0.9, threads=1, device="cpu", precision="fp32",
)  # fmt: skip
KINDS = (csv, parquet, json_lines, archive, s3, imagefolder, label_studio)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root, rng = tmp_path_factory.mktemp("everywhere") / "photos", np.random.default_rng(7)
    for part, each in (("train", 80), ("test", 20)):
        for kind, label in enumerate(("cat", "dog", "owl")):
            (root / part / label).mkdir(parents=True)
            for number in range(each):
                pixels = rng.integers(0, 160, (24, 32, 3), np.uint8)
                pixels[..., kind] += 90
                Image.fromarray(pixels).save(root / part / label / f"{number}.png")
    return root


@pytest.fixture(scope="module")
def expected(folder, tmp_path_factory):
    return learned(folder, tmp_path_factory.mktemp("expected"))


def learned(place, out):
    """Bytes of the manifest, and the trained weights."""
    torch.set_num_threads(1)
    write_manifest(out / "manifest.csv", Dataset.open(place).examined().rows)
    run = Run(out / "run")
    train(place, TINY, run)
    return (out / "manifest.csv").read_bytes(), load_run_network(run).state_dict()


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_the_same_pictures_give_the_same_manifest_and_the_same_bits(
    folder, expected, make, tmp_path, moto, monkeypatch
):
    moto.reset()
    enter_account(monkeypatch, moto.url, tmp_path)
    monkeypatch.setenv("SCENELET_CACHE", str(tmp_path / "cache"))
    manifest, weights = learned(make(folder), tmp_path)
    assert manifest == expected[0]
    assert manifest.count(b"\n") == 301
    assert weights.keys() == expected[1].keys()
    assert all(torch.equal(weights[name], expected[1][name]) for name in weights)
