"""Remote: a data set at an address of fsspec: a zip archive, a bucket, a hub; and single addresses.

The only module that imports fsspec. What comes over a network is kept in the cache, so that it
comes once; web addresses go through the house's guarded fetch.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from scenelet.dataset import s3
from scenelet.dataset.address import has_own_address, is_here, is_web
from scenelet.dataset.cache import Stamps, pictures_cache
from scenelet.dataset.imagefolder import listed
from scenelet.dataset.manifest import Columns
from scenelet.dataset.source import Listing
from scenelet.dataset.zip_names import mend_names
from scenelet.errors import (
    DataError,
    FetchError,
    MissingExtraError,
    SceneletError,
    UnreadableImageError,
)
from scenelet.fetch import FetchLimits, fetch
from scenelet.files import Entry, reason_of
from scenelet.image_formats import LOOKED_AT
from scenelet.names import printable, raw
from scenelet.text import with_commas

TRUSTED = "SCENELET_TRUSTED_HOSTS"  # as of a service: servers of your own network
_ELSE = "Give a folder, a table, an archive or an address such as s3://bucket/photos."
_EXTRAS = {"s3fs": "s3", "gcsfs": "gs", "adlfs": "az", "huggingface_hub": "hf"}
_STAMPS = (  # what file systems call that which changes when the bytes do
    *("ETag", "etag", "md5Hash", "content_md5", "blob_id", "oid", "crc32c"),
    *("LastModified", "last_modified", "updated", "mtime", "size"),
)


@dataclass(frozen=True)
class Remote:
    """Whatever lies at an address.

    Attributes:
        address: As `address_of` gives it.
        level: As `layout.lay_out` takes it.
        columns: What its own table calls our columns, where a person said so.
    """

    address: str
    level: str = ""
    columns: Columns = ()

    @property
    def name(self) -> str:
        """The address, an archive's as people write it."""
        return self.address.replace("zip://::", "zip://")

    @property
    def is_far(self) -> bool:
        """Whether a network lies between."""
        return not is_here(self.address)

    def entries(self) -> Iterator[Entry]:
        """Every file at the address."""
        root = _of_s3(self.address) or opened(self.address)[1]
        try:
            found = _found(self.address, root)
        except Exception as error:  # each system raises its own types
            raise DataError(f"{self.name}: can't be listed ({_kind(error)}).") from error
        if not found:
            raise DataError(f"{self.name}: nothing there. Give an address that holds pictures.")
        start = len(f"{root.strip('/')}/".lstrip("/"))
        told = sorted((path.lstrip("/")[start:], told) for path, told in found.items())
        if self.is_far:
            self._stamps.write((printable(path), stamp_of(info)) for path, info in told)
        return (self._entry(path) for path, _ in told)

    def list(self) -> Listing:
        """As its own table or its folders say."""
        folder = re.split(r"[/:]+", self.address.rstrip("/"))[-1]
        return listed(self, folder.removesuffix(".zip"), self.level, self.columns)

    def read(self, path: str) -> bytes:
        """Bytes of a file: kept, else fetched now and kept; of an address of its own, too."""
        if has_own_address(path):
            return fetched(path)
        if not self.is_far:
            return self._fetched(path)
        stamp = self._stamps.of(path)
        if not stamp:  # nobody listed it: whether it has changed can't be told
            return self._fetched(path)
        key = f"{self.address}\n{path}\n{stamp}"
        return pictures_cache().get(key, lambda: self._fetched(path))

    @property
    def _stamps(self) -> Stamps:
        return pictures_cache().stamps_of(self.address)

    def _entry(self, path: str) -> Entry:
        def head() -> bytes:
            return self._fetched(path, LOOKED_AT)

        try:
            return Entry(printable(path), reason_of(path, head))
        except UnreadableImageError as error:
            return Entry(printable(path), str(error))

    def _fetched(self, path: str, most: int | None = None) -> bytes:
        return _contents(self.address, raw(path), most)


def fetched(address: str) -> bytes:
    """Bytes of a picture that has an address of its own; kept, and not asked for again while so.

    Raises:
        UnreadableImageError: They can't be had.
    """
    return pictures_cache().get(address, lambda: _fetched_now(address))


