"""Paint a small data set in the Intel layout, so that demo and tests need nothing from outside."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from scenelet.artefacts import whole_folder
from scenelet.dataset.scenes import SCENES, jpeg, paint_scene
from scenelet.errors import ArtefactError
from scenelet.parallel import Advance, silent


class _Part(NamedTuple):
    """A folder of the data set, how many pictures of each class it has, whose seeds are its own."""

    name: str
    per_class: int
    stream: int
    is_labelled: bool = True


def _parts(per_class: int) -> list[_Part]:
    return [
        _Part("seg_train", per_class, 0),
        _Part("seg_test", max(1, per_class // 4), 1),
        _Part("seg_pred", max(1, per_class // 8), 2, is_labelled=False),
    ]


def paint_data_set(
    out: Path, per_class: int, seed: int = 0, advance: Advance = silent
) -> dict[str, int]:
    """Paint seg_train/, seg_test/ (a quarter as many) and unlabelled seg_pred/.

    Args:
        out: Folder to make; must not hold anything yet.
        per_class: Training images of each class.
        seed: Another seed, other pictures.
        advance: Called after each picture.

    Returns:
        Number of images by part.

    Raises:
        ArtefactError: `out` holds something already, or can't be written.
    """
    if out.exists() and any(out.iterdir()):
        raise ArtefactError(f"{out}: is not empty, nothing was painted. Give a new folder.")
    parts = _parts(per_class)
    with whole_folder(out) as folder:
        for part in parts:
            for place, label, number in _places(folder, part):
                picture = paint_scene(label, (seed * 3 + part.stream) * 1_000_003 + number)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(jpeg(picture))
                advance()
    return {part.name: part.per_class * len(SCENES) for part in parts}


def _places(folder: Path, part: _Part) -> Iterator[tuple[Path, str, int]]:
    """Path, class and number of each picture; unlabelled ones say nothing of their class."""
    for position, label in enumerate(sorted(SCENES)):
        for number in range(part.per_class):
            inside = f"{label}/{number:05d}"
            if not part.is_labelled:
                inside = f"{number * len(SCENES) + position:05d}"
            yield folder / part.name / f"{inside}.jpg", label, number


def count_painted(per_class: int) -> int:
    """How many pictures `paint_data_set` paints in all."""
    return len(SCENES) * sum(part.per_class for part in _parts(per_class))
