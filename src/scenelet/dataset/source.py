"""Source: where the bytes of a data set are, and what its places say of labels and splits."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from scenelet.dataset.row import Row
from scenelet.files import Entry


@dataclass(frozen=True)
class Listing:
    """What a source holds.

    Attributes:
        rows: Its labelled images, sorted by path; nobody has looked into them yet.
        passed_over: Everything else, each with its reason.
        decided: What was made of the layout, one line each, for a person.
    """

    rows: tuple[Row, ...]
    passed_over: tuple[Entry, ...] = ()
    decided: tuple[str, ...] = ()


class Source(Protocol):
    """Where the bytes are."""

    @property
    def name(self) -> str:
        """As a person wrote it: for messages."""

    @property
    def is_far(self) -> bool:
        """Whether reading waits for a network, so that many at once take no longer than one."""

    def entries(self) -> Iterator[Entry]:
        """Every file, with a reason where it is no picture.

        Raises:
            DataError: There is no such place.
        """

    def list(self) -> Listing:
        """Every image with label and split, and everything passed over with a reason.

        Raises:
            DataError: No labelled image there, or no telling what its classes are.
        """

    def read(self, path: str) -> bytes:
        """Bytes of an image.

        Args:
            path: Of a row or an entry.

        Raises:
            UnreadableImageError: They can't be read.
        """
