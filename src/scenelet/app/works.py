"""Works: what the page Train has begun, each a folder and a process of its own.

The process goes on when the page is closed; what it does is read from the folder. Knows nothing of
pages.

trained/NAME/
├── pictures/          that were dropped, a folder a class (or pictures.zip)
├── command.json       the command, and the process that does it
├── log.txt            what it says
└── audit/ runs/ bundles/ evaluation.html NAME.zip     what `scenelet start` writes
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenelet.artefacts import make_folder, write_json
from scenelet.bundle.contract import CONTRACT
from scenelet.dataset.corrections import Correction
from scenelet.dataset.manifest import read_manifest
from scenelet.errors import ConfigError, DataError
from scenelet.locks import held
from scenelet.runs.growing import Growing, read_growing
from scenelet.runs.history import Epoch
from scenelet.runs.run import Run

LOCK = ".start.lock"  # that `scenelet start` holds while it works
STEPS = {
    "data": "Looking at the pictures",
    "explore": "Drawing them",
    "train": "Training",
    "export": "Making the bundle",
    "evaluate": "Judging",
    "package": "Packing for AWS",
}
_VERDICT = "the new one is: "
_REFUSED = "scenelet: "  # begins the line of an error, which is the last
_BEGUN: dict[Path, "subprocess.Popen[bytes]"] = {}  # of this server: to notice their end


@dataclass(frozen=True)
class Work:
    """One training with all that belongs to it.

    Attributes:
        folder: `trained/NAME`.
    """

    folder: Path

    @property
    def name(self) -> str:
        """Of run and bundle."""
        return self.folder.name

    @property
    def pictures(self) -> Path:
        """Of those that were dropped."""
        return self.folder / "pictures"

    @property
    def log(self) -> Path:
        """What the command says."""
        return self.folder / "log.txt"

    @property
    def manifest(self) -> Path:
        """Of the audit."""
        return self.folder / "audit" / "manifest.csv"

    @property
    def run(self) -> Run:
        """Of the training."""
        return Run(self.folder / "runs" / self.name)

    @property
    def bundle(self) -> Path:
        """That is made in the end."""
        return self.folder / "bundles" / self.name

    @property
    def package(self) -> Path:
        """For AWS Lambda."""
        return self.folder / f"{self.name}.zip"

    @property
    def report(self) -> Path:
        """Of what the bundle can do; none where folds judged."""
        return self.folder / "evaluation.html"

    @property
    def data(self) -> str:
        """The place that is trained on.

        Raises:
            DataError: The record is damaged.
        """
        return str(self._record()["data"])

    @property
    def is_running(self) -> bool:
        """Whether its process is at work."""
        begun = _BEGUN.get(self.folder)
        if begun and begun.poll() is None:
            return True
        lock = self.folder / LOCK
        if not lock.exists():
            return False
        try:
            with held(lock, "busy", goes=True):
                return False
        except ConfigError:
            return True

    @property
    def has_bundle(self) -> bool:
        """Whether there is something to try."""
        return (self.bundle / CONTRACT).is_file()

    @property
    def is_complete(self) -> bool:
        """Whether it came to its end."""
        return not self.is_running and self.has_bundle and self.package.is_file()

    def begin(self, data: str, options: Sequence[str] = ()) -> None:
        """Begin, or go on: a process that outlives this one.

        Args:
            data: Place to train on.
            options: Of `scenelet start`.

        Raises:
            ArtefactError: The folder can't be written.
            ConfigError: It is at work already.
        """
        make_folder(self.folder)
        self._require_idle()
        words = ["start", data, "--name", self.name, "--out", str(self.folder)]
        self._do([*words, "--pack", "--no-app", *options])
        record = {"data": data, "options": list(options), "process": _BEGUN[self.folder].pid}
        write_json(self.folder / "command.json", record)

    def improve(self, corrections: Path) -> None:
        """Train again with corrections; the bundle is replaced only where it is not worse.

        Args:
            corrections: Folder of them.

        Raises:
            ArtefactError: The folder can't be written.
            ConfigError: It is at work already.
        """
        self._require_idle()
        places = (str(self.run.folder), str(self.bundle), "--corrections", str(corrections))
        out = ("--out", str(self.folder / "improved"), "--pack", str(self.package))
        self._do(["improve", *places, *out])
        record = self._record() | {"process": _BEGUN[self.folder].pid}
        write_json(self.folder / "command.json", record)

    def _require_idle(self) -> None:
        if self.is_running:
            raise ConfigError(f"{self.name}: is being trained already.")

    def _do(self, words: Sequence[str]) -> None:
        with open(self.log, "wb") as log:
            process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", "scenelet", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _BEGUN[self.folder] = process

    def go_on(self) -> None:
        """Begin again where it was stopped; raises as `begin`."""
        record = self._record()
        self.begin(str(record["data"]), [str(each) for each in record["options"]])

    def stop(self) -> None:
        """End its process and those that it has begun; what is done stays."""
        if self.is_running:
            end = getattr(os, "killpg", os.kill)  # Windows has no groups of processes
            end(int(self._record()["process"]), signal.SIGTERM)

    def steps(self) -> list[str]:
        """Of `STEPS`, those that were begun, in order."""
        lines = self.said().splitlines()
        told = (line.split()[2] for line in lines if line.startswith("$ scenelet "))
        return [each for each in told if each in STEPS]

    def said(self) -> str:
        """The log, so far."""
        try:
            return self.log.read_text(encoding="utf-8", errors="backslashreplace")
        except OSError:
            return ""

    @property
    def refusal(self) -> str:
        """Why its last command could not do its work, in its own line; "" where it could."""
        last = self.said().rstrip().rpartition("\n")[2]
        return last.removeprefix(_REFUSED) if last.startswith(_REFUSED) else ""

    @property
    def verdict(self) -> str:
        """How a bundle that was trained again compares with the one before; "" where none was."""
        told = [line for line in self.said().splitlines() if line.startswith(_VERDICT)]
        return told[-1] if told else ""

    def has_tried(self, found: Iterable[Correction]) -> bool:
        """Whether its last command has learned these very corrections, and come to a verdict.

        Raises:
            DataError: What it learned can't be read.
        """
        manifest = self.folder / "improved" / "manifest.csv"
        if not (self.verdict and manifest.is_file()):
            return False
        added = (row for row in read_manifest(manifest) if row.path.startswith("corrections/"))
        tried = {(Path(row.path).stem, row.label) for row in added}
        return {(each.pixels, each.label) for each in found} <= tried

    def looked_at(self) -> Run:
        """The run whose epochs are to be watched: of several folds, the one at work."""
        runs = [self.run, *map(Run, self.run.folder.glob("folds/*"))]
        begun = {run.metrics_csv: run for run in runs if run.metrics_csv.is_file()}
        return next((begun[file] for file in newest_first(begun)), self.run)

    def epochs(self) -> list[Epoch]:
        """So far."""
        return self.looked_at().history()

    def growing(self) -> Growing | None:
        """What the epochs answered to a few held-out pictures, so far."""
        return read_growing(self.looked_at().growing_json) or read_growing(
            self.run.fold(1).growing_json
        )

    def _record(self) -> dict[str, Any]:
        path = self.folder / "command.json"
        try:
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{path}: missing or damaged. Train under another name.") from error


def works(home: Path) -> list[Work]:
    """All of a folder, the latest first."""
    return [Work(file.parent) for file in newest_first(home.glob("*/command.json"))]


def newest_first(files: Iterable[Path]) -> list[Path]:
    """By when they were written."""
    return sorted(files, key=lambda file: -file.stat().st_mtime)
