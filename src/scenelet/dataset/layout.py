"""What the folders of a data set mean: classes, splits, or a question for the person who made them.

Decided by looking inside, never by a name alone. Works on paths, so that a folder, an archive and
a bucket are understood alike.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from scenelet.dataset.row import Row
from scenelet.errors import ConfigError, DataError
from scenelet.files import EMPTY, Entry
from scenelet.names import twins

_SPELLINGS = {
    **dict.fromkeys(("train", "training", "trainings", "trn", "trainval"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "validierung", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "tst", "eval", "evaluation", "holdout", "heldout"), "test"),
    **dict.fromkeys(("entrainement", "entraînement", "entrenamiento", "treino"), "train"),
    **dict.fromkeys(("validierungs", "validación", "validacion", "validação", "validacao"), "val"),
    **dict.fromkeys(("prueba", "teste"), "test"),
    **dict.fromkeys(("publictest", "privatetest", "devtest", "finaltest"), "test"),
}
_PART_NAMES = {
    "train": "the training part",
    "val": "the validation part",
    "test": "the test part, which stays locked away",
}
NO_IMAGE = "class folder without an image"
_FILLERS = frozenset(
    [
        "seg",
        "set",
        "sets",
        "data",
        "dataset",
        "image",
        "images",
        "img",
        "imgs",
        "photos",
        "pictures",
        "split",
    ]
)
_GLUED = re.compile(r"(set|sets|data|dataset|daten|images|imgs|bilder)$")
_MASK = re.compile(r"[-_. ]*(mask|seg|gt|label|depth)[s]?$")
_BEGINS = re.compile(r"(train|test|val)", re.IGNORECASE)
_DRAWN = frozenset(
    ("mask", "masks", "segmentation", "segmentations", "annotation", "annotations", "groundtruth")
) | {"gt", "label", "labels", "depth"}
_NO_LABELS = frozenset(("nan", "null", "<na>", "#n/a", "n/a", "undefined"))
_UNLABELLED = frozenset(("pred", "unlabelled", "unlabeled", "unsup", "unsupervised"))


@dataclass
class Branch:
    """A folder with what lies in it.

    Attributes:
        path: Relative to the root; "" for the root.
        name: Of the folder.
        pictures: Paths of those directly in it.
        branches: Its sub-folders by name.
        shared: Words that its name shares with all beside it, which tell nothing of its own role.
    """

    path: str
    name: str
    pictures: list[str] = field(default_factory=list)
    branches: dict[str, "Branch"] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()

    @property
    def split(self) -> str:
        """The split that its name speaks of, beside the others; "" if of none."""
        return split_of(self.name) or split_of(self.name, self.shared)

    def below(self) -> Iterator[str]:
        """Paths of all pictures in it and in its sub-folders."""
        yield from self.pictures
        for branch in self.branches.values():
            yield from branch.below()

    @property
    def full(self) -> list["Branch"]:
        """Sub-folders with a picture somewhere in them."""
        return [branch for branch in self.branches.values() if next(branch.below(), None)]

    def at(self, folders: Iterable[str]) -> "Branch":
        """The sub-folder of this path, made if it is not there."""
        here = self
        for name in folders:
            path = f"{here.path}/{name}" if here.path else name
            here = here.branches.setdefault(name, Branch(path, name))
        return here


@dataclass(frozen=True)
class _ClassFolder:
    branch: Branch
    split: str
    label: str


@dataclass(frozen=True)
class _Plan:
    """What was made of the folders: classes, folders that are none, and what to tell of it."""

    classes: Sequence[_ClassFolder]
    beside: Sequence[Entry] = ()
    decided: tuple[str, ...] = ()


class Laid(NamedTuple):
    """What a layout says.

    Attributes:
        rows: Of the labelled images, sorted by path.
        passed_over: Of everything else, each with its reason.
        decided: One line for each thing that was decided.
    """

    rows: tuple[Row, ...]
    passed_over: tuple[Entry, ...]
    decided: tuple[str, ...]


def lay_out(entries: Iterable[Entry], name: str, place: str, level: str = "") -> Laid:
    """Tell which files are the labelled images, and of which class and split.

    Understands a folder of class folders; split folders of class folders in any usual spelling;
    class folders of split folders; and archives that doubled or wrapped a folder.

    Args:
        entries: All that lies there.
        name: Of the root folder itself.
        place: As a person wrote it: for messages.
        level: Which folder names the class: "1" the outermost, "2" the one in it, and so on; "leaf"
            the innermost; "path" all of them, joined by "/"; "" the outermost, where there is no
            doubt.

    Raises:
        DataError: No image in a class folder, or no telling what the classes are.
    """
    root, passed_over = _grown(entries, name)
    if not root.full:
        raise DataError(
            f"{place}: found no image in a class folder. Make one sub-folder per class with"
            f" pictures in it.{_most_passed_over(passed_over)}"
        )
    base = _unwrapped(root, bool(level))
    _share(base.full)
    plan = _planned(base, place, level)
    rows = [
        Row(path, label, folder.split)
        for folder in plan.classes
        for path in folder.branch.below()
        if (label := folder.label or _label_at(path, folder.branch, level))
    ]
    strays = _strays(root, rows, plan)
    passed_over = _with_empty_classes([*passed_over, *plan.beside, *strays], plan, root)
    inside = (f"{place}: the data set lies in {base.path}/",) if base is not root else ()
    return Laid(
        tuple(sorted(rows, key=lambda row: row.path)),
        tuple(sorted(passed_over, key=lambda entry: entry.path)),
        (*inside, *plan.decided, *twin_lines(row.label for row in rows)),
    )


def split_of(name: str, shared: frozenset[str] = frozenset()) -> str:
    """The split that a folder's name speaks of, in any usual spelling; "" if of none.

    Args:
        name: Of the folder.
        shared: Words that say nothing, as all folders beside it have them.
    """
    words = "".join(word for word in _words(name) if word not in _FILLERS | shared)
    return _SPELLINGS.get(words) or _SPELLINGS.get(_GLUED.sub("", words), "")


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]+", name.casefold())


def _share(branches: Sequence[Branch]) -> None:
    """Tell folders which words of their names they share: `birds_train` and `birds_val`."""
    if len(branches) > 1:
        shared = frozenset.intersection(*(frozenset(_words(branch.name)) for branch in branches))
        for branch in branches:
            branch.shared = shared


def twin_lines(labels: Iterable[str]) -> tuple[str, ...]:
    """A line for each group of class names that look alike, in letters that tell them apart.

    And one for each that programs write where there is no label.
    """
    names = set(labels)
    missing = sorted(name for name in names if name.casefold() in _NO_LABELS)
    lost = tuple(
        f"class {name!r}: programs write that where a label is missing; leave such rows out, unless"
        " it is a class"
        for name in missing
    )
    return lost + tuple(
        f"classes {', '.join(map(ascii, group))} differ in composition, case, spaces, zeros or"
        " unseen letters alone; rename the folders if they are one class"
        for group in twins(names)
    )


def _grown(entries: Iterable[Entry], name: str) -> tuple[Branch, list[Entry]]:
    root, passed_over = Branch("", name), []
    for entry in entries:
        *folders, _ = entry.path.split("/")
        home = root.at(folders)
        if not entry.reason:
            home.pictures.append(entry.path)
        elif entry.reason == EMPTY:
            root.at(entry.path.split("/"))
            passed_over.append(entry)
        else:
            passed_over.append(entry)
    return root, passed_over


def _most_passed_over(passed_over: Sequence[Entry]) -> str:
    reasons = Counter(entry.reason for entry in passed_over if entry.files)
    told = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common(3))
    return f" Passed over: {told}." if told else ""


def _unwrapped(branch: Branch, as_they_are: bool) -> Branch:
    """The folder that holds the classes or splits, where an archive doubled or wrapped it.

    Args:
        branch: The root.
        as_they_are: Whether somebody counts the levels, so that nothing but doubles is skipped.
    """
    while len(branch.full) == 1:
        (inner,) = branch.full
        is_double = _same(inner.name, branch.name)
        if inner.pictures or not inner.full or (inner.split and not is_double):
            break
        if as_they_are and not is_double and not all(map(_is_split, inner.full)):
            break
        branch = inner
    return branch


def _undoubled(branch: Branch) -> Branch:
    """`seg_train/seg_train` where an archive doubled the folder, else the folder itself."""
    inner = branch.full[0] if len(branch.full) == 1 and not branch.pictures else branch
    return inner if _same(inner.name, branch.name) else branch


def _same(name: str, other: str) -> bool:
    return name.casefold() == other.casefold()


def _is_split(branch: Branch) -> bool:
    """Whether a folder is called like a split and holds class folders."""
    return bool(branch.split) and bool(_undoubled(branch).full)


def _is_unlabelled(branch: Branch) -> bool:
    words = re.findall(r"[a-z]+", branch.name.casefold())
    return any(word in _UNLABELLED for word in words)


def _label_at(path: str, outermost: Branch, level: str) -> str:
    """Name of the class by the folders of a picture; "" where it lies less deep."""
    above = outermost.path.count("/")
    folders = path.split("/")[above:-1]
    if level == "path":
        return "/".join(folders)
    if level == "leaf":
        return folders[-1]
    depth = int(level)
    return folders[depth - 1] if depth <= len(folders) else ""


def check_level(level: str) -> None:
    """Refuse what names no level.

    Raises:
        ConfigError: Neither a number from 1, nor leaf, nor path.
    """
    if level not in ("", "leaf", "path") and not re.fullmatch(r"[1-9]\d?", level):
        raise ConfigError(f"--label-level: found {level!r}, expected 1, 2, ..., leaf or path")


def _planned(base: Branch, place: str, level: str) -> _Plan:
    if level:
        return _of_level(base, level)
    splits = [branch for branch in base.full if _is_split(branch)]
    if splits:
        return _of_splits(base, splits, place)
    folders = [branch for branch in base.full if not _is_unlabelled(branch)]
    beside = [_passed(branch, "unlabelled") for branch in base.full if _is_unlabelled(branch)]
    if folders and all(map(_holds_splits, folders)):
        return _of_classes_first(folders, beside)
    _refuse_flat_splits(folders, place)
    _refuse_deeper(folders, place)
    _refuse_drawn(folders, place)
    split = base.split
    named = (f"{base.name}/ is taken as {_PART_NAMES[split]}, as it is called",) if split else ()
    classes = [_ClassFolder(branch, split, branch.name) for branch in folders]
    return _Plan(classes, beside, (*named, *_nested(folders)))


def _of_level(base: Branch, level: str) -> _Plan:
    """The folders name classes as a person said; split folders are split folders all the same."""
    check_level(level)
    parts = [branch for branch in base.full if _is_split(branch)]
    others = [branch for branch in base.full if branch not in parts]
    classes = [
        _ClassFolder(folder, part.split, "")
        for part in (parts or [base])
        for folder in (_undoubled(part) if parts else part).full
    ]
    beside = [_passed(branch, "beside the split folders") for branch in others if parts]
    return _Plan(classes, beside, (f"classes are named by folder level {level}",))


def _of_splits(base: Branch, splits: Sequence[Branch], place: str) -> _Plan:
    others = [branch for branch in base.full if branch not in splits]
    _refuse_lonely_split(splits, others, place)
    _refuse_no_training(splits, others, place)
    beside = [
        _passed(branch, "unlabelled" if _is_flat_part(branch) else "beside the split folders")
        for branch in others
    ]
    for branch in splits:
        _refuse_drawn(_undoubled(branch).full, place)
    decided = [f"{branch.path}/ is {_PART_NAMES[branch.split]}" for branch in splits]
    classes = [
        _ClassFolder(folder, branch.split, folder.name)
        for branch in splits
        for folder in _undoubled(branch).full
    ]
    return _Plan(classes, beside, ("; ".join(decided), *_nested([c.branch for c in classes])))


def _is_flat_part(branch: Branch) -> bool:
    return _is_unlabelled(branch) or bool(branch.split)


def _refuse_lonely_split(splits: Sequence[Branch], others: Sequence[Branch], place: str) -> None:
    """A folder called like a split, beside folders that are none: a part, or a class of its own."""
    inside = {folder.name.casefold() for branch in splits for folder in _undoubled(branch).full}
    open_ones = [branch for branch in others if not _is_flat_part(branch)]
    if len({branch.split for branch in splits}) > 1 or not open_ones:
        return
    if not inside & {branch.name.casefold() for branch in open_ones}:
        name = splits[0].name
        raise DataError(
            f"{place}: {name}/ may be {_PART_NAMES[splits[0].split]} (with {_some(inside)}) or a"
            f" class beside {_some(branch.name for branch in open_ones)}. Give {place}/{name}, or"
            " rename that folder, or put its pictures directly into it."
        )


def _refuse_no_training(splits: Sequence[Branch], others: Sequence[Branch], place: str) -> None:
    """A folder with the classes of the split folders, of which none is the training part."""
    inside = {folder.name.casefold() for branch in splits for folder in _undoubled(branch).full}
    alike = [
        branch
        for branch in others
        if inside & {folder.name.casefold() for folder in _undoubled(branch).full}
    ]
    if alike and all(branch.split != "train" for branch in splits):
        raise DataError(
            f"{place}: {alike[0].name}/ holds the classes of {splits[0].name}/ too, and no folder"
            f" is called the training part. If it is that one, rename it {place}/train."
        )


def _refuse_flat_splits(folders: Sequence[Branch], place: str) -> None:
    roles = {branch.split for branch in folders}
    begins = {_begin(branch.name) for branch in folders}
    if any(len(each) > 1 and "" not in each for each in (roles, begins)):
        raise DataError(
            f"{place}: {_some(branch.name for branch in folders)} are called like split folders,"
            " but hold no class folders. Make one sub-folder per class in each."
        )


def _begin(name: str) -> str:
    """Split that a name begins with (`trainA`): train, val or test; else ""."""
    found = _BEGINS.match(name)
    return found[1].lower() if found else ""


def _refuse_deeper(folders: Sequence[Branch], place: str) -> None:
    """Folders that all hold the same sub-folders are hardly the classes."""
    if len(folders) < 2 or any(branch.pictures for branch in folders):
        return
    inside = [{folder.name.casefold() for folder in branch.full} for branch in folders]
    counts = Counter(name for names in inside for name in names)
    shared = {name for name, count in counts.items() if count > 1}
    if len(shared) > 1 and all(names & shared for names in inside):
        raise DataError(
            f"{place}: {_some(branch.name for branch in folders)} all hold the same sub-folders"
            f" ({_some(sorted(shared))}), so the classes seem to lie one level deeper. Give one of"
            f" them ({place}/{folders[0].name}), or say --label-level 1 if these are the classes, 2"
            " if their sub-folders are."
        )


def _refuse_drawn(folders: Sequence[Branch], place: str) -> None:
    """A folder of masks has a picture for each of another's: outlines, and no class."""
    for drawn in folders:
        if "".join(_words(drawn.name)) not in _DRAWN:
            continue
        names = _stems(drawn)
        for other in folders:
            if other is not drawn and 2 * len(names & _stems(other)) > len(names):
                raise DataError(
                    f"{place}: {drawn.name}/ holds a picture for each of {other.name}/, under the"
                    " same names: outlines, it seems, and no class. Whole pictures are classified"
                    " here: make one sub-folder per class; or say --label-level 1 if these are"
                    " classes."
                )


