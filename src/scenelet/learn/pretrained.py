"""Networks that already know something: a backbone, or of a run, a bundle, a hub.

They are the teachers of `--teacher` and the starts of `--init`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from scenelet.bundle.contract import CONTRACT, ONNX, TRAINING_DATA, read_contract, verify_files
from scenelet.bundle.hub import HUB, fetch_bundle
from scenelet.bundle.plain import as_plain
from scenelet.bundle.training_data import read_learned
from scenelet.dataset.row import Row
from scenelet.errors import BundleFormatError, ConfigError, DataError
from scenelet.image_likeness import same_looking
from scenelet.learn.backbones import BACKBONES, CLASSES, Backbone
from scenelet.learn.networks import (
    build_network,
    head_name,
    hub_architecture,
    hush_transformers,
    normalise,
)
from scenelet.runs.run import Run
from scenelet.shipped import default_bundle

SHIPPED = "shipped"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


NO_WEIGHTS = (UnpicklingError, EOFError, RuntimeError)  # what torch.load makes of such files


@dataclass(frozen=True)
class Pretrained:
    """A trained network with what must be known to use it honestly.

    Attributes:
        origin: As it was asked for.
        network: Normalised pixels to logits.
        architecture: That `build_network` builds again.
        class_names: In the order of the logits; empty for the hub's, whose head is not used.
        trained_on: Pixel hash -> perceptual hash of its training images, and of those of what it
            started or learned from; empty where nobody recorded them.
        history: `init` and `teachers` of its own training; of a backbone, what it learned from;
            empty where nobody recorded them.
        input_size: Width and height in pixels that it was made for; 0 where nobody recorded it.
    """

    origin: str
    network: nn.Module
    architecture: dict[str, Any]
    class_names: tuple[str, ...] = ()
    trained_on: dict[str, str] = field(default_factory=dict)
    history: dict[str, Any] = field(default_factory=dict)
    input_size: int = 0

    @property
    def described(self) -> dict[str, Any]:
        """Origin, a hash of the weights, and where those came from, for the run's record."""
        weights = _hash_of(self.network)
        return {"origin": self.origin, "weights": weights, "history": self.history}


def open_pretrained(origin: str, option: str) -> Pretrained:
    """Open a backbone, a run, a bundle, a folder in the hub's format, or a model of the hub.

    Args:
        origin: Name of a backbone, "shipped" (the bundle that comes along), `hub:NAME`, or a
            folder.
        option: For messages: "--init" or "--teacher".

    Raises:
        ConfigError: It is none of these, or can't be loaded.
        MissingExtraError: The backbone's package is not installed.
        BundleError: The bundle can't be trusted or read.
    """
    if origin in BACKBONES:
        return _from_backbone(BACKBONES[origin])
    folder = default_bundle() if origin == SHIPPED else Path(origin)
    if origin.startswith(HUB):
        return _of_hub(origin, option)
    if (folder / CONTRACT).is_file():
        return _from_bundle(origin, folder)
    if (folder / "data.json").is_file():
        return _from_run(origin, Run(folder))
    if (folder / "config.json").is_file():
        return _from_hub(origin, str(folder), option)
    raise ConfigError(
        f"{option} {origin}: found no run, bundle or model folder (data.json, {CONTRACT} or"
        f" config.json). Give one of these, {', '.join(BACKBONES)}, shipped, or hub:NAME for a"
        " model of the Hugging Face hub."
    )


def _hash_of(network: nn.Module) -> str:
    """Of its weights, by their names."""
    digest = hashlib.blake2b(digest_size=16)
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + tensor.detach().contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()


