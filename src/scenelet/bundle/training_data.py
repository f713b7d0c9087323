"""The list of pictures a bundle was trained and validated on, by hashes.

No picture, no file name, no path. One hash is of the pixels, one of what the picture shows, so that
a copy that was saved again is known too; bundles of earlier versions lack the second.

What its start and its teachers were trained on counts too: that is "inherited".
"""

import csv
from collections.abc import Mapping
from pathlib import Path

from scenelet.errors import BundleFormatError

LEARNED = ("train", "inherited")


def training_data_csv(parts: Mapping[str, str], shown: Mapping[str, str]) -> str:
    """CSV text, sorted.

    Args:
        parts: Pixel hash -> "train", "val" or "inherited".
        shown: Pixel hash -> perceptual hash, of those that have one.
    """
    lines = [f"{pixels},{part},{shown.get(pixels, '')}" for pixels, part in sorted(parts.items())]
    return "\n".join(["pixel_hash,part,perceptual_hash", *lines, ""])


def read_training_data(path: Path) -> dict[str, str]:
    """Pixel hash -> "train", "val" or "inherited".

    Raises:
        BundleFormatError: Missing or malformed.
    """
    return {pixels: part for pixels, part, _ in _records(path)}


def read_shown(path: Path) -> dict[str, str]:
    """Perceptual hash -> "train", "val" or "inherited" of the pictures that have one.

    Raises:
        BundleFormatError: Missing or malformed.
    """
    trained_last = sorted(_records(path), key=lambda record: record[1] in LEARNED)
    return {shown: part for _, part, shown in trained_last if shown}


def read_learned(path: Path) -> dict[str, str]:
    """Pixel hash -> perceptual hash ("" if there is none) of the pictures that were learned from.

    Raises:
        BundleFormatError: Missing or malformed.
    """
    return {pixels: shown for pixels, part, shown in _records(path) if part in LEARNED}


def _records(path: Path) -> list[tuple[str, str, str]]:
    try:
        with open(path, newline="", encoding="ascii") as file:
            return [
                (row["pixel_hash"], row["part"], row.get("perceptual_hash") or "")
                for row in csv.DictReader(file)
            ]
    except (OSError, KeyError, ValueError) as error:
        raise BundleFormatError(
            f"{path}: can't be read, so trained and unseen images can't be told apart: {error}"
        ) from error
