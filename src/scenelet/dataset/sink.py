"""What a command writes, to an address of fsspec too: made here, sent when it is whole.

A folder's main file is sent last, so that nobody reads half of it; where sending fails, what stood
there stands again and nothing new is left.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from scenelet.dataset.address import address_of
from scenelet.dataset.remote import opened
from scenelet.errors import ArtefactError

_MAIN = ("bundle.json", "run.json", "manifest.csv", "metadata.csv")  # what a reader opens first


@contextmanager
def placed(out: Path) -> Iterator[Path]:
    """Where to write what shall be at `out`: there, or aside where that is an address.

    Args:
        out: File or folder, on this machine or at an address.

    Raises:
        ArtefactError: It can't be sent.
        MissingExtraError: The package of the address is not installed.
    """
    address = address_of(str(out))
    if not address:
        yield out
        return
    opened(address)  # before anything is made for it
    with tempfile.TemporaryDirectory() as aside:
        made = Path(aside) / out.name
        yield made
        send(made, address)


def send(made: Path, address: str) -> None:
    """Send a file, or all files of a folder, whole or not at all.

    Args:
        made: On this machine.
        address: That it shall have.

    Raises:
        ArtefactError: It can't be sent.
    """
    system, root = opened(address)
    files = [made] if made.is_file() else sorted(filter(Path.is_file, made.rglob("*")), key=_last)
    targets = [root if file == made else f"{root}/{file.relative_to(made)}" for file in files]
    before = dict[str, bytes | None]()
    try:
        for file, target in zip(files, targets, strict=True):
            before[target] = system.cat_file(target) if system.exists(target) else None
            system.pipe_file(target, file.read_bytes())
    except Exception as error:  # each system raises its own types
        _take_back(system, before)
        raise ArtefactError(
            f"{address}: can't be sent ({type(error).__name__}). Give another --out, or a folder."
        ) from error


def _last(file: Path) -> tuple[bool, str]:
    return file.name in _MAIN, str(file)


def _take_back(system: Any, before: dict[str, bytes | None]) -> None:
    """Each file as it was; None: it was not there."""
    for target, content in reversed(before.items()):
        with suppress(Exception):  # what is not there can't be removed
            if content is None:
                system.rm_file(target)
            else:
                system.pipe_file(target, content)
