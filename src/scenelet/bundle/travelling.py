"""A bundle that travels: its files as bytes by name, and a folder of them elsewhere."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from scenelet.scratch import scratch


def files_of(bundle: Path) -> dict[str, bytes]:
    """Every file of a bundle, by its path from the folder."""
    found = (path for path in sorted(bundle.rglob("*")) if path.is_file())
    return {path.relative_to(bundle).as_posix(): path.read_bytes() for path in found}


@contextmanager
def unpacked(files: Mapping[str, bytes]) -> Iterator[Path]:
    """The bundle as a folder while the block runs; who has read it needs it no more.

    Args:
        files: Of `files_of`.
    """
    with scratch("bundle") as folder:
        for name, data in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        yield folder
