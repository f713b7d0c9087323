"""A shelf at an address of fsspec: a bucket that several machines share."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from scenelet.dataset.address import address_of
from scenelet.dataset.remote import opened
from scenelet.errors import ArtefactError
from scenelet.shelf import FolderShelf, Shelf

_CLOCK = ".clock"


@dataclass(frozen=True)
class BucketShelf:
    """Objects below an address.

    Attributes:
        address: As `address_of` gives it, without a slash at its end.
    """

    address: str

    @property
    def name(self) -> str:
        """The address."""
        return self.address

    def names(self, below: str = "") -> list[str]:
        """Of all objects below the address, as they are now."""
        system, root = opened(self.address)
        start = len(root.strip("/")) + 1
        system.invalidate_cache()
        try:
            found = system.find(f"{root}/{below}".rstrip("/"))
        except FileNotFoundError:
            return []
        except Exception as error:  # each system raises its own types
            raise self._refused("listed", error) from error
        names = (path.lstrip("/")[start:] for path in found)
        return sorted(name for name in names if not name.rpartition("/")[2].startswith("."))

    def read(self, name: str) -> bytes:
        """The bytes of an object."""
        system, root = opened(self.address)
        try:
            return bytes(system.cat_file(f"{root}/{name}"))
        except FileNotFoundError as error:
            raise KeyError(name) from error
        except Exception as error:  # each system raises its own types
            raise self._refused("read", error) from error

    def write(self, name: str, data: bytes) -> None:
        """One PUT."""
        system, root = opened(self.address)
        try:
            system.pipe_file(f"{root}/{name}", data)
        except Exception as error:  # each system raises its own types
            raise self._refused("written", error) from error

    def claim(self, name: str, data: bytes) -> bool:
        """One PUT that the store refuses where there is an object (S3: `If-None-Match: *`)."""
        system, root = opened(self.address)
        try:
            system.pipe_file(f"{root}/{name}", data, mode="create")
        except FileExistsError:
            return False
        except Exception as error:  # each system raises its own types
            if _is_taken(error):
                return False
            raise self._refused("written", error) from error
        return True

    def remove(self, name: str) -> None:
        """Remove an object."""
        system, root = opened(self.address)
        try:
            system.rm_file(f"{root}/{name}")
        except FileNotFoundError:
            return
        except Exception as error:  # each system raises its own types
            raise self._refused("removed", error) from error

    def age_s(self, name: str) -> float | None:
        """By the times that the store gives to this object and to one written just now."""
        written = self._written(name)
        if written is None:
            return None
        self.write(_CLOCK, b"")
        now = self._written(_CLOCK) or datetime.now(UTC)
        return max(0.0, (now - written).total_seconds())

    def _written(self, name: str) -> datetime | None:
        system, root = opened(self.address)
        system.invalidate_cache()
        try:
            when: datetime = system.modified(f"{root}/{name}")
        except FileNotFoundError:
            return None
        return when if when.tzinfo else when.replace(tzinfo=UTC)

    def _refused(self, verb: str, error: Exception) -> ArtefactError:
        return ArtefactError(
            f"{self.address}: can't be {verb} ({type(error).__name__}). Give another place, or"
            " credentials that may."
        )


def shelf_at(place: str | Path) -> Shelf:
    """The shelf of a folder or an address.

    Raises:
        MissingExtraError: The package of the address is not installed.
    """
    address = address_of(str(place))
    if not address:
        return FolderShelf(Path(place))
    opened(address)
    return BucketShelf(address.rstrip("/"))


def _is_taken(error: Exception) -> bool:
    """Whether a store says 412: there is an object already (or 409: somebody writes it now)."""
    said: Any = f"{error} {error.__cause__}"
    return any(word in said for word in ("PreconditionFailed", "ConditionalRequestConflict", "412"))
