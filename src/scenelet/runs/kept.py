"""A folder that is worked in here and kept on a shelf: a run or a search whose home is a bucket.

What a reader or the next start goes by is sent last, so that a kill at any moment leaves there what
it leaves on a disk.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from scenelet.artefacts import make_folder, write_bytes
from scenelet.lease import Lease, leased
from scenelet.scratch import scratch
from scenelet.shelf import Shelf

_LAST = ("data.json", "last.ckpt", "result.json", "study.db")  # in this order
_HERE = (".uint8", ".lock", ".part", "-wal", "-shm", "-journal")  # of use to this machine alone


@dataclass
class Kept:
    """A folder and its home.

    Attributes:
        folder: Here.
        shelf: Its home.
        lease: Without which nothing is sent; None where another process holds it for this one.
    """

    folder: Path
    shelf: Shelf
    lease: Lease | None = None
    _sent: dict[str, tuple[int, int]] = field(default_factory=dict)

    def fetch(self) -> None:
        """Get everything that is on the shelf.

        Raises:
            ArtefactError: It can't be read, or written here.
        """
        for name in self.shelf.names():
            if not name.startswith("lease/"):
                place = self.folder / name
                make_folder(place.parent)
                write_bytes(place, self.shelf.read(name))
                self._sent[name] = _stamp(place)

    def send(self) -> None:
        """Send what has changed, and remove what is gone.

        Raises:
            ConfigError: Another process has taken over.
            ArtefactError: It can't be sent.
        """
        if self.lease:
            self.lease.check()
        here = {path.relative_to(self.folder).as_posix(): path for path in _files(self.folder)}
        for name in sorted(here, key=_order):
            stamp = _stamp(here[name])
            if self._sent.get(name) != stamp:
                self.shelf.write(name, here[name].read_bytes())
                self._sent[name] = stamp
        for name in set(self._sent) - set(here):
            self.shelf.remove(name)
            del self._sent[name]


@contextmanager
def kept(shelf: Shelf, name: str, what: str) -> Iterator[Kept]:
    """A folder here with what is on a shelf, which nobody else changes meanwhile.

    Args:
        shelf: Its home.
        name: Of the folder.
        what: Is done there, as `lease.leased` takes it.

    Raises:
        ConfigError: Another process is at it.
    """
    with leased(shelf, what) as lease, scratch("home") as aside:
        found = Kept(make_folder(aside / name), shelf, lease)
        found.fetch()
        yield found


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.startswith(".") and not path.name.endswith(_HERE):
            yield path


def _order(name: str) -> tuple[int, str]:
    last = name.rpartition("/")[2]
    return (_LAST.index(last) + 1 if last in _LAST else 0), name


def _stamp(path: Path) -> tuple[int, int]:
    told = path.stat()
    return told.st_mtime_ns, told.st_size
