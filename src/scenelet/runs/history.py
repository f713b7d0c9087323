"""What a training writes after each epoch, read back as numbers; and which epoch it chose.

Knows nothing of torch.
"""

import csv
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from scenelet.artefacts import write_text
from scenelet.text import csv_of


@dataclass(frozen=True)
class Epoch:
    """Figures of one epoch.

    Attributes:
        epoch: Its number, from 0.
        train_loss: Mean loss of its steps, in nats, of augmented pictures and smoothed labels.
        val_log_loss: Of the averaged weights on the validation images, in nats, at the temperature
            that suits them; None where there are none (the final network of several folds).
        val_top1_accuracy: Part of the validation images that they answer rightly; None likewise.
        learning_rate: Of the head, at its end.
        epoch_s: Seconds that it took, validation included.
    """

    epoch: int
    train_loss: float
    val_log_loss: float | None
    val_top1_accuracy: float | None
    learning_rate: float
    epoch_s: float

    @property
    def number(self) -> int:
        """As people count, from 1."""
        return self.epoch + 1


def chosen(epochs: Sequence[Epoch]) -> Epoch | None:
    """The epoch whose weights training keeps: of lowest validation log loss, of equals the first.

    Where nothing validates, the last.
    """
    losses = [(loss, each) for each in epochs if (loss := each.val_log_loss) is not None]
    if not losses:
        return max(epochs, key=lambda each: each.epoch, default=None)
    return min(losses, key=lambda pair: (pair[0], pair[1].epoch))[1]


def read_history(path: Path) -> list[Epoch]:
    """The epochs that a training has come to; none where it has not ended one.

    Args:
        path: metrics.csv of the run. A training may be writing it: whoever reads sees it whole.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            return [_epoch(row) for row in csv.DictReader(file)]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def write_history(path: Path, epochs: Sequence[Epoch]) -> None:
    """Write metrics.csv, one row an epoch.

    Raises:
        ArtefactError: It can't be written.
    """
    names = [each.name for each in fields(Epoch)]
    write_text(path, csv_of(names, map(astuple, epochs)))


def _epoch(row: dict[str, str]) -> Epoch:
    figures = [each.name for each in fields(Epoch) if each.name != "epoch"]
    values = {name: float(row[name]) if row[name] else None for name in figures}
    return Epoch(int(row["epoch"]), **values)  # type: ignore[arg-type]
