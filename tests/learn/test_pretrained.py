import json
import shutil
import zlib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
import torch
from commands import QUICK_FLAGS, run_process
from servers import serving

from scenelet.artefacts import write_json
from scenelet.bundle.contract import CONTRACT, TRAINING_DATA, sha256
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.load import load_pixels
from scenelet.dataset.row import Row
from scenelet.dataset.scenes import jpeg, paint_scene
from scenelet.errors import BundleTamperedError, ConfigError
from scenelet.images import PreprocessSpec
from scenelet.learn.job import Sources
from scenelet.learn.networks import build_network, head_name, normalise, parameter_groups
from scenelet.learn.pretrained import open_pretrained, refuse_leak, require_size, start_from
from scenelet.runs.recipe import TrainConfig
from scenelet.runs.run import Run

CLASSES, SPEC = ("my-glacier", "my-mountain", "my-street"), PreprocessSpec(128, 128)
IMAGES = torch.randint(0, 256, (3, 3, 96, 96), generator=torch.Generator().manual_seed(0)).float()


@pytest.fixture(scope="module")
def hub_folder(tmp_path_factory):
    """A small image classifier of our own in the hub's format.

    Four classes, pixels scaled to mean 0.5 and deviation 0.25.
    """
    from transformers import AutoModelForImageClassification, ResNetConfig

    torch.manual_seed(3)
    folder = tmp_path_factory.mktemp("hub") / "someone" / "tiny-net"
    config = ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", num_labels=4
    )
    AutoModelForImageClassification.from_config(config).save_pretrained(folder)
    scaling = {
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.25, 0.25, 0.25],
        "size": {"height": 64, "width": 64},
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(scaling))
    return folder


class HubStandIn(SimpleHTTPRequestHandler):
    """Answers as the hub does.

    OWNER/NAME/resolve/main/FILE, with the headers that its clients look for.
    """

    asked: ClassVar[list[str]] = []

    def translate_path(self, path):
        self.asked.append(path)
        return super().translate_path(path.replace("/resolve/main", ""))

    def end_headers(self):
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header(
            "ETag", f'"{zlib.crc32(self.path.encode()):08x}"'
        )  # the client's cache knows files by it
        super().end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(hub_folder):
    """The hub on loopback."""
    HubStandIn.asked = []
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(HubStandIn, directory=hub_folder.parents[1])
    )
    with serving(server):
        yield f"http://127.0.0.1:{server.server_port}"


def logits(network):
    with torch.inference_mode():
        return network.eval()(normalise(IMAGES))


@pytest.mark.pipeline
def test_a_run_and_its_bundle_open_as_the_same_network(run_folder, exported):
    from_run, from_bundle = (
        open_pretrained(str(run_folder), "--init"),
        open_pretrained(str(exported), "--init"),
    )
    assert torch.allclose(logits(from_run.network), logits(from_bundle.network), atol=1e-4)
    assert from_run.class_names == from_bundle.class_names
    assert from_run.trained_on == from_bundle.trained_on
    trained = [row for row in Run(run_folder).rows() if row.split == "train"]
    assert from_run.trained_on == {row.pixel_hash: row.perceptual_hash for row in trained}
    assert all(from_run.trained_on.values()), "copies are known too"


def test_a_folder_in_the_hubs_format_answers_as_transformers_does(hub_folder):
    from transformers import AutoModelForImageClassification

    reference = AutoModelForImageClassification.from_pretrained(hub_folder).eval()
    with torch.inference_mode():
        expected = reference((IMAGES / 255 - 0.5) / 0.25).logits
    assert torch.allclose(
        logits(open_pretrained(str(hub_folder), "--init").network), expected, atol=1e-4
    )


