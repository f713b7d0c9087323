"""Which place a command is about: what a person wrote, as a source of pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from scenelet.cli.output import note

if TYPE_CHECKING:
    from scenelet.dataset.source import Source


@dataclass(frozen=True)
class Asked:
    """Which pictures, and how their labels are read.

    Attributes:
        folder: Or a table, an archive, an address.
        images: `--images`.
        columns: `--column`, each.
        level: `--label-level`.
    """

    folder: Path
    images: Path | None = None
    columns: tuple[str, ...] = ()
    level: str = ""

    @property
    def options(self) -> tuple[str | Path, ...]:
        """As a command takes them."""
        images: tuple[str | Path, ...] = ("--images", self.images) if self.images else ()
        columns = [word for each in self.columns for word in ("--column", each)]
        return (*images, *columns, *(("--label-level", self.level) if self.level else ()))


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

    _note_home(Path(place))
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

    _note_home(folder)
    return source_of(folder, level, images, column_names(column or ()))


def _note_home(folder: Path) -> None:
    """Tell a person whose whole home folder would be looked through."""
    if folder.is_dir() and folder.resolve() == Path.home().resolve():
        note(f"{folder}: your home folder, with all that is in it. Ctrl-C if you meant one in it.")
