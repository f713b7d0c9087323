"""Remote: a data set at an address of fsspec: a zip archive, a bucket, a hub.

The only module that imports fsspec. Nothing is kept here: each picture is fetched when it is read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from scenelet.dataset.layout import lay_out
from scenelet.dataset.source import Listing
from scenelet.errors import DataError, MissingExtraError, UnreadableImageError
from scenelet.files import Entry, reason_of
from scenelet.image_formats import LOOKED_AT
from scenelet.names import printable, raw

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/{1,2}(.+)", re.IGNORECASE | re.DOTALL)


def address_of(place: str) -> str:
    """The address that a place is, as fsspec writes it; "" if it is none.

    A path's class makes one slash of two, so one is enough; `zip://photos.zip` and `photos.zip` are
    the archive's whole content.
    """
    if place.lower().endswith(".zip") and "://" not in place and Path(place).is_file():
        return f"zip://::{place}"
    found = _ADDRESS.fullmatch(place)
    if not found:
        return ""
    protocol, rest = found[1].lower(), found[2]
    if protocol == "zip" and "::" not in rest:
        return f"zip://::{rest}"
    return f"{protocol}://{rest}"


@dataclass(frozen=True)
class Remote:
    """Whatever lies at an address.

    Attributes:
        address: As `address_of` gives it.
        level: As `layout.lay_out` takes it.
    """

    address: str
    level: str = ""

    @property
    def name(self) -> str:
        """The address, an archive's as people write it."""
        return self.address.replace("zip://::", "zip://")

    def entries(self) -> Iterator[Entry]:
        """Every file at the address."""
        system, root = _opened(self.address)
        try:
            paths = system.find(root)
        except Exception as error:  # each system raises its own types
            raise DataError(f"{self.name}: can't be listed ({_kind(error)}).") from error
        if not paths:
            raise DataError(f"{self.name}: nothing there. Give an address that holds pictures.")
        start = len(root.strip("/")) + 1 if root.strip("/") else 0
        return (self._entry(path.lstrip("/")[start:]) for path in sorted(paths))

    def list(self) -> Listing:
        """As its folders say."""
        folder = re.split(r"[/:]+", self.address.rstrip("/"))[-1]
        name = folder.removesuffix(".zip")
        return Listing(*lay_out(self.entries(), name, self.name, self.level))

    def read(self, path: str) -> bytes:
        """Bytes of a file, fetched now."""
        return self._fetched(path)

    def _entry(self, path: str) -> Entry:
        def head() -> bytes:
            return self._fetched(path, LOOKED_AT)

        try:
            return Entry(printable(path), reason_of(path, head))
        except UnreadableImageError as error:
            return Entry(printable(path), str(error))

    def _fetched(self, path: str, most: int | None = None) -> bytes:
        system, root = _opened(self.address)
        place = f"{root.rstrip('/')}/{raw(path)}".lstrip("/") if root else raw(path)
        try:
            return bytes(system.cat_file(place, start=None if most is None else 0, end=most))
        except Exception as error:  # each system raises its own types
            raise UnreadableImageError(f"can't be read: {_kind(error)}") from error


@lru_cache(maxsize=8)
def _opened(address: str) -> tuple[Any, str]:
    """File system and path of an address."""
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtraError(
            f"{address}: addresses need fsspec. Install it with: pip install fsspec"
        ) from error
    try:
        system, root = fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise MissingExtraError(f"{address}: {error}") from error
    except Exception as error:  # each system raises its own types
        raise DataError(
            f"{address}: can't be opened ({_kind(error)}). Give a folder, a table, an archive or an"
            " address such as s3://bucket/photos."
        ) from error
    return system, str(root)


def _kind(error: Exception) -> str:
    """An error of somebody else in a word, without its text."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    return words.removesuffix(" error")
