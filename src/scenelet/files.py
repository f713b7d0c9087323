"""Which files lie below a folder: the one walker, which has a reason for each that is no picture.

Opens only what has no known suffix, to look at its first bytes. Knows nothing of classes.
"""

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from scenelet.errors import DataError, ResourceError, UnreadableImageError
from scenelet.image_formats import FORMATS, LOOKED_AT, SUFFIXES, foreign, sniff
from scenelet.names import printable, raw
from scenelet.resources import ended, is_ours
from scenelet.text import counted

LITTER, EMPTY = "litter of a system", "empty folder"
NO_PICTURES = "no image in it; give images, a folder of images, or a URL"
TWO_UNDERSCORES = "begins with two underscores: programs name their own so; rename it to use it"
_LITTER_FOLDERS = frozenset(
    [
        "@eadir",
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "recycler",
        "recycled",
        "lost+found",
        "__macosx",
        "__pycache__",
        ".trash",
        ".trashes",
        ".spotlight-v100",
        ".fseventsd",
        ".documentrevisions-v100",
        ".temporaryitems",
        ".appledouble",
        ".appledb",
        ".appledesktop",
        ".ipynb_checkpoints",
        ".@__thumb",
        "@recycle",
        "@recently-snapshot",
        "@sharebin",
        ".thumbnails",
        ".picasaoriginals",
        ".dropbox.cache",
        ".stfolder",
        ".stversions",
        ".sync",
        ".git",
        ".svn",
        ".hg",
        ".dvc",
        ".datalad",
        ".zfs",
        ".snapshot",
        "~snapshot",
        "node_modules",
        "found.000",
        "found.001",
    ]
) | {"system volume information", "network trash folder", "temporary items"}
_LITTER_FILES = frozenset(
    [
        "thumbs.db",
        "ehthumbs.db",
        "ehthumbs_vista.db",
        "desktop.ini",
        ".ds_store",
        ".localized",
        ".picasa.ini",
        "picasa.ini",
        ".volumeicon.icns",
        ".apdisk",
        ".dropbox",
        ".nomedia",
        ".directory",
    ]
) | {"icon\r"}


@dataclass(frozen=True)
class Entry:
    """Something below a folder.

    Attributes:
        path: Relative to the folder walked, printable (`names.raw` gives the name on the disk).
        reason: Why it is passed over; "" for a picture.
        files: How many files it stands for: those inside, where a whole folder is passed over.
    """

    path: str
    reason: str = ""
    files: int = 1


def walk(folder: Path) -> Iterator[Entry]:
    """Every file below a folder, always in the same order, with a reason where it is no picture.

    Links to files are followed. Links to folders too, but not beside pictures, nor inside another
    link, nor in a circle: these are told. Folders that are hidden or litter of a system are one
    entry each, and so is an empty one.

    Raises:
        ResourceError: This process has too many files open, or no memory: no fault of the file.
        DataError: The folder itself can't be opened.
    """
    try:
        found = _sorted(folder)
    except OSError as error:
        raise DataError(
            f"{printable(str(folder))}: folder can't be opened: {_refusal(error)}"
        ) from error
    yield from _all(found, "", True)


def read(folder: Path, path: str) -> bytes:
    """Bytes of a file below a folder.

    Args:
        folder: That was walked.
        path: Of an `Entry`.

    Raises:
        UnreadableImageError: It can't be read.
    """
    try:
        return (folder / raw(path)).read_bytes()
    except (OSError, ValueError) as error:
        reason = _refusal(error) if isinstance(error, OSError) else "no such name"
        raise UnreadableImageError(f"can't be read: {reason}") from error


def _refusal(error: OSError) -> str:
    """Why the system refused a file or a folder.

    Raises:
        ResourceError: Not because of the file: this process has run out of something.
    """
    if is_ours(error):
        raise ResourceError(ended(error)) from error
    return error.strerror or "can't be read"


def pictures(folder: Path) -> Iterator[str]:
    """Paths of the pictures below a folder, relative to it, always in the same order."""
    return (entry.path for entry in walk(folder) if not entry.reason)


def paths_of(entries: Iterable[Entry], passed_over: list[Entry]) -> Iterator[str]:
    """Paths of the pictures among entries; what is none is added to those passed over."""
    for entry in entries:
        if entry.reason:
            passed_over.append(entry)
        else:
            yield entry.path


def _sorted(folder: str | Path) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as found:
        return sorted(found, key=lambda entry: entry.name)


