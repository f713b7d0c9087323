"""What a search leaves behind: its trials as plain values, and which of them no other beats.

Knows nothing of torch; Optuna is imported when a study is read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scenelet.errors import DataError

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import FrozenTrial

State = Literal["complete", "pruned", "running", "fail", "waiting"]
Axis = Literal["size_mb", "latency_ms"]
STUDY = "study.db"
RECIPE = "recipe"  # noted of the trial that is the recipe itself


@dataclass(frozen=True)
class Trial:
    """One trial of a search.

    Attributes:
        number: Of the trial, from 0.
        state: "complete", "pruned" (stopped early or too costly), "running" or "fail".
        dials: Those that the search varies, with the trial's values.
        accuracy: Top-1 on the validation images; None unless complete.
        val_log_loss: There, in nats; None unless complete.
        epochs: Accuracy by epoch (from 0), as far as it was reported.
        size_mb: Megabytes (10^6 bytes) of the float model; None where nobody asked.
        latency_ms: Of one image on one thread; None where nobody asked.
        why: It failed or was not trained; "" otherwise.
        parameters: Number of trained values; None unless complete.
        training_s: Seconds of training; None unless complete.
        is_recipe: Whether it is the recipe itself, none of whose dials was varied.
    """

    number: int
    state: State
    dials: dict[str, Any] = field(default_factory=dict)
    accuracy: float | None = None
    val_log_loss: float | None = None
    epochs: dict[int, float] = field(default_factory=dict)
    size_mb: float | None = None
    latency_ms: float | None = None
    why: str = ""
    parameters: int | None = None
    training_s: float | None = None
    is_recipe: bool = False

    @property
    def title(self) -> str:
        """Its number, and that it is the recipe itself."""
        return f"{self.number} (the recipe)" if self.is_recipe else str(self.number)

    def cost(self, axis: Axis) -> float | None:
        """Size or latency."""
        return self.size_mb if axis == "size_mb" else self.latency_ms


def read_trials(folder: Path) -> list[Trial]:
    """The trials of a search that keeps its study in its own folder; a process may be writing it.

    Raises:
        DataError: There is no study, it is half written, or of another version.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    name, url = folder.resolve().name, f"sqlite:///{(folder / STUDY).resolve()}"
    try:
        return trials_of(optuna.load_study(study_name=name, storage=url))
    except (KeyError, ValueError, RuntimeError, SQLAlchemyError, _storage_error()) as error:
        raise DataError(f"{folder / STUDY}: can't be read as a search.") from error


def trials_of(study: "Study") -> list[Trial]:
    """The trials of a study, in the order of their numbers."""
    return [_trial(each) for each in study.get_trials(deepcopy=False)]


def complete(trials: Iterable[Trial]) -> list[Trial]:
    """Those with an accuracy."""
    return [trial for trial in trials if trial.state == "complete"]


def best(trials: Iterable[Trial]) -> Trial | None:
    """The most accurate complete trial; of equals that of lower log loss, then the earlier."""
    return min(complete(trials), key=_by_accuracy, default=None)


def gain(trials: Iterable[Trial]) -> str:
    """What the search has brought, beside the recipe itself; "" where that is not complete."""
    done = complete(trials)
    leader, own = best(done), next((trial for trial in done if trial.is_recipe), None)
    if leader is None or own is None:
        return ""
    if leader is own:
        return "No trial is better than the recipe itself."
    points = 100 * (_accuracy(leader) - _accuracy(own))
    return f"The recipe itself: {own.accuracy:.2%}, so the search brought {points:.1f} points."


def ranked(trials: Iterable[Trial]) -> list[Trial]:
    """The most accurate first; those without an accuracy last."""
    return sorted(trials, key=lambda trial: (trial.accuracy is None, -(trial.accuracy or 0)))


def front(trials: Sequence[Trial], axis: Axis) -> list[Trial]:
    """Complete trials that no other beats in both accuracy and cost, the cheapest first."""
    costed = [trial for trial in complete(trials) if trial.cost(axis) is not None]
    unbeaten: list[Trial] = []
    for trial in sorted(costed, key=lambda each: (each.cost(axis), *_by_accuracy(each))):
        if not unbeaten or _accuracy(trial) > _accuracy(unbeaten[-1]):
            unbeaten.append(trial)
    return unbeaten


def _by_accuracy(trial: Trial) -> tuple[float, float, int]:
    loss = float("inf") if trial.val_log_loss is None else trial.val_log_loss
    return -_accuracy(trial), loss, trial.number


def _accuracy(trial: Trial) -> float:
    return -1.0 if trial.accuracy is None else trial.accuracy


def _trial(frozen: "FrozenTrial") -> Trial:
    said = frozen.user_attrs
    size_mb, latency_ms = said.get("cost") or (None, None)
    return Trial(
        number=frozen.number,
        state=frozen.state.name.lower(),  # type: ignore[arg-type]  # Optuna's names are `State`
        dials=dict(frozen.params),
        accuracy=frozen.values[0] if frozen.values else None,
        val_log_loss=said.get("val_log_loss"),
        epochs=dict(frozen.intermediate_values),
        size_mb=size_mb,
        latency_ms=latency_ms,
        why=said.get("why", ""),
        parameters=said.get("parameters"),
        training_s=said.get("training_s"),
        is_recipe=RECIPE in said,
    )


def _storage_error() -> type[Exception]:
    from optuna.exceptions import StorageInternalError

    return StorageInternalError
