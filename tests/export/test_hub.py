"""Publishing to the hub and back, over HTTP."""

import json
import shutil

import pytest
import torch
import yaml
from model_hub import model_hub
from safetensors.torch import load
from servers import free_port

from scenelet.bundle.contract import CONTRACT, read_contract
from scenelet.learn.pretrained import open_pretrained

# huggingface_hub's own, of how it calls httpx when it sends a large file
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
ADDRESS, NAME = "hub:somebody/scenes", "somebody/scenes"


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with model_hub(monkeypatch, tmp_path / "hub-cache") as held:
        yield held


@pytest.fixture
def published(hub, shipped_bundle, scenelet):
    done = scenelet("publish", ADDRESS, "--bundle", shipped_bundle, "--data-set", "intel/scenes")
    assert done.code == 0, done.err
    return hub.files[NAME]


@pytest.fixture
def answer(shipped_bundle, scenelet):
    def ask(bundle):
        picture = shipped_bundle / "golden" / "forest-large.jpg"
        done = scenelet("predict", picture, "--bundle", bundle, "--json")
        assert done.code == 0, done.err
        return json.loads(done.out)["probabilities"]

    return ask


def test_what_is_published_answers_as_the_bundle_does(published, answer, shipped_bundle):
    assert answer(ADDRESS) == answer(shipped_bundle)
    for name in (CONTRACT, "model.tflite", "model.onnx"):
        assert published[name] == (shipped_bundle / name).read_bytes()


def test_the_hubs_card_states_licence_data_set_tags_and_metrics_with_intervals(
    published, shipped_bundle
):
    _, front, text = published["README.md"].decode().split("---\n", 2)
    said, contract = yaml.safe_load(front), read_contract(shipped_bundle)
    assert said["license"] == "apache-2.0"
    assert said["datasets"] == ["intel/scenes"]
    assert "litert" in said["tags"]
    metrics = said["model-index"][0]["results"][0]["metrics"]
    accuracy = next(each for each in metrics if each["name"] == "top-1 accuracy")
    measured = contract.figures.top1_accuracy
    assert accuracy["value"] == measured.value
    assert accuracy["args"] == {"confidence": 0.95, "low": measured.low, "high": measured.high}
    assert text.endswith((shipped_bundle / "MODEL_CARD.md").read_text())
    assert f"scenelet predict --bundle {ADDRESS} photo.jpg" in text


def test_the_safetensors_are_the_network_of_the_bundle(published, shipped_bundle):
    sent = load(published["model.safetensors"])
    network = open_pretrained(str(shipped_bundle), "--init").network
    assert sent.keys() == network.state_dict().keys()
    assert all(torch.equal(sent[key], value) for key, value in network.state_dict().items())


def test_a_training_starts_from_a_bundle_of_the_hub(published):
    again = open_pretrained(ADDRESS, "--init")
    assert len(again.class_names) == 6
    assert len(again.trained_on) > 10_000


def test_only_the_files_that_the_contract_lists_are_fetched(hub, published, answer):
    published["run-me.py"] = b"import os"
    answer(ADDRESS)
    fetched = {path.split("/", 5)[-1] for path in hub.asked if "/resolve/" in path}
    assert "model.tflite" in fetched
    assert not fetched & {"run-me.py", "README.md", "model.safetensors"}


def test_a_file_that_was_changed_on_the_hub_is_refused(published, scenelet):
    published["model.tflite"] = published["model.tflite"][:-1] + b"x"
    done = scenelet("predict", "photo.jpg", "--bundle", ADDRESS)
    assert done.code == 1
    assert "model.tflite: checksum differs" in done.err


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("hub:somebody/nothing", "not there, or not for you"),
        ("hub:scenes", "expected hub:OWNER/NAME"),
        ("hub:some body/x", "no name that the hub takes"),
    ],
)
def test_what_is_not_on_the_hub_is_one_line(hub, scenelet, address, told):
    done = scenelet("predict", "photo.jpg", "--bundle", address)
    assert done.code == 1
    assert f"scenelet: {address}: " in done.err
    assert told in done.err
    assert len(done.err.splitlines()) == 1


def test_a_repository_without_a_bundle_is_one_line(hub, scenelet):
    hub.files[NAME] = {"README.md": b"hello"}
    done = scenelet("predict", "photo.jpg", "--bundle", ADDRESS)
    assert (
        done.err
        == f"scenelet: {ADDRESS}: no bundle there ({CONTRACT} is not in it). Name one that `publish` sent.\n"
    )


def test_without_a_token_nothing_is_sent(hub, shipped_bundle, scenelet, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    done = scenelet("publish", ADDRESS, "--bundle", shipped_bundle)
    assert done.code == 1
    assert "the hub refuses. Log in" in done.err
    assert not hub.files


def test_a_wrong_token_is_told_where_nothing_private_is_asked_for(
    published, shipped_bundle, scenelet, monkeypatch
):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    done = scenelet("predict", "photo.jpg", "--bundle", ADDRESS)
    assert done.err == (
        f"scenelet: {ADDRESS}: the hub refuses your token. Log in with `hf auth login`, or set"
        " HF_TOKEN anew.\n"
    )


def test_a_branch_is_made_where_it_is_not_there(hub, shipped_bundle, scenelet):
    done = scenelet("publish", f"{ADDRESS}@try", "--bundle", shipped_bundle)
    assert done.code == 0, done.err
    assert hub.branches == {"main", "try"}


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("somebody/scenes", "expected hub:OWNER/NAME"),
        ("hub:some body/x", "no name that the hub takes"),
    ],
)
def test_an_address_that_is_none_is_one_line_before_anything_is_sent(
    hub, shipped_bundle, scenelet, address, told
):
    done = scenelet("publish", address, "--bundle", shipped_bundle)
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert done.err.startswith(f"scenelet: {address}: {told}")
    assert not hub.files


def test_a_card_that_the_hub_does_not_take_is_one_line(hub, shipped_bundle, scenelet):
    hub.refuses_card.append('"datasets[0]" must be a name')
    done = scenelet("publish", ADDRESS, "--bundle", shipped_bundle)
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert done.err.endswith('- "datasets[0]" must be a name\n')


def test_a_hub_that_is_not_reached_is_one_line(hub, shipped_bundle, scenelet, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{free_port()}")
    done = scenelet("publish", ADDRESS, "--bundle", shipped_bundle)
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert "can't be sent (ConnectError; is the network there?). Nothing there" in done.err


def test_weights_without_a_licence_are_not_published(hub, shipped_bundle, scenelet, tmp_path):
    copy = shutil.copytree(shipped_bundle, tmp_path / "bundle")
    contract = json.loads((copy / CONTRACT).read_text()) | {"licence": "not stated"}
    (copy / CONTRACT).write_text(json.dumps(contract))
    done = scenelet("publish", ADDRESS, "--bundle", copy)
    assert done.code == 1
    assert "its licence is not stated" in done.err
    assert not hub.files
