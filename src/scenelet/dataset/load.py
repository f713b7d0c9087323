"""Decode the images of a scan on all cores: pixels into one array, facts into manifest rows, nothing dropped unseen."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scenelet.dataset.row import Row
from scenelet.dataset.scan import Found
from scenelet.errors import ImageError, UnreadableImageError
from scenelet.images import PreprocessSpec, decode, pixel_hash, preprocess, read, to_input
from scenelet.parallel import Advance, in_parallel, silent


def examine(root: Path, images: Sequence[Found], advance: Advance = silent) -> list[Row]:
    """Decode each image once at full size for its manifest row.

    One that can't be decoded is excluded with the reason.

    Args:
        root: The scanned folder.
        images: To look at.
        advance: Called after each image.

    Returns:
        One row an image, in the order given.
    """

    def look(image: Found) -> Row:
        row = Row(image.path.as_posix(), image.label, image.split)
        try:
            picture = decode(read(root / image.path))
        except ImageError as error:
            return Row(row.path, row.label, row.split, excluded=str(error))
        return Row(
            row.path, row.label, row.split, picture.width, picture.height, pixel_hash(picture)
        )

    return list(in_parallel(look, images, advance))


@dataclass(frozen=True)
class Pixels:
    """Decoded images in memory.

    Attributes:
        images: (n, height, width, 3) uint8.
        labels: (n,) int64 class indices.
    """

    images: np.ndarray
    labels: np.ndarray


def load_pixels(
    root: Path,
    rows: Sequence[Row],
    class_names: Sequence[str],
    spec: PreprocessSpec,
    advance: Advance = silent,
    exact: bool = True,
    into: np.ndarray | None = None,
) -> Pixels:
    """Decode rows into one array.

    Args:
        root: The folder that the rows' paths are relative to.
        rows: Images in use.
        class_names: Class order; a row's label must be among them.
        spec: Size to bring each image to.
        advance: Called after each image.
        exact: By the one preprocessing (`to_input`), as for every evaluation. False: resized from
            the full picture, as the source that training crops are cut from.
        into: (n, height, width, 3) uint8 to fill, for example in a file; None for memory.

    Raises:
        UnreadableImageError: A file changed since it was examined.
    """
    class_to_idx = {name: index for index, name in enumerate(class_names)}
    images = np.empty((len(rows), spec.height, spec.width, 3), np.uint8) if into is None else into

    def fill(position: int) -> None:
        path = root / rows[position].path
        try:
            data = read(path)
            images[position] = (
                to_input(data, spec)[0]
                if exact
                else preprocess(decode(data, spec.max_pixels), spec)[0]
            )
        except ImageError as error:
            raise UnreadableImageError(f"{path}: {error}") from error

    for _ in in_parallel(fill, range(len(rows)), advance):
        pass
    return Pixels(images, np.array([class_to_idx[row.label] for row in rows], np.int64))
