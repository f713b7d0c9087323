"""Labels that a person gives to pictures, one at a time: a table that every command takes.

None is ever lost: `labels.csv` holds what is so now, `labels.jsonl` beside it all acts
that were ever done, a line each, so that each can be undone. No picture is moved. Knows nothing of
pages.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scenelet.artefacts import make_folder, write_text
from scenelet.errors import DataError
from scenelet.locks import held
from scenelet.text import csv_of

LEFT_OUT, LATER = "left out", "later"  # what X and K say of a picture that gets no label


@dataclass(frozen=True)
class Act:
    """What was said of a picture.

    Attributes:
        path: Of the picture, in its place.
        label: Of its class; "" where it got none.
        why: "", or one of `LEFT_OUT`, `LATER`.
        by: Who said it.
    """

    path: str
    label: str
    why: str = ""
    by: str = ""


@dataclass(frozen=True)
class Labels:
    """A table of labels and how it came to be.

    Attributes:
        table: `labels.csv`.
    """

    table: Path

    @property
    def log(self) -> Path:
        """All acts, one a line."""
        return self.table.with_suffix(".jsonl")

    def acts(self) -> list[Act]:
        """Oldest first; none where there is no table.

        Raises:
            DataError: The log is damaged.
        """
        try:
            lines = self.log.read_text(encoding="utf-8").splitlines()
            return [Act(**json.loads(line)) for line in lines if line.strip()]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError) as error:
            raise DataError(f"{self.log}: damaged. Mend or remove it.") from error

    def say(self, act: Act) -> None:
        """Add an act, and write the table.

        Raises:
            ArtefactError: The folder can't be written.
            DataError: The log is damaged.
        """
        make_folder(self.table.parent)
        with held(self.table.with_suffix(".lock")):
            self._write([*self.acts(), act])

    def undo(self) -> Act | None:
        """Take the last act back; None where there is none. Raises as `say`."""
        make_folder(self.table.parent)
        with held(self.table.with_suffix(".lock")):
            acts = self.acts()
            if not acts:
                return None
            self._write(acts[:-1])
        return acts[-1]

    def _write(self, acts: Sequence[Act]) -> None:
        lines = (json.dumps(asdict(act), ensure_ascii=False) for act in acts)
        write_text(self.log, "".join(f"{line}\n" for line in lines))
        write_text(self.table, as_table(standing(acts).values()))


def standing(acts: Iterable[Act]) -> dict[str, Act]:
    """What is so now: the last word about each picture, by path."""
    return {act.path: act for act in acts}


def as_table(acts: Iterable[Act]) -> str:
    """CSV with path, label and why a picture is left out; what is put off has no row."""
    said = sorted((act for act in acts if act.why != LATER), key=lambda act: act.path)
    rows = ((act.path, act.label, f"{act.why} by hand" if act.why else "") for act in said)
    return csv_of(("path", "label", "excluded"), rows)


def merged(tables: Mapping[str, Labels]) -> tuple[list[Act], dict[str, dict[str, str]]]:
    """One word about each picture from several people's tables.

    Args:
        tables: By who labelled.

    Returns:
        Acts on which all who labelled a picture agree; and of each other picture what each said.

    Raises:
        DataError: A log is damaged.
    """
    said: dict[str, dict[str, Act]] = {}
    for who, labels in tables.items():
        for path, act in standing(labels.acts()).items():
            if act.why != LATER:
                said.setdefault(path, {})[who] = act
    agreed, disputed = [], {}
    for path, acts in said.items():
        words = {(act.label, act.why) for act in acts.values()}
        if len(words) == 1:
            agreed.append(next(iter(acts.values())))
        else:
            disputed[path] = {who: act.label or act.why for who, act in acts.items()}
    return agreed, disputed
