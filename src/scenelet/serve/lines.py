"""Pictures that are at hand, answered now: the lines that a service would have logged."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from scenelet.errors import SceneletError
from scenelet.parallel import Advance, in_parallel, silent
from scenelet.serve.metrics import metric_line
from scenelet.serve.predictor import Predictor

Read = Callable[[str], bytes]


@dataclass(frozen=True)
class Told:
    """Of one picture.

    Attributes:
        path: Of it.
        line: As a log has it; "" where the picture can't be used.
        error: Why it can't.
        stranger_score: How unlike the model's classes it is.
    """

    path: str
    line: str = ""
    error: str = ""
    stranger_score: float = 0.0


def told_of(
    predictor: Predictor,
    paths: Iterable[str],
    read: Read,
    advance: Advance = silent,
    is_far: bool = False,
) -> Iterator[Told]:
    """Answer pictures on all cores, in their order.

    Args:
        predictor: With as many copies as cores.
        paths: Of the pictures.
        read: Bytes of one.
        advance: Called after each.
        is_far: Whether reading waits for a network.
    """
    return in_parallel(partial(_told, predictor, read), paths, advance, is_far)


def _told(predictor: Predictor, read: Read, path: str) -> Told:
    try:
        answer = predictor.predict(read(path), measured=True)
    except SceneletError as error:
        return Told(path, error=str(error))
    return Told(path, metric_line(answer, "line"), stranger_score=answer.stranger_score)