def refuse_leak(
    pretrained: Pretrained, training: Sequence[Row], validation: Sequence[Row], option: str
) -> None:
    """See to it that validation stays unseen, copies that were saved again included.

    Args:
        pretrained: To start or learn from.
        training: Images that are to train the new network. Of what looks like one of these, the
            new network knows by itself.
        validation: Images that are to validate it.
        option: For messages: "--init" or "--teacher".

    Raises:
        ConfigError: The network was trained on images that are to validate the new one.
    """
    seen, copies = count_known(pretrained, training, validation)
    if seen or copies:
        saved_again = f" ({copies:,} of them saved again)" if copies else ""
        raise ConfigError(
            f"{option} {pretrained.origin}: was trained on {seen + copies:,} of the"
            f" {len(validation):,} validation images{saved_again}, so the figures would flatter."
            " Take its own split: the same --seed and --val-fraction, or --manifest of its run."
        )


def count_known(
    pretrained: Pretrained, training: Sequence[Row], validation: Sequence[Row]
) -> tuple[int, int]:
    """Validation images that a network was trained on, and copies of such; see `refuse_leak`."""
    known = pretrained.trained_on
    others = [row for row in validation if row.pixel_hash not in known]
    return len(validation) - len(others), _copies(known, training, others)


def _copies(known: Mapping[str, str], training: Sequence[Row], rows: Sequence[Row]) -> int:
    """Images that look like a known one, but like none that is trained on anyway."""
    ours = {row.pixel_hash: row.perceptual_hash for row in training}
    theirs = [shown for pixels, shown in known.items() if shown and pixels not in ours]
    places = same_looking([row.perceptual_hash for row in rows], theirs)
    found = zip(rows, places, strict=True)
    alike = [row.perceptual_hash for row, place in found if place is not None]
    return same_looking(alike, [shown for shown in ours.values() if shown]).count(None)


def start_from(pretrained: Pretrained, class_names: Sequence[str]) -> nn.Module:
    """A network with the pretrained weights, and a fresh head unless the classes are the same."""
    network = build_network(pretrained.architecture, len(class_names))
    state = pretrained.network.state_dict()
    if tuple(class_names) != pretrained.class_names:
        state = _without(state, head_name(network))
    network.load_state_dict(state, strict=False)
    return network


def _without(state: Mapping[str, Tensor], head: str) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if not name.startswith(f"{head}.")}


def require_size(pretrained: Pretrained, sizes: Sequence[int]) -> None:
    """See to it that the network takes images of these sizes in pixels.

    Raises:
        ConfigError: It does not.
    """
    for size in sorted(set(sizes)):
        try:
            with torch.inference_mode():
                pretrained.network.eval()(normalise(torch.zeros(1, 3, size, size)))
        except (ValueError, RuntimeError) as error:
            raise ConfigError(
                f"--init {pretrained.origin}: takes no images of {size} pixels"
                f" ({' '.join(str(error).split())[:120]}). Give its own size with --input-size N"
                " --set train_sizes=N."
            ) from error


def not_weights(checkpoint: Path) -> DataError:
    """The error of a file that is damaged, or would run code of others when it is opened."""
    return DataError(
        f"{checkpoint}: damaged, or holds more than weights; it is not opened. Train again, or take"
        " the run from where it was made."
    )


