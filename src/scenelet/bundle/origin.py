"""Where a bundle comes from: data, recipe, weights it began with, machine.

Plain values, for card and contract.
"""

from typing import TYPE_CHECKING, Annotated

from scenelet.bundle.figures import Count, Histogram, Measure
from scenelet.bundle.plain import Plain, Range

if TYPE_CHECKING:
    from dataclasses import dataclass
else:  # the same, made quickly
    from scenelet.records import dataclass

SPLITS = ("train", "val")


@dataclass(frozen=True)
class Ancestor:
    """Weights that a training began with, or learned from.

    Attributes:
        origin: As it was asked for.
        weights: Hash of them.
        history: Of their own training; None where nobody recorded it.
    """

    origin: str
    weights: str
    history: "History | None" = None


@dataclass(frozen=True)
class Learned:
    """What a published backbone learned from.

    Attributes:
        name: Of the network.
        data: That it was trained on.
        licence: Of its weights.
        sha256: Of the file with them.
    """

    name: str
    data: str
    licence: str
    sha256: str


@dataclass(frozen=True)
class History:
    """What a training began with (None: from scratch), and who taught it besides the labels.

    Attributes:
        init: What it began with.
        teachers: Who taught it.
        learned_from: Of a published backbone.
    """

    init: Ancestor | None
    teachers: tuple[Ancestor, ...]
    learned_from: Learned | None = None


@dataclass(frozen=True)
class Profile:
    """What the pictures looked like.

    Attributes:
        median_width: Of the training images, in pixels.
        median_height: Of the training images, in pixels.
        different_pictures: Of the training images, by pixel hash.
        measures: Brightness, sharpness, ... of the validation images.
    """

    median_width: Measure
    median_height: Measure
    different_pictures: Count
    measures: dict[str, Histogram]


@dataclass(frozen=True)
class Outcome:
    """How the training ended.

    Attributes:
        epochs: Trained.
        best_epoch: The one taken, by validation log loss.
        training_s: Seconds.
        parameters: Number of trained values.
    """

    epochs: Count
    best_epoch: Count
    training_s: Measure
    parameters: Count


@dataclass(frozen=True)
class Environment:
    """What a training was computed with.

    Attributes:
        versions: Of Python and of each package.
        system: And processor.
        cores: Of the machine.
        threads: Used.
        device: "cpu" or the name of the GPU.
        precision: Of the computation.
        command: Words of the command line.
    """

    versions: dict[str, str]
    system: str
    cores: Annotated[int, Range(1)]
    threads: Annotated[int, Range(1)]
    device: str
    precision: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Training:
    """From which data, how, and where.

    Attributes:
        images: Split -> class name -> images.
        excluded: Images left out as unusable.
        fingerprint: Of pixels, labels and split.
        profile: Of the pictures.
        network: Layers, as `learn` builds them.
        history: What it began with, and who taught it.
        recipe: Every dial.
        outcome: How it ended.
        environment: What it was computed with.
    """

    images: dict[str, dict[str, Count]]
    excluded: Count
    fingerprint: str
    profile: Profile
    network: dict[str, Plain]
    history: History
    recipe: dict[str, Plain]
    outcome: Outcome
    environment: Environment

    @property
    def folds(self) -> int:
        """Networks that judged all images in turn; 1: a validation part did."""
        return int(str(self.recipe.get("folds") or 1))

    def count(self, split: str) -> int:
        """Images of a split."""
        return sum(self.images.get(split, {}).values())
