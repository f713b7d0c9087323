"""Bundles of the Hugging Face hub: `hub:OWNER/NAME` or `hub:OWNER/NAME@REVISION` to a folder.

The only module that fetches from the hub by name; what comes is kept in its own cache.
"""

from pathlib import Path

from scenelet.bundle.contract import CONTRACT, read_contract, verify_files
from scenelet.errors import BundleFormatError, ConfigError, MissingExtraError

HUB = "hub:"
NO_NAME = "no name that the hub takes"


def parse_address(address: str) -> tuple[str, str | None]:
    """`hub:OWNER/NAME@REVISION` to repository and revision.

    Raises:
        ConfigError: It does not say owner and name.
    """
    name, _, revision = address.removeprefix(HUB).partition("@")
    if not address.startswith(HUB) or len(name.split("/")) != 2 or not all(name.split("/")):
        raise ConfigError(f"{address}: expected hub:OWNER/NAME, or hub:OWNER/NAME@REVISION")
    return name, revision or None


def fetch_bundle(address: str) -> Path:
    """Folder of a bundle of the hub, every file of it checked; fetched once, kept in the cache.

    Only `bundle.json` and the files that it lists are asked for.

    Raises:
        ConfigError: No such address.
        MissingExtraError: huggingface_hub is not installed.
        BundleFormatError: It can't be had, or is no bundle.
        BundleTamperedError: A file is not the one that was exported.
    """
    name, revision = parse_address(address)
    folder = Path(_download(address, name, CONTRACT, revision)).parent
    contract = read_contract(folder)
    for file in contract.sha256:
        _download(address, name, file, folder.name)  # of the same commit
    verify_files(folder, contract)
    return folder


def _download(address: str, name: str, file: str, revision: str | None) -> str:
    """Path of a file in the hub's own cache."""
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise MissingExtraError(
            f"{address}: needs huggingface_hub. Install it with: pip install 'scenelet[hf]'"
        ) from error
    try:
        return hf_hub_download(name, file, revision=revision)
    except Exception as error:  # its HTTP library's own types, which change with its versions
        raise BundleFormatError(f"{address}: {_why(error)}") from error


def _why(error: Exception) -> str:
    kind = type(error).__name__
    if kind in ("EntryNotFoundError", "RemoteEntryNotFoundError"):
        return f"no bundle there ({CONTRACT} is not in it). Name one that `publish` sent."
    if kind in ("RepositoryNotFoundError", "RevisionNotFoundError", "GatedRepoError"):
        return "not there, or not for you. Check the name; set HF_TOKEN for a private one."
    if kind == "HFValidationError":
        return NO_NAME
    if getattr(getattr(error, "response", None), "status_code", None) in (401, 403):
        return "the hub refuses your token. Log in with `hf auth login`, or set HF_TOKEN anew."
    return f"can't be fetched ({kind}); is the network there?"
