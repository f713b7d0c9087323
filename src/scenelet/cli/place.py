"""Which place a command is about: what a person wrote, as a source of pictures."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scenelet.dataset.source import Source


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
