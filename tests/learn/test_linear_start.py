import numpy as np
import pytest
import torch
from PIL import Image

from scenelet.assess.explain import GradCam
from scenelet.bundle.contract import read_contract
from scenelet.bundle.runtime import BundleModel
from scenelet.export.steps import Checkpoint, load_network
from scenelet.learn.backbones import BACKBONES
from scenelet.learn.networks import normalise
from scenelet.learn.pretrained import load_run_network, open_pretrained
from scenelet.learn.train import train
from scenelet.runs.recipe import from_values
from scenelet.runs.run import Run

ONCE = ("--init", "lite0", "--set", "head=linear", "--input-size", "32", "--threads", "1")
HEAD = (*ONCE, "--folds", "1")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Stripes that lie or stand, 24 of each: what no mean colour tells apart."""
    folder = tmp_path_factory.mktemp("stripes")
    draw = np.random.default_rng(0)
    for number in range(48):
        wave = 127 + 100 * np.sin(np.arange(40) * draw.uniform(0.5, 1) + draw.uniform(0, 6))
        plane = np.tile(wave, (40, 1)) + draw.normal(0, 15, (40, 40))
        plane = plane if number % 2 else plane.T
        path = folder / ("standing" if number % 2 else "lying") / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.clip(plane, 0, 255).astype(np.uint8)).convert("RGB").save(path)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    pytest.importorskip(BACKBONES["lite0"].package)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture(scope="module")
def head_alone(photos, tmp_path_factory, scenelet):
    """The run of a linear head on a frozen backbone."""
    runs = tmp_path_factory.mktemp("runs")
    flags = (*HEAD, "--epochs", "0", "--val-fraction", "0.25", "--runs", runs, "--name", "r")
    done = scenelet("train", photos, *flags)
    assert done.code == 0, done.err
    return runs / "r"


@pytest.mark.pipeline
def test_a_head_alone_is_a_whole_run_that_knows_the_classes(head_alone):
    result = Run(head_alone).result()
    assert result.val_top1_accuracy > 0.9
    assert (result.best_epoch, result.epochs) == (0, 0)
    backbone = open_pretrained("lite0", "--init").network.state_dict()
    trained = open_pretrained(str(head_alone), "--init").network.state_dict()
    same = [name for name in backbone if not name.startswith("_fc")]
    assert all(torch.equal(backbone[name], trained[name]) for name in same)
    [epoch] = Run(head_alone).history()
    assert 0 < epoch.train_loss < epoch.val_log_loss + 0.5


@pytest.mark.pipeline
def test_a_bundle_of_a_backbone_names_it_its_data_and_its_licence_answers_alike_and_opens_again(
    head_alone, tmp_path, scenelet
):
    done = scenelet("export", head_alone, "--out", tmp_path / "bundle", "--name", "stripes")
    assert done.code == 0, done.err
    card = (tmp_path / "bundle" / "MODEL_CARD.md").read_text()
    assert all(told in card for told in ("EfficientNet-Lite0", "ImageNet", "Apache-2.0"))
    learned = read_contract(tmp_path / "bundle").training.history.init.history.learned_from
    assert learned.sha256 == BACKBONES["lite0"].sha256
    images = normalise(torch.randint(0, 256, (2, 3, 32, 32)).float())
    with torch.inference_mode():
        one, other = (
            open_pretrained(str(place), "--init").network.eval()(images)
            for place in (head_alone, tmp_path / "bundle")
        )
    assert torch.allclose(one, other, atol=1e-4)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    network, served = Checkpoint(load_network(Run(head_alone))), BundleModel(tmp_path / "bundle")
    for found, expected in zip(served.answer(pixels), network.answer(pixels), strict=True):
        assert np.allclose(found, expected, atol=1e-4)
    heat = GradCam(tmp_path / "bundle").heat(pixels, 0)
    assert heat.shape == (1, 1)
    assert heat.min() >= 0


@pytest.mark.pipeline
def test_fine_tuning_begins_with_the_linear_head(photos, tmp_path, scenelet):
    more = (
        "--epochs",
        "1",
        "--learning-rate",
        "1e-7",
        "--set",
        "train_sizes=32",
        "--runs",
        tmp_path,
    )
    done = scenelet("train", photos, *HEAD, *more, "--set", "batch_size=8", "--name", "r")
    assert done.code == 0, done.err
    assert Run(tmp_path / "r").result().val_top1_accuracy > 0.9


@pytest.mark.pipeline
def test_a_head_of_all_pictures_is_judged_by_heads_that_saw_some(photos, tmp_path, scenelet):
    flags = (*ONCE, "--epochs", "0", "--folds", "3", "--runs", tmp_path, "--name", "r")
    done = scenelet("train", photos, *flags)
    assert done.code == 0, done.err
    assert "a linear head alone" in done.err
    assert ", a linear head, " in done.out
    assert "epoch" not in done.out
    result = Run(tmp_path / "r").result()
    assert (result.folds, result.validation_images) == (3, 48)
    assert result.val_top1_accuracy > 0.9
    assert Run(tmp_path / "r").history()[0].val_log_loss is None
    assert open_pretrained(str(tmp_path / "r"), "--init").class_names == ("lying", "standing")


def test_no_epochs_without_a_linear_head_is_refused(photos, tmp_path, scenelet):
    done = scenelet("train", photos, "--init", "none", "--epochs", "0", "--runs", tmp_path)
    assert done.code == 1
    assert "--epochs 0: expected a linear head" in done.err


@pytest.mark.pipeline
def test_fine_tuning_that_was_cut_short_ends_with_the_same_bits(photos, tmp_path):
    class StoppedError(Exception):
        pass

    def stop(epoch, metrics):
        raise StoppedError

    values = {
        "init": "lite0",
        "head": "linear",
        "epochs": 2,
        "train_sizes": (32,),
        "input_size": 32,
        "storage_size": 40,
        "batch_size": 8,
        "batch_norm": "held",
        "held_part": 0.18,
        "val_fraction": 0.25,
        "folds": 1,
        "threads": 1,
    }
    config = from_values(values, "test")
    undisturbed, stopped = Run(tmp_path / "undisturbed"), Run(tmp_path / "stopped")
    train(photos, config, undisturbed)
    with pytest.raises(StoppedError):
        train(photos, config, stopped, watch=stop)
    train(photos, config, stopped)
    one, other = (load_run_network(run).state_dict() for run in (undisturbed, stopped))
    assert all(torch.equal(one[name], other[name]) for name in one)
    backbone = open_pretrained("lite0", "--init").network.state_dict()
    still = [name for name in one if name.endswith(("running_mean", "running_var"))]
    assert all(torch.equal(one[name], backbone[name]) for name in still)
