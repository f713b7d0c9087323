"""The list of pictures a bundle was trained and validated on, by pixel hash.

No picture, no file name, no path.

What its start and its teachers were trained on counts too: that is "inherited".
"""

import csv
from collections.abc import Mapping
from pathlib import Path

from scenelet.errors import BundleFormatError

LEARNED = ("train", "inherited")


def training_data_csv(parts: Mapping[str, str]) -> str:
    """CSV text of pixel hash -> "train", "val" or "inherited", sorted."""
    return "pixel_hash,part\n" + "".join(
        f"{pixels},{part}\n" for pixels, part in sorted(parts.items())
    )


def read_training_data(path: Path) -> dict[str, str]:
    """Pixel hash -> "train", "val" or "inherited".

    Raises:
        BundleFormatError: Missing or malformed.
    """
    try:
        with open(path, newline="", encoding="ascii") as file:
            return {row["pixel_hash"]: row["part"] for row in csv.DictReader(file)}
    except (OSError, KeyError, ValueError) as error:
        raise BundleFormatError(
            f"{path}: can't be read, so trained and unseen images can't be told apart: {error}"
        ) from error