@pytest.mark.pipeline
def test_training_starts_from_the_hub_over_http_and_exports(hub, painted, tmp_path, scenelet):
    env = {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_XET": "1"}
    flags = (
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
    done = run_process("train", painted, "--init", "hub:someone/tiny-net", *flags, env=env)
    assert done.code == 0, done.err
    assert any(path.endswith("model.safetensors") for path in HubStandIn.asked)
    network = Run(tmp_path / "r").network()
    assert network["architecture"]["network"] == "transformers"
    assert network["init"]["origin"] == "hub:someone/tiny-net"
    exported = scenelet("export", tmp_path / "r", "--out", tmp_path / "bundle")
    assert exported.code == 0, exported.err
    again = open_pretrained(str(tmp_path / "bundle"), "--init")
    assert torch.allclose(
        logits(again.network),
        logits(open_pretrained(str(tmp_path / "r"), "--init").network),
        atol=1e-4,
    )


def test_a_damaged_model_file_is_one_line(hub_folder, painted, tmp_path, scenelet):
    copy = shutil.copytree(hub_folder, tmp_path / "net")
    (copy / "model.safetensors").write_bytes(b"\xff" * 100)
    done = scenelet("train", painted, "--init", copy, *QUICK_FLAGS, "--runs", tmp_path / "runs")
    assert done.code == 1
    assert "can't be loaded as an image classifier" in done.err.splitlines()[-1]


@pytest.mark.pipeline
def test_a_name_that_the_hub_does_not_know_is_one_line(hub, painted, tmp_path):
    env = {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_DISABLE_XET": "1"}
    done = run_process(
        "train",
        painted,
        "--init",
        "hub:someone/other",
        *QUICK_FLAGS,
        "--runs",
        tmp_path / "runs",
        env=env,
    )
    assert done.code == 1
    assert "--init hub:someone/other: can't be loaded" in done.err.splitlines()[-1]
    assert done.err.count("scenelet:") == 1
    assert not (tmp_path / "runs").exists()


def test_a_start_keeps_the_body_and_the_head_only_for_the_same_classes(bundle):
    pretrained = open_pretrained(str(bundle), "--init")
    same, other = (
        start_from(pretrained, pretrained.class_names),
        start_from(pretrained, ("cats", "dogs")),
    )
    assert torch.equal(logits(same), logits(pretrained.network))
    assert logits(other).shape == (3, 2)
    head = head_name(other) + "."
    old, new = pretrained.network.state_dict(), other.state_dict()
    assert all(torch.equal(new[name], old[name]) for name in new if not name.startswith(head))


def test_a_changed_bundle_is_refused(bundle, tmp_path):
    copy = shutil.copytree(bundle, tmp_path / "bundle")
    with open(copy / "model.onnx", "ab") as file:
        file.write(b"x")
    with pytest.raises(BundleTamperedError):
        open_pretrained(str(copy), "--init")


def test_what_is_no_network_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="found no run, bundle or model folder"):
        open_pretrained(str(tmp_path), "--teacher")


def test_a_teacher_that_is_not_there_is_told_before_a_picture_is_read(scenelet, painted):
    done = scenelet("train", painted, "--teacher", "nope")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("scenelet: --teacher nope: found no run, bundle or model folder")


def test_a_network_that_saw_the_validation_images_is_refused(bundle):
    pretrained = open_pretrained(str(bundle), "--init")
    seen = Row("a.jpg", "sea", "val", pixel_hash=next(iter(pretrained.trained_on)))
    refuse_leak(pretrained, [], [Row("b.jpg", "sea", "val", pixel_hash="new")], "--init")
    with pytest.raises(ConfigError, match="trained on 1 of the 1 validation images"):
        refuse_leak(pretrained, [], [seen], "--init")


def test_a_network_that_saw_copies_of_the_validation_images_is_refused(bundle):
    pretrained = open_pretrained(str(bundle), "--init")
    pixels, shown = next(pair for pair in pretrained.trained_on.items() if pair[1])
    other_bits = f"{int(shown, 16) ^ 0b1011:032x}"
    copy = Row("a.jpg", "sea", "val", pixel_hash="new", perceptual_hash=other_bits)
    with pytest.raises(ConfigError, match=r"trained on 1 of the 1 .* \(1 of them saved again\)"):
        refuse_leak(pretrained, [], [copy], "--init")
    twin = Row("b.jpg", "sea", "train", pixel_hash=pixels, perceptual_hash=shown)
    refuse_leak(pretrained, [twin], [copy], "--init")


def test_a_size_that_the_network_does_not_take_is_refused(tmp_path):
    from transformers import AutoModelForImageClassification, ViTConfig

    sizes = {
        "hidden_size": 16,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
    }
    vit = AutoModelForImageClassification.from_config(
        ViTConfig(**sizes, image_size=32, patch_size=16, num_labels=3)
    )
    vit.save_pretrained(tmp_path / "vit")
    pretrained = open_pretrained(str(tmp_path / "vit"), "--init")
    require_size(pretrained, (32, 32))
    with pytest.raises(ConfigError, match="takes no images of 64 pixels"):
        require_size(pretrained, (32, 64))


def test_early_layers_learn_more_slowly_than_late_ones_and_the_head():
    network = build_network({"network": "plain", "widths": [8, 8, 8, 8], "depths": [1, 1, 1, 1]}, 3)
    groups = parameter_groups(network, 0.1, 0.05, early_rate=0.1)
    rates = {id(parameter): group["lr"] for group in groups for parameter in group["params"]}
    in_order = [rates[id(parameter)] for parameter in network.parameters()]
    assert in_order == sorted(in_order)
    assert in_order[0] == pytest.approx(0.01)
    assert in_order[-1] == 0.1
    assert {group["weight_decay"] for group in parameter_groups(network, 0.1, 0.05)} == {0.0, 0.05}
    assert {group["lr"] for group in parameter_groups(network, 0.1, 0.05)} == {0.1}


@pytest.mark.pipeline
def test_in_the_first_epochs_of_a_transfer_only_the_head_moves(painted, bundle, tmp_path, scenelet):
    flags = (
        *QUICK_FLAGS,
        "--set",
        "head_epochs=3",
        "--init",
        bundle,
        "--runs",
        tmp_path,
        "--name",
        "r",
    )
    three = tmp_path / "three"
    for name in ("sea", "forest", "street"):
        shutil.copytree(painted / "seg_train" / name, three / f"my-{name}")
    done = scenelet("train", three, *flags, "--seed", "5", "--val-fraction", "0.5")
    assert done.code == 1  # these very pictures trained the bundle
    assert "validation images, so the figures would flatter" in done.err
    fresh = tmp_path / "fresh"
    assert scenelet("data", "paint", fresh, "--per-class", "12", "--seed", "9").code == 0
    done = scenelet("train", fresh, *flags)
    assert done.code == 0, done.err
    before, after = (
        open_pretrained(str(bundle), "--init").network,
        open_pretrained(str(tmp_path / "r"), "--init").network,
    )
    head = head_name(after) + "."
    for name, tensor in after.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.allclose(tensor, before.state_dict()[name], atol=1e-5) == (
                not name.startswith(head)
            ), name


def test_the_shipped_bundle_opens_as_a_network(shipped_bundle):
    pretrained = open_pretrained(str(shipped_bundle), "--init")
    assert len(pretrained.class_names) == 6
    assert logits(pretrained.network).shape == (3, 6)


@pytest.mark.pipeline
def test_three_classes_of_thirty_pictures_learn_far_better_from_the_shipped_bundle_than_from_nothing(
    tmp_path, shipped_bundle, scenelet
):
    for seed, folder, per_class in ((30_000, "photos", 30), (40_000, "unseen", 80)):
        for name in ("glacier", "mountain", "street"):
            place = tmp_path / folder / f"my-{name}"
            place.mkdir(parents=True)
            for number in range(per_class):
                (place / f"{number}.jpg").write_bytes(jpeg(paint_scene(name, seed + number)))
    errors = {}
    for name, start in (("scratch", ()), ("started", ("--init", shipped_bundle))):
        flags = (
            "--recipe",
            "transfer",
            "--epochs",
            "6",
            "--folds",
            "1",
            "--threads",
            "1",
            "--runs",
            tmp_path,
            "--name",
            name,
        )
        done = scenelet("train", tmp_path / "photos", *flags, *start)
        assert done.code == 0, done.err
        network = open_pretrained(str(tmp_path / name), "--init").network
        pixels = load_pixels(Dataset.open(tmp_path / "unseen"), CLASSES, SPEC)
        with torch.inference_mode():
            answers = network.eval()(
                normalise(torch.from_numpy(pixels.images).permute(0, 3, 1, 2))
            ).argmax(1)
        errors[name] = int((answers != torch.from_numpy(pixels.labels)).sum())
    assert errors["started"] < 0.6 * errors["scratch"], errors
    assert errors["started"] < 0.06 * 240, errors


def test_what_the_ancestors_learned_counts_as_learned(bundle, tmp_path):
    grown = shutil.copytree(bundle, tmp_path / "grown")
    listed = (grown / TRAINING_DATA).read_text() + f"{'f' * 32},inherited\n"
    (grown / TRAINING_DATA).write_text(listed)
    contract = json.loads((grown / CONTRACT).read_text())
    contract["sha256"][TRAINING_DATA] = sha256(listed.encode())
    (grown / CONTRACT).write_text(json.dumps(contract))
    parent = open_pretrained(str(grown), "--init")
    assert "f" * 32 in parent.trained_on
    described = Sources(None, [parent]).described(TrainConfig())
    assert described["inherited"] == parent.trained_on
    earlier = Run(tmp_path / "earlier")
    earlier.folder.mkdir()
    write_json(earlier.folder / "network.json", {"inherited": ["f" * 32]})
    assert earlier.inherited() == {"f" * 32: ""}
