"""Find the labelled images of a folder of class folders, in any of the usual layouts.

Opens no image.
"""

from dataclasses import dataclass
from pathlib import Path

from scenelet.errors import DataError
from scenelet.images import SUFFIXES

SPLIT_FOLDERS = {
    "train": ("seg_train", "train", "training"),
    "val": ("seg_val", "val", "valid", "validation"),
    "test": ("seg_test", "test", "testing"),
}
UNLABELLED_FOLDERS = ("seg_pred", "pred", "unlabelled", "unlabeled")


@dataclass(frozen=True)
class Found:
    """One image file with what its place in the folders says about it.

    Attributes:
        path: Of the file, relative to the scanned folder.
        label: Name of the class folder.
        split: "train", "val", "test", or "" where the layout names none.
    """

    path: Path
    label: str
    split: str


@dataclass(frozen=True)
class Scan:
    """What a folder holds.

    Attributes:
        root: The scanned folder.
        images: Sorted by path.
        passed_over: (path, reason) of each file or folder that is no part of the data set.
    """

    root: Path
    images: tuple[Found, ...]
    passed_over: tuple[tuple[Path, str], ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Sorted names of the classes that hold at least one image."""
        return tuple(sorted({image.label for image in self.images}))


def scan(root: Path) -> Scan:
    """List the labelled images below `root`.

    Understands a folder of class folders; `train/`, `val/`, `test/` (or `seg_train/`, `seg_test/`)
    of class folders; and Kaggle's doubled form `seg_train/seg_train/`. Hidden folders, non-images
    and empty class folders never become a class.

    Args:
        root: Folder to look in.

    Raises:
        DataError: `root` is no folder, or holds no class folder with an image in it.
    """
    if not root.is_dir():
        raise DataError(
            f"{root}: no such folder. Give a folder that holds one sub-folder per class."
        )
    images: list[Found] = []
    passed_over: list[tuple[Path, str]] = []
    for split, folder in _split_folders(root):
        _scan_classes(root, folder, split, images, passed_over)
    if not images:
        raise DataError(
            f"{root}: found no image in a class folder. Make one sub-folder per class with pictures"
            " in it."
        )
    images.sort(key=lambda image: image.path.as_posix())
    return Scan(root, tuple(images), tuple(passed_over))


def files_below(folder: Path) -> list[Path]:
    """Sorted files below a folder, leaving out what is hidden."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(is_hidden(part) for part in path.relative_to(folder).parts)
    )


def is_hidden(name: str) -> bool:
    """Whether a name is a program's own (`.ipynb_checkpoints`, `__MACOSX`), not a person's."""
    return name.startswith((".", "__"))


def _split_folders(root: Path) -> list[tuple[str, Path]]:
    root = _undoubled(root)
    by_split = [
        (split, _undoubled(root / name))
        for split, names in SPLIT_FOLDERS.items()
        for name in names
        if (root / name).is_dir()
    ]
    if by_split:
        return by_split
    split = next(
        (split for split, names in SPLIT_FOLDERS.items() if root.resolve().name.lower() in names),
        "",
    )
    return [(split, root)]


def _undoubled(folder: Path) -> Path:
    """`seg_train/seg_train` where Kaggle's archive doubled the folder, else the folder itself."""
    inner = folder / folder.resolve().name
    return inner if inner.is_dir() else folder


def _scan_classes(
    root: Path, folder: Path, split: str, images: list[Found], passed_over: list[tuple[Path, str]]
) -> None:
    for child in sorted(folder.iterdir()):
        place = child.relative_to(root)
        if is_hidden(child.name):
            passed_over.append((place, "hidden"))
        elif not child.is_dir():
            passed_over.append((place, "not in a class folder"))
        elif child.name.lower() not in UNLABELLED_FOLDERS:
            files = files_below(child)
            pictures = [path for path in files if path.suffix.lower() in SUFFIXES]
            images += [Found(path.relative_to(root), child.name, split) for path in pictures]
            passed_over += [
                (path.relative_to(root), "not an image file")
                for path in files
                if path not in set(pictures)
            ]
            if not pictures:
                passed_over.append((place, "class folder without an image"))
