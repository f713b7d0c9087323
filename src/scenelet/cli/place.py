"""Which place a command is about: what a person wrote, as a source of pictures."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scenelet.dataset.source import Source


def holds_pictures(place: str) -> bool:
    """Whether it is a folder, an archive, a table, or an address that is no single picture's."""
    from scenelet.dataset.address import address_of, is_web
    from scenelet.dataset.table import SUFFIXES as TABLES
    from scenelet.image_formats import SUFFIXES

    path, suffix = Path(place), PurePosixPath(place).suffix.lower()
    if path.is_dir():
        return True
    if path.is_file():
        return suffix == ".zip" or suffix in TABLES
    address = address_of(place)
    return bool(address) and not is_web(address) and suffix not in SUFFIXES


def pictures_of(
    place: str, images: Path | None = None, column: Sequence[str] | None = None
) -> "Source":
    """The pictures of a place, labels or none; arguments and errors as of `source_at`."""
    from scenelet.dataset.manifest import column_names
    from scenelet.dataset.unlabelled import pictures_at

    return pictures_at(place, images, column_names(column or ()))


def source_at(
    folder: Path,
    level: str = "",
    images: Path | None = None,
    column: Sequence[str] | None = None,
) -> "Source":
    """The source of a command's arguments.

    Args:
        folder: Or a table, an archive, an address.
        level: `--label-level`.
        images: `--images`.
        column: `--column`, each.

    Raises:
        ConfigError: An option that makes no sense, or not here.
    """
    from scenelet.dataset.manifest import column_names
    from scenelet.dataset.sources import source_of

    return source_of(folder, level, images, column_names(column or ()))