def _all(found: list[os.DirEntry[str]], above: str, follow: bool) -> Iterator[Entry]:
    follow = follow and not any(_is_called_picture(entry) for entry in found)
    for entry in found:
        yield from _entries(entry, f"{above}{printable(entry.name)}", follow)


def _entries(entry: os.DirEntry[str], path: str, follow: bool) -> Iterator[Entry]:
    try:
        if _is_folder(entry):
            yield from _folder(entry, path, follow)
        else:
            yield Entry(path, _reason(entry))
    except OSError as error:
        yield Entry(path, f"can't be opened: {_refusal(error)}")


def _is_called_picture(entry: os.DirEntry[str]) -> bool:
    return PurePosixPath(entry.name).suffix.lower() in SUFFIXES and not _is_folder(entry)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _folder(entry: os.DirEntry[str], path: str, follow: bool) -> Iterator[Entry]:
    if entry.name.lower() in _LITTER_FOLDERS:
        yield Entry(path, LITTER, _count(entry.path))
    elif reason := _hidden(entry.name):
        yield Entry(path, reason, _count(entry.path))
    elif entry.is_symlink() and (not follow or _leads_above(entry)):
        yield Entry(path, "link to a folder")
    else:
        yield from _inside(entry, path, follow and not entry.is_symlink())


def _inside(entry: os.DirEntry[str], path: str, follow: bool) -> Iterator[Entry]:
    try:
        found = _sorted(entry.path)
    except OSError as error:
        yield Entry(path, f"folder can't be opened: {_refusal(error)}", 0)
        return
    if not found:
        yield Entry(path, EMPTY, 0)
    yield from _all(found, f"{path}/", follow)


def _leads_above(entry: os.DirEntry[str]) -> bool:
    """Whether a link leads to a folder that it lies in."""
    target, home = Path(entry.path).resolve(), Path(entry.path).parent.resolve()
    return target in (home, *home.parents)


def _count(folder: str) -> int:
    return sum(len(files) for _, _, files in os.walk(folder))


def _hidden(name: str) -> str:
    """Why a name is a program's own, not a person's; "" if it is not."""
    if name.startswith("__"):
        return TWO_UNDERSCORES
    return "hidden" if name.startswith(".") else ""


def _is_litter(name: str) -> bool:
    return name.lower() in _LITTER_FILES or name.startswith("._")


def _reason(entry: os.DirEntry[str]) -> str:
    """Why a file is no picture; "" if it is one by its name or, failing that, its first bytes."""
    if entry.is_symlink() and not Path(entry.path).exists():
        return "broken link"
    if not stat.S_ISREG(entry.stat().st_mode):
        return "no regular file"
    return reason_of(entry.name, lambda: _head(entry.path))


def _head(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(LOOKED_AT)


def reason_of(path: str, head: Callable[[], bytes]) -> str:
    """Why a file is no picture; "" if it is one by its name or, failing that, its first bytes.

    Args:
        path: With the folders that count.
        head: Reads the first bytes, where the name does not tell.
    """
    *folders, name = path.split("/")
    if _is_litter(name) or any(folder.lower() in _LITTER_FOLDERS for folder in folders):
        return LITTER
    if hidden := next(filter(None, map(_hidden, (*folders, name))), ""):
        return hidden
    suffix = PurePosixPath(name).suffix.lower()
    return "" if suffix in SUFFIXES else _by_content(head())


def _by_content(head: bytes) -> str:
    if sniff(head) in FORMATS:
        return ""
    what, advice = foreign(head) or ("not an image file", "")
    return f"{what}: {advice}" if advice else what


def account(used: int, left_out: Iterable[str], passed_over: Iterable[Entry]) -> str:
    """One line about every file of a place.

    Args:
        used: How many were used.
        left_out: Why each of the others that are pictures was not; after a colon, details.
        passed_over: What is no picture of the data set.
    """
    reasons = Counter(why.split(":")[0] for why in left_out)
    others, folders = Counter[str](), Counter[str]()
    for entry in passed_over:
        place = others if entry.files else folders
        place[entry.reason.split(":")[0]] += entry.files or 1
    total = used + reasons.total() + others.total()
    told = (f"{used:,} used", _told("left out", reasons), _told("passed over", others))
    more = f"; folders: {_listed(folders)}" if folders else ""
    return f"{counted(total, 'file')}: {', '.join(told)}{more}"


def _told(words: str, reasons: Counter[str]) -> str:
    return f"{reasons.total():,} {words}" + (f" ({_listed(reasons)})" if reasons else "")


def _listed(reasons: Counter[str]) -> str:
    return ", ".join(f"{count:,} {why}" for why, count in reasons.most_common())
