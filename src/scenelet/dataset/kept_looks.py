"""Looks that an audit keeps on the way, on the shelf of its output: after a kill it goes on there.

OUT/looks/000000.jsonl, 000001.jsonl, ...: one line a picture. Gone when the audit is written.
"""

import json
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import numpy as np

from scenelet import __version__
from scenelet.dataset.faults import Look
from scenelet.shelf import Shelf

EACH_S, MOST = 5.0, 20_000  # seconds, and looks, between two objects
_FOLDER = "looks"
_OLD_S = 24 * 3600  # after which the pictures may be others
_SHAPES = {"thumbnail": (8, 8, 3), "shape": (16, 16)}


class KeptLooks:
    """What was looked at by an audit that was killed, and by this one."""

    def __init__(self, shelf: Shelf) -> None:
        """Read what is there; what is old, or of another version, is removed."""
        self._shelf, self._new = shelf, list[dict[str, Any]]()
        self._next_s = time.monotonic() + EACH_S
        self._found = dict[str, dict[str, Look]]()
        names = shelf.names(_FOLDER)
        if names and (shelf.age_s(names[-1]) or 0.0) > _OLD_S:
            self.remove()
            names = []
        for name in names:
            self._read(name)
        self._number = len(names)

    def of(self, source: str) -> dict[str, Look]:
        """Looks at the pictures of a source, by path."""
        return dict(self._found.get(source, {}))

    def add(self, source: str, looks: Mapping[str, Look]) -> None:
        """Keep looks; they are written every few seconds.

        Raises:
            ArtefactError: They can't be written.
        """
        for path, look in looks.items():
            told = {"version": __version__, "source": source, "path": path}
            self._new.append(told | _plain(look))
        if time.monotonic() >= self._next_s or len(self._new) >= MOST:
            lines = "".join(json.dumps(each) + "\n" for each in self._new)
            self._shelf.write(f"{_FOLDER}/{self._number:06}.jsonl", lines.encode())
            self._new, self._number = [], self._number + 1
            self._next_s = time.monotonic() + EACH_S

    def remove(self) -> None:
        """The audit is written, or what was kept is of no use."""
        for name in self._shelf.names(_FOLDER):
            self._shelf.remove(name)

    def _read(self, name: str) -> None:
        with suppress(ValueError, KeyError, TypeError):  # not ours: those are looked at again
            for line in self._shelf.read(name).decode().splitlines():
                told = json.loads(line)
                version, source, path = (told.pop(key) for key in ("version", "source", "path"))
                if version == __version__:
                    self._found.setdefault(source, {})[path] = _look(told)


def _plain(look: Look) -> dict[str, Any]:
    told = asdict(look)
    for name in _SHAPES:
        told[name] = None if told[name] is None else b64encode(told[name].tobytes()).decode()
    return told


def _look(told: dict[str, Any]) -> Look:
    for name, shape in _SHAPES.items():
        if told[name] is not None:
            told[name] = np.frombuffer(b64decode(told[name]), np.uint8).reshape(shape)
    told["issues"], told["colour"] = tuple(told["issues"]), tuple(told["colour"])
    return Look(**told)
