"""Addresses as people write them: of places, and of single pictures in a table. Opens nothing."""

import re
from pathlib import Path

_WEB = frozenset(("http", "https"))
_STORES = frozenset(("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "hf"))
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


def has_own_address(path: str) -> bool:
    """Whether a row's path says by itself where its picture is, on the web or in a store.

    Nothing else is: a table that somebody sent never names files of this machine by address.
    """
    return path.partition("://")[0].lower() in _WEB | _STORES and "://" in path


def is_web(address: str) -> bool:
    """Whether it begins with http:// or https://."""
    return address.lower().startswith(("http://", "https://"))


def is_here(address: str) -> bool:
    """Whether it leads to this machine alone: a file, an archive of one, memory."""
    words = re.findall(r"([a-z0-9+.-]+):/", address.lower())
    return all(word in ("zip", "file", "local", "memory", "tar") for word in words)


def is_far(place: str) -> bool:
    """Whether a network lies between this machine and a place that a person named."""
    address = address_of(place)
    return bool(address) and not is_here(address)