def load_run_network(run: Run) -> nn.Module:
    """A run's network with the weights of its best checkpoint (averaged weights).

    Raises:
        DataError: The run has no checkpoint.
    """
    try:
        checkpoint = torch.load(run.best_checkpoint, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise DataError(
            f"{run.folder}: no checkpoint yet. Let `train` end an epoch first."
        ) from error
    except NO_WEIGHTS as error:
        raise not_weights(run.best_checkpoint) from error
    network = build_network(run.architecture(), len(run.data()["class_names"]))
    prefix = "network."
    state: Mapping[str, Tensor] = checkpoint["state_dict"]
    network.load_state_dict(
        {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    )
    return network


def _from_backbone(backbone: Backbone) -> Pretrained:
    network = build_network(backbone.architecture, CLASSES)
    state = backbone.weights()
    head = f"{head_name(network)}.weight"
    without = network.get_parameter(head).shape[1] - state[head].shape[1]
    state[head] = functional.pad(state[head], (0, without))  # its own head knows no taps
    network.load_state_dict(state)
    return Pretrained(
        backbone.name,
        network,
        backbone.architecture,
        history={"init": None, "teachers": [], "learned_from": backbone.described},
    )


def _from_run(origin: str, run: Run) -> Pretrained:
    trained_on = run.inherited() | {
        row.pixel_hash: row.perceptual_hash
        for row in run.rows()
        if row.split == "train" and not row.excluded
    }
    names, history = tuple(run.data()["class_names"]), _history(run.network())
    network, size = load_run_network(run), run.config().input_size
    return Pretrained(origin, network, run.architecture(), names, trained_on, history, size)


def _history(recorded: Mapping[str, Any]) -> dict[str, Any]:
    return {"init": recorded.get("init"), "teachers": recorded.get("teachers") or []}


def _from_bundle(origin: str, folder: Path) -> Pretrained:
    contract = read_contract(folder)
    verify_files(folder, contract, only=(ONNX, TRAINING_DATA))
    architecture = contract.training.network
    network = build_network(architecture, len(contract.class_names))
    state = _onnx_weights((folder / ONNX).read_bytes(), head_name(network))
    missing = [
        name
        for name in network.state_dict()
        if name not in state and not name.endswith("num_batches_tracked")
    ]
    if missing:
        raise BundleFormatError(
            f"{folder / ONNX}: weights of {missing[0]} are not in it. Export the bundle again."
        )
    network.load_state_dict(state, strict=False)
    trained_on = read_learned(folder / TRAINING_DATA)
    history = as_plain(contract.training.history)
    return Pretrained(
        origin,
        network,
        architecture,
        contract.class_names,
        trained_on,
        history,
        contract.preprocess.width,
    )


def _onnx_weights(content: bytes, head: str) -> dict[str, Tensor]:
    """Weights by their names in the checkpoint; those stored in half precision are widened."""
    import onnx

    graph = onnx.load_from_string(content).graph
    arrays = {
        tensor.name.removesuffix(".fp16"): onnx.numpy_helper.to_array(tensor)
        for tensor in graph.initializer
    }
    return {
        (
            name.replace("head.", f"{head}.", 1)
            if name.startswith("head.")
            else name.removeprefix("network.")
        ): (torch.from_numpy(array.copy()).float())
        for name, array in arrays.items()
        if name.startswith(("network.", "head."))
    }


def _of_hub(origin: str, option: str) -> Pretrained:
    """A model that transformers knows, or else a bundle that was published."""
    try:
        return _from_hub(origin, origin.removeprefix(HUB), option)
    except ConfigError as not_theirs:
        try:
            folder = fetch_bundle(origin)
        except (BundleFormatError, ConfigError):
            raise not_theirs from None
        return _from_bundle(origin, folder)


def _from_hub(origin: str, name: str, option: str) -> Pretrained:
    hush_transformers()
    from safetensors import SafetensorError
    from transformers import AutoModelForImageClassification

    try:
        classifier = AutoModelForImageClassification.from_pretrained(name)
        mean, std = _pixel_scaling(name)
    except (OSError, ValueError, ImportError, KeyError, RuntimeError, SafetensorError) as error:
        raise ConfigError(
            f"{option} {origin}: can't be loaded as an image classifier:"
            f" {' '.join(str(error).split())[:300]}. Give hub:OWNER/NAME of one that transformers"
            " knows, or a folder with its files."
        ) from error
    architecture = hub_architecture(classifier.config, mean, std)
    network = build_network(architecture, classifier.config.num_labels)
    network.load_state_dict(
        {f"classifier.{key}": value for key, value in classifier.state_dict().items()}
    )
    return Pretrained(origin, network, architecture)


def _pixel_scaling(name: str) -> tuple[Sequence[float], Sequence[float]]:
    """Mean and deviation of the pixels (0-1) that the model was trained on.

    ImageNet's where it does not say.
    """
    from transformers.utils import cached_file

    path = cached_file(
        name, "preprocessor_config.json", _raise_exceptions_for_missing_entries=False
    )
    values = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    return values.get("image_mean", IMAGENET_MEAN), values.get("image_std", IMAGENET_STD)
