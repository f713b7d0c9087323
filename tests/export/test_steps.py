import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from scenelet.bundle.contract import read_contract
from scenelet.bundle.numeric import softmax
from scenelet.bundle.runtime import BundleModel
from scenelet.errors import ParityError
from scenelet.export.convert import ServingNetwork, to_litert, to_onnx
from scenelet.export.formats import FORMATS, litert_logits, onnx_logits
from scenelet.export.golden import golden_files, nasty_files
from scenelet.export.parity import Candidate, checkpoint_logits, measure_parity
from scenelet.export.steps import ExportOptions, load_network, open_material
from scenelet.images import to_input
from scenelet.learn.pretrained import load_run_network, open_pretrained
from scenelet.runs.run import Run
from scenelet.serve.predictor import Predictor

pytestmark = pytest.mark.pipeline


def test_checkpoint_litert_and_onnx_agree_from_raw_bytes(run_folder, bundle):
    network, spec = load_network(Run(run_folder)), read_contract(bundle).preprocess
    group = [Candidate("checkpoint", checkpoint_logits(network))]
    group += [
        Candidate(each.name, each.logits((bundle / each.file).read_bytes())) for each in FORMATS
    ]
    parity = measure_parity([group], nasty_files().values(), spec)
    assert parity.worst < 1e-4
    assert parity.images == len(nasty_files())


def test_parity_is_recorded_and_printed(bundle):
    assert read_contract(bundle).parity.images >= len(nasty_files())
    said = (bundle.parent / "said.txt").read_text()
    assert "checkpoint - LiteRT" in said
    assert said.splitlines()[-2] == f"wrote bundle: {bundle}"


def test_models_that_disagree_are_refused(run_folder, bundle):
    network, spec = load_network(Run(run_folder)), read_contract(bundle).preprocess
    sound = to_litert(network, spec.width)
    with torch.no_grad():
        next(network.network.parameters()).mul_(1.02)
    changed = Candidate("checkpoint", checkpoint_logits(network))
    onnx = Candidate("ONNX", onnx_logits(to_onnx(network, spec.width)))
    files = golden_files().values()
    assert measure_parity([[changed, onnx]], files, spec).worst < 1e-4
    group = [changed, Candidate("LiteRT", litert_logits(sound)), onnx]
    with pytest.raises(
        ParityError, match=r"^checkpoint and LiteRT disagree: found .*, expected at most 0\.001"
    ):
        measure_parity([group], files, spec)


def test_not_a_number_is_no_parity(bundle):
    spec = read_contract(bundle).preprocess
    group = [Candidate(name, lambda _: np.full(6, np.nan)) for name in ("one", "other")]
    with pytest.raises(ParityError):
        measure_parity([group], [golden_files()["buildings.jpg"]], spec)


def test_conversion_is_repeatable_whatever_the_memory_format(run_folder):
    network = load_network(Run(run_folder))
    first = to_litert(network, 64)
    twin = load_run_network(Run(run_folder)).to(memory_format=torch.channels_last)
    assert to_litert(ServingNetwork(twin), 64) == first


def test_golden_images_answer_as_recorded(bundle):
    model = BundleModel(bundle)
    for golden in model.contract.golden:
        values = softmax(
            model.logits(to_input((bundle / golden.file).read_bytes(), model.contract.preprocess)),
            model.contract.temperature,
        )
        assert list(golden.probabilities.values()) == pytest.approx(list(values), abs=1e-5)


def test_onnx_takes_any_number_of_images(bundle):
    import onnxruntime

    session = onnxruntime.InferenceSession(bundle / "model.onnx")
    spec = read_contract(bundle).preprocess
    for count in (1, 5):
        assert session.run(
            None, {"images": np.zeros((count, spec.height, spec.width, 3), np.uint8)}
        )[0].shape == (count, 6)


def test_the_card_states_accuracy_with_interval_and_how_it_was_trained(run_folder, bundle):
    card, figures = (bundle / "MODEL_CARD.md").read_text(), read_contract(bundle).figures
    assert f"**{figures.top1_accuracy.percent}**, 95 % interval" in card
    environment = json.loads((run_folder / "environment.json").read_text())
    command = " ".join(environment["command"])
    assert f"- Command: `{command}`" in card
    assert "No test split was looked at" in card


def test_a_guessing_model_answers_nothing_and_its_card_says_so(tmp_path, scenelet):
    rng = np.random.default_rng(0)
    for label in ("heads", "tails"):
        (tmp_path / "coins" / label).mkdir(parents=True)
        for number in range(24):
            noise = Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8))
            noise.save(tmp_path / "coins" / label / f"{number}.png")
    flags = ("--recipe", "quick", "--epochs", "1", "--threads", "1", "--val-fraction", "0.5")
    trained = scenelet("train", tmp_path / "coins", *flags, "--runs", tmp_path, "--name", "run")
    assert trained.code == 0, trained.err
    made = scenelet("export", tmp_path / "run", "--out", tmp_path / "b")
    assert made.code == 0, made.err
    answer = Predictor(tmp_path / "b").predict((tmp_path / "coins/heads/0.png").read_bytes())
    assert read_contract(tmp_path / "b").abstain_below > 1
    assert answer.abstains
    assert "it always abstains" in (tmp_path / "b" / "MODEL_CARD.md").read_text()


def test_a_run_without_its_result_is_refused(run_folder, tmp_path, scenelet):
    copy = shutil.copytree(run_folder, tmp_path / "run")
    (copy / "result.json").unlink()
    done = scenelet("export", copy, "--out", tmp_path / "b")
    assert done.code == 1
    assert "no complete run here (result.json missing" in done.err
    assert not (tmp_path / "b").exists()


def test_a_data_folder_that_moved_is_asked_for(run_folder, bundle, painted, tmp_path, scenelet):
    copy = shutil.copytree(run_folder, tmp_path / "run")
    path = copy / "data.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "source": "elsewhere"}))
    done = scenelet("export", copy, "--out", tmp_path / "b")
    assert done.code == 1
    assert "Say where they are now with --data FOLDER" in done.err
    material = open_material(Run(copy), ExportOptions("b", data=painted))
    assert len(material.judged) == read_contract(bundle).figures.images


def test_an_unwritable_place_leaves_nothing(run_folder, tmp_path, scenelet):
    (tmp_path / "file").touch()
    done = scenelet("export", run_folder, "--out", tmp_path / "file" / "b")
    assert done.code == 1
    assert "can't write: a part of this path is a file" in done.err.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_mirrored_export_gives_a_picture_and_its_mirror_image_the_same_answer(
    run_folder, bundle, tmp_path, scenelet
):
    done = scenelet("export", run_folder, "--out", tmp_path / "mirrored", "--mirror")
    assert done.code == 0, done.err
    model = BundleModel(tmp_path / "mirrored")
    assert model.contract.mirrored
    assert not read_contract(bundle).mirrored
    again = open_pretrained(str(tmp_path / "mirrored"), "--init").network.state_dict()
    for name, value in load_run_network(Run(run_folder)).state_dict().items():
        assert name.endswith("num_batches_tracked") or torch.allclose(again[name], value), name
    pixels = to_input(
        (tmp_path / "mirrored" / "golden" / "buildings.jpg").read_bytes(), model.contract.preprocess
    )
    flipped = np.ascontiguousarray(pixels[:, :, ::-1])
    assert np.allclose(model.logits(pixels), model.logits(flipped), atol=1e-4)
    plain = checkpoint_logits(load_network(Run(run_folder)))
    assert np.allclose(model.logits(pixels), (plain(pixels) + plain(flipped)) / 2, atol=1e-4)
