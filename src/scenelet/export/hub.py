"""Publish: a bundle to the Hugging Face hub, with a card that the hub reads, and safetensors."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, EvalResult, HfApi, ModelCardData
from huggingface_hub.errors import HFValidationError, LocalTokenNotFoundError
from safetensors.torch import save

from scenelet.bundle.contract import CARD, CONTRACT, Contract, read_contract, verify_files
from scenelet.bundle.figures import Interval
from scenelet.bundle.hub import NO_NAME, parse_address
from scenelet.errors import ArtefactError, ConfigError
from scenelet.learn.pretrained import open_pretrained

WEIGHTS, HUBS_CARD = "model.safetensors", "README.md"
NOT_STATED = "not stated"
_LICENCES = (
    "apache-2.0",
    "mit",
    "cc0-1.0",
    "cc-by-4.0",
    "cc-by-sa-4.0",
    "cc-by-nc-4.0",
    "bsd-3-clause",
)
_TAGS = ["scenelet", "litert", "tflite", "onnx", "image-classification"]


@dataclass(frozen=True)
class Published:
    """What lies on the hub now.

    Attributes:
        url: Of the commit.
        size_bytes: Of each file.
    """

    url: str
    size_bytes: Mapping[str, int]


def publish(bundle: Path, address: str, data_set: str = "", private: bool = False) -> Published:
    """Send a bundle in one commit; the repository is made if it is not there.

    Args:
        bundle: Folder; every file is checked first.
        address: `hub:OWNER/NAME`, with `@BRANCH` if it shall not be main; made if it is not there.
        data_set: The hub's name of what it was trained on, for the card.
        private: Whether a repository that is made now is only for its owner.

    Raises:
        ConfigError: No such address, or the licence of the weights is not stated.
        BundleError: The bundle can't be trusted or read.
        ArtefactError: The hub refuses, or can't be reached.
    """
    name, branch = parse_address(address)
    contract = read_contract(bundle)
    _require_licence(bundle, contract)
    files = _files(bundle, contract, name, data_set)
    try:
        url = _sent(name, branch, files, f"{contract.name}, made {contract.created[:10]}", private)
    except Exception as error:  # its HTTP library's own types, which change with its versions
        raise ArtefactError(f"{address}: {_why(error)}") from error
    return Published(url, {path: len(content) for path, content in files.items()})


def _sent(
    name: str, branch: str | None, files: Mapping[str, bytes], message: str, private: bool
) -> str:
    """URL of the commit."""
    api = HfApi()
    api.create_repo(name, private=private, exist_ok=True)
    if branch and not branch.startswith("refs/"):
        api.create_branch(name, branch=branch, exist_ok=True)
    adds = [CommitOperationAdd(path, content) for path, content in files.items()]
    return api.create_commit(name, adds, commit_message=message, revision=branch).commit_url


def _require_licence(bundle: Path, contract: Contract) -> None:
    if contract.licence == NOT_STATED:
        raise ConfigError(
            f"{bundle}: its licence is not stated, and what has none may be used by nobody. Export"
            " it again with --licence."
        )


def hubs_card(contract: Contract, card: str, name: str, data_set: str = "") -> str:
    """The bundle's card under front matter that the hub reads: licence, data, metrics, tags."""
    licence = contract.licence.lower()
    is_known = licence in _LICENCES
    front = ModelCardData(
        license=licence if is_known else "other",
        license_name=None if is_known else contract.licence,
        library_name="scenelet",
        pipeline_tag="image-classification",
        tags=_TAGS,
        datasets=[data_set] if data_set else None,
        metrics=["accuracy", "f1"],
        model_name=contract.name,
        eval_results=_results(contract, data_set),
    )
    return f"---\n{front.to_yaml()}\n---\n\n{_usage(name)}\n\n{card}"


def _usage(name: str) -> str:
    return f"""```bash
pip install 'scenelet[hf]'
scenelet predict --bundle hub:{name} photo.jpg
```"""


def _results(contract: Contract, data_set: str) -> list[EvalResult]:
    figures = contract.figures
    measured = {
        ("accuracy", "top-1 accuracy"): figures.top1_accuracy,
        ("accuracy", "balanced accuracy"): figures.balanced_accuracy,
        ("f1", "macro F1"): figures.macro_f1,
        ("log_loss", "log loss"): figures.log_loss,
    }
    held_out = f"{contract.name}: {figures.images:,} images held out of the training data"
    return [
        EvalResult(
            task_type="image-classification",
            dataset_type=data_set or "imagefolder",
            dataset_name=held_out,
            dataset_args={"fingerprint": contract.training.fingerprint},
            metric_type=kind,
            metric_name=metric,
            metric_value=interval.value,
            metric_args=_interval(interval),
        )
        for (kind, metric), interval in measured.items()
        if interval.value is not None
    ]


def _interval(interval: Interval) -> dict[str, float | None]:
    return {"confidence": 0.95, "low": interval.low, "high": interval.high}


def _files(bundle: Path, contract: Contract, name: str, data_set: str) -> dict[str, bytes]:
    """Path in the repository -> content."""
    checked = verify_files(bundle, contract)
    card = checked[CARD].decode()
    network = open_pretrained(str(bundle), "publish").network
    tensors = {key: value.contiguous() for key, value in network.state_dict().items()}
    return {
        **checked,
        CONTRACT: (bundle / CONTRACT).read_bytes(),
        WEIGHTS: save(tensors, {"format": "pt", "scenelet": contract.scenelet_version}),
        HUBS_CARD: hubs_card(contract, card, name, data_set).encode(),
    }


def _why(error: Exception) -> str:
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in (401, 403) or isinstance(error, LocalTokenNotFoundError):
        return (
            "the hub refuses. Log in with `hf auth login`, or set HF_TOKEN to one that may write."
        )
    if isinstance(error, HFValidationError):
        return NO_NAME
    if isinstance(error, RuntimeError):  # of one file, while large ones are sent
        return f"{error} Nothing there has changed; the same command sends what is missing."
    if isinstance(error, ValueError):  # of the card's front matter
        return f"the hub does not take the card: {' '.join(str(error).split())}"
    said = f"status {status}" if status else f"{type(error).__name__}; is the network there?"
    return f"can't be sent ({said}). Nothing there has changed."