def _fetched_now(address: str) -> bytes:
    if is_web(address):
        return _from_web(address)
    home, _, name = address.rpartition("/")
    return _contents(home, name)


def _from_web(address: str) -> bytes:
    hosts = with_commas(os.environ.get(TRUSTED, ""))
    try:
        return fetch(address, FetchLimits(trusted=frozenset(hosts)))
    except FetchError as error:
        raise UnreadableImageError(f"can't be fetched: {error}") from error


def _of_s3(address: str) -> str:
    """BUCKET/KEY of an address that needs no settings of s3fs, whose import takes its time."""
    is_s3 = address.startswith("s3://") and "::" not in address
    is_set = is_s3 and _fsspec_for(address).config.conf.get("s3")
    return address.removeprefix("s3://") if is_s3 and not is_set else ""


def _found(address: str, root: str) -> Mapping[str, Mapping[str, Any]]:
    """Every file below a root, and what its system tells of it."""
    if _of_s3(address) and (quickly := s3.listed(root)):
        return quickly
    system, _ = opened(address)
    system.invalidate_cache()  # what lies there now, not when it was last asked
    found: dict[str, dict[str, Any]] = system.find(root, detail=True)
    return found


def within(address: str, folder: str = "") -> list[tuple[str, bool]]:
    """What lies in a folder below an address: paths below the address, and which is a folder."""
    root = _of_s3(address)
    told = s3.within(f"{root}/{folder}") if root else None
    if told is None:
        system, root = opened(address)
        if not folder:
            system.invalidate_cache()  # what lies there now, not when it was last asked
        place = f"{root.rstrip('/')}/{folder}" if folder else root
        told = [
            (each["name"], each["type"] == "directory") for each in system.ls(place, detail=True)
        ]
    start = len(f"{root.strip('/')}/".lstrip("/"))
    return [(path.strip("/")[start:], is_folder) for path, is_folder in told]


def exists(address: str) -> bool:
    """Whether something lies at an address."""
    if (place := _of_s3(address)) and (quickly := s3.exists(place)) is not None:
        return quickly
    system, root = opened(address)
    return bool(system.exists(root))


def _contents(address: str, path: str, most: int | None = None) -> bytes:
    """Bytes of a file below an address, or its first `most`."""
    try:
        if root := _of_s3(address):
            return s3.contents(f"{root.rstrip('/')}/{path}", most)
        system, root = opened(address)
        place = f"{root.rstrip('/')}/{path}".lstrip("/") if root else path
        return bytes(system.cat_file(place, start=None if most is None else 0, end=most))
    except SceneletError:  # the address itself can't be opened
        raise
    except Exception as error:  # each system raises its own types
        raise UnreadableImageError(f"can't be read: {_kind(error)}") from error


def stamp_of(info: Mapping[str, Any]) -> str:
    """What changes when a file's bytes do, of what its file system tells of it."""
    return " ".join(str(info[name]) for name in _STAMPS if info.get(name) is not None)


def _fsspec_for(address: str) -> Any:
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtraError(
            f"{address}: addresses need fsspec. Install it with: pip install fsspec"
        ) from error
    return fsspec


@lru_cache(maxsize=8)
def opened(address: str) -> tuple[Any, str]:
    """File system and path of an address."""
    fsspec, protocol = _fsspec_for(address), address.partition("://")[0]
    if protocol not in fsspec.available_protocols():
        raise DataError(f"{address}: nothing is known of {protocol}://. {_ELSE}")
    try:
        system, root = fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise MissingExtraError(_missing(address, error)) from error
    except Exception as error:  # each system raises its own types
        raise DataError(f"{address}: can't be opened ({_kind(error)}). {_ELSE}") from error
    if archive := getattr(system, "zip", None):
        mend_names(archive)
    return system, str(root)


def _missing(address: str, error: ImportError) -> str:
    """What to install for an address."""
    wanted = next((name for name in _EXTRAS if name in str(error)), "")
    if not wanted:
        return f"{address}: {error}"
    return f"{address}: needs {wanted}. Install it with: pip install 'scenelet[{_EXTRAS[wanted]}]'"


def _kind(error: Exception) -> str:
    """An error of somebody else in a word, without its text."""
    if "is encrypted" in str(error):  # of zipfile, a RuntimeError
        return "locked by a password: unpack it"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    return words.removesuffix(" error")
