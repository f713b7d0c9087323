"""Get a public data set through kagglehub: resumable, counted, in place whole or not at all."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scenelet.artefacts import explained
from scenelet.errors import DataError
from scenelet.files import pictures


@dataclass(frozen=True)
class DataSet:
    """A data set that is known by name.

    Attributes:
        handle: On Kaggle, owner/name.
        page: Where a person finds it.
        labelled: Part -> class -> number of images.
        totals: Part -> number of images, where each class's is not published or there are none.
        folder: What of it to train on; "" for all.
    """

    handle: str
    page: str
    labelled: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)
    folder: str = ""


KNOWN = {
    "intel-scenes": DataSet(
        handle="puneet6060/intel-image-classification",
        page="https://www.kaggle.com/datasets/puneet6060/intel-image-classification",
        labelled={
            "seg_train": {
                "buildings": 2191,
                "forest": 2271,
                "glacier": 2404,
                "mountain": 2512,
                "sea": 2274,
                "street": 2382,
            },
            "seg_test": {
                "buildings": 437,
                "forest": 474,
                "glacier": 553,
                "mountain": 525,
                "sea": 510,
                "street": 501,
            },
        },
        totals={"seg_pred": 7301},
    ),
    "flowers": DataSet(
        handle="alxmamaev/flowers-recognition",
        page="https://www.kaggle.com/datasets/alxmamaev/flowers-recognition",
        labelled={
            "flowers": {
                "daisy": 764,
                "dandelion": 1052,
                "rose": 784,
                "sunflower": 733,
                "tulip": 984,
            }
        },
        folder="flowers",
    ),
    "eurosat": DataSet(
        handle="apollo2506/eurosat-dataset",
        page="https://www.kaggle.com/datasets/apollo2506/eurosat-dataset",
        labelled={
            "EuroSAT": {
                "AnnualCrop": 3000,
                "Forest": 3000,
                "HerbaceousVegetation": 3000,
                "Highway": 2500,
                "Industrial": 2500,
                "Pasture": 2000,
                "PermanentCrop": 2500,
                "Residential": 3000,
                "River": 2500,
                "SeaLake": 3000,
            }
        },
        folder="EuroSAT",  # beside it lie the same scenes in 13 bands
    ),
    "cats-and-dogs": DataSet(
        handle="tongpython/cat-and-dog",
        page="https://www.kaggle.com/datasets/tongpython/cat-and-dog",
        labelled={
            "training_set": {"cats": 4000, "dogs": 4005},
            "test_set": {"cats": 1011, "dogs": 1012},
        },
    ),
    "clothing": DataSet(  # totals: github.com/FernandoAcunaMtz/RapidReliefAI, README, section 4
        handle="abdelrahmansoltan98/clothing-dataset-small",
        page="https://www.kaggle.com/datasets/abdelrahmansoltan98/clothing-dataset-small",
        totals={"train": 3068, "validation": 341, "test": 372},
    ),
}


def get(name: str, to: Path) -> dict[str, int]:
    """Download a data set, unless it is there already.

    The download lies beside `to` until it is complete and its counts are right, and goes on from
    there after an interrupt.

    Args:
        name: One of `KNOWN`.
        to: Folder to make.

    Returns:
        Number of images by part.

    Raises:
        DataError: Unknown name, no connection, or counts that differ from the known ones.
        ArtefactError: `to` can't be written.
    """
    if name not in KNOWN:
        raise DataError(f"{name}: unknown data set, expected {', '.join(KNOWN)}")
    data_set = KNOWN[name]
    if to.exists() and any(to.iterdir()):
        return verify(to, data_set)
    aside = to.with_name(f".{to.name}.download")
    with explained(aside):
        aside.mkdir(parents=True, exist_ok=True)
    downloaded = _download(data_set, aside, to)
    counts = verify(downloaded, data_set)
    with explained(to):
        _move(downloaded, to)
        shutil.rmtree(aside)
    return counts


def _move(downloaded: Path, to: Path) -> None:
    """Into the place of a folder that is empty, or not there."""
    if to.exists():
        to.rmdir()
    downloaded.rename(to)


def verify(folder: Path, data_set: DataSet) -> dict[str, int]:
    """Count the images of each part and class.

    Returns:
        Number of images by part.

    Raises:
        DataError: A count differs from the known one; all differences in one message.
    """
    expected = _expected(data_set)
    found = {place: _count(folder, place) for place in expected}
    wrong = [
        f"{place} {found[place]:,} v {count:,}"
        for place, count in expected.items()
        if found[place] != count
    ]
    if wrong:
        raise DataError(
            f"{folder}: not the complete data set (found v expected: {'; '.join(wrong)}). Remove"
            f" the folder and run the command again, or download it by hand from {data_set.page}."
        )
    parts = {part: sum(labels.values()) for part, labels in data_set.labelled.items()}
    return {**parts, **data_set.totals}


def _expected(data_set: DataSet) -> dict[str, int]:
    """How many images each part and class has."""
    labelled = {
        f"{part}/{label}": count
        for part, labels in data_set.labelled.items()
        for label, count in labels.items()
    }
    return {**labelled, **data_set.totals}


def _count(folder: Path, place: str) -> int:
    """Images of a part or class, also in Kaggle's doubled form `seg_train/seg_train/`."""
    part, _, label = place.partition("/")
    base = folder / part / part if (folder / part / part).is_dir() else folder / part
    target = base / label if label else base
    return sum(1 for _ in pictures(target)) if target.is_dir() else 0


def _download(data_set: DataSet, aside: Path, to: Path) -> Path:
    import kagglehub

    try:
        with _cache_in(aside):
            return Path(kagglehub.dataset_download(data_set.handle))
    except Exception as error:  # of many types; to a person they are one: it did not work
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(
            f"{data_set.handle}: could not be downloaded ({reason}). Run the same command again to"
            f" go on, or download it by hand from {data_set.page} and unpack it into {to}."
        ) from error


@contextmanager
def _cache_in(folder: Path) -> Iterator[None]:
    """Let kagglehub keep its half-done downloads in a folder of ours."""
    before = os.environ.get("KAGGLEHUB_CACHE")
    os.environ["KAGGLEHUB_CACHE"] = str(folder.resolve())
    try:
        yield
    finally:
        if before is None:
            del os.environ["KAGGLEHUB_CACHE"]
        else:
            os.environ["KAGGLEHUB_CACHE"] = before
