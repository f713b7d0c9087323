"""How the answers to a few held-out pictures grow, epoch by epoch: written by training, read back.

Knows nothing of torch.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scenelet.artefacts import write_json

MOST = 12  # pictures


@dataclass(frozen=True)
class Answered:
    """What one epoch's weights answered to a picture.

    Attributes:
        label: The likeliest class.
        probability: Of it.
        of_truth: Probability of the class that the picture is labelled as.
    """

    label: str
    probability: float
    of_truth: float


@dataclass(frozen=True)
class Growing:
    """A few held-out pictures and what was answered to them.

    Attributes:
        pictures: (path, label) of each.
        epochs: Number of the epoch, from 0, and an answer a picture.
    """

    pictures: tuple[tuple[str, str], ...]
    epochs: Mapping[int, tuple[Answered, ...]]


def some_of_each(labels: Sequence[int], most: int = MOST) -> list[int]:
    """Places of a few pictures: one of each class in turn, until there are enough."""
    turn: dict[int, int] = {}
    order = []
    for place, label in enumerate(labels):
        turn[label] = turn.get(label, 0) + 1
        order.append((turn[label], label, place))
    return sorted(place for _, _, place in sorted(order)[:most])


def write_growing(path: Path, growing: Growing) -> None:
    """Write it as JSON, whole or not at all.

    Raises:
        ArtefactError: It can't be written.
    """
    epochs = {number: [asdict(each) for each in told] for number, told in growing.epochs.items()}
    write_json(path, {"pictures": growing.pictures, "epochs": epochs})


def read_growing(path: Path) -> Growing | None:
    """What a training has written so far; None where it has not, or it can't be read."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        pictures = tuple((str(name), str(label)) for name, label in values["pictures"])
        epochs = {int(number): _answers(told) for number, told in values["epochs"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return Growing(pictures, epochs)


def _answers(told: Iterable[Mapping[str, object]]) -> tuple[Answered, ...]:
    return tuple(Answered(**each) for each in told)  # type: ignore[arg-type]
