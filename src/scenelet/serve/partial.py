"""Answers of a batch that is under way: a line each, beside the table that is to come.

Whether to go on with them is decided by what the files hold, not by how many there are. Knows no
model.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from scenelet.errors import ConfigError
from scenelet.serve.tables import Row, line

HASH = "digest"  # of the bytes that were answered; not part of the table
UNWRITTEN_BYTES = 65_536  # about a hundred answers: what a kill costs


def file_hash(data: bytes) -> str:
    """Of a file's bytes: 16 hexadecimal digits."""
    return blake2b(data, digest_size=8).hexdigest()


@dataclass(frozen=True)
class Partial:
    """The file, and what it must have been begun with.

    Attributes:
        path: Of the file.
        head: Folder and model.
    """

    path: Path
    head: Row

    def done(self) -> list[tuple[str, str]]:
        """Path and hash of each picture that is answered; a line torn by a kill is cut off.

        Raises:
            ConfigError: It was begun with another folder or bundle.
        """
        if not self.path.is_file():
            return []
        with open(self.path, "r+b") as file:
            whole = [each for each in file if each.endswith(b"\n")]
            file.truncate(sum(map(len, whole)))
        if whole and json.loads(whole[0]) != self.head:
            told = "begun with another folder or bundle. Finish that, or remove the file."
            raise ConfigError(f"{self.path}: {told}")
        rows = map(json.loads, whole[1:])
        return [(row["path"], row.get(HASH, "")) for row in rows]

    def left(
        self, names: Iterable[str], hashed: Callable[[str], str], advance: Callable[[], None]
    ) -> Iterator[str]:
        """Pictures not answered yet, of the names in their order.

        Args:
            names: Of all pictures there are now.
            hashed: Hash of the file of a name, now.
            advance: Called for each that is answered already.

        Raises:
            ConfigError: Those answered are not those that are there, name by name and byte by byte.
        """
        names = iter(names)
        for known, expected in self.done():
            name = next(names, "")
            if name != known or hashed(name) != expected:
                raise self._changed(known)
            advance()
        return names

    def append(self, rows: Iterable[Row]) -> None:
        """Write rows behind those that are there."""
        with open(self.path, "ab", buffering=UNWRITTEN_BYTES) as file:
            if not file.tell():
                file.write(line(self.head))
            file.writelines(map(line, rows))

    def rows(self) -> Iterator[Row]:
        """All answers, as the table holds them."""
        with open(self.path, encoding="utf-8") as file:
            next(file)
            for each in file:
                row = json.loads(each)
                row.pop(HASH, None)
                yield row

    def _changed(self, name: str) -> ConfigError:
        return ConfigError(
            f"{self.path}: {name} is no longer there, or another file, since it was begun. Remove"
            f" {self.path.name} to answer the folder anew."
        )