def _stems(branch: Branch) -> set[str]:
    """Names of its pictures without what tells a mask from its picture (`7_mask.png`)."""
    names = (PurePosixPath(path).stem.casefold() for path in branch.below())
    return {_MASK.sub("", name) for name in names}


def _holds_splits(branch: Branch) -> bool:
    return not branch.pictures and all(
        inner.split and inner.pictures and not inner.full for inner in branch.full
    )


def _of_classes_first(folders: Sequence[Branch], beside: Sequence[Entry]) -> _Plan:
    classes = [
        _ClassFolder(inner, inner.split, branch.name) for branch in folders for inner in branch.full
    ]
    names = {folder.branch.name: folder.split for folder in classes}
    decided = [f"{name}/ in each class is {_PART_NAMES[split]}" for name, split in names.items()]
    return _Plan(classes, beside, ("; ".join(decided),))


def _nested(folders: Sequence[Branch]) -> tuple[str, ...]:
    return tuple(
        f"{branch.path}/ has sub-folders ({_some(inner.name for inner in branch.full)}): their"
        f" pictures count as {branch.name}"
        for branch in folders
        if branch.full
    )


def _strays(root: Branch, rows: Sequence[Row], plan: _Plan) -> list[Entry]:
    """Pictures that are no row and in no folder that is passed over as a whole."""
    told = {row.path for row in rows}
    for entry in plan.beside:
        told.update(root.at(entry.path.split("/")).below())
    return [Entry(path, "not in a class folder") for path in root.below() if path not in told]


def _passed(branch: Branch, reason: str) -> Entry:
    return Entry(branch.path, reason, sum(1 for _ in branch.below()))


def _with_empty_classes(passed_over: Sequence[Entry], plan: _Plan, root: Branch) -> list[Entry]:
    """Class folders without an image among what was passed over."""
    homes = {folder.branch.path.rpartition("/")[0] for folder in plan.classes}
    empty = [
        branch.path
        for home in homes
        for branch in root.at(home.split("/") if home else ()).branches.values()
        if not next(branch.below(), None)
    ]
    kept = [entry for entry in passed_over if entry.path not in empty]
    return [*kept, *(Entry(path, NO_IMAGE, 0) for path in empty)]


def _some(names: Iterable[str], most: int = 4) -> str:
    listed = list(names)
    more = f" and {len(listed) - most:,} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
