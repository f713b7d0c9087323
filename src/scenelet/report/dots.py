"""Trust to be seen: of a hundred pictures, how many are answered, and how many of these rightly.

One drawing for pages, reports, cards and documents. Knows nothing of bundles.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Protocol

RIGHT, WRONG, RING = "#3b7dd8", "#d1495b", "#8a949e"  # seen on light pages and on dark ones
ACROSS, STEP, RADIUS = 20, 18, 7


@dataclass(frozen=True)
class Hundred:
    """What becomes of a hundred pictures.

    Attributes:
        right: Answered rightly.
        wrong: Answered wrongly.
        low: Least that would be answered rightly, by the 95 % interval.
        high: Most.
    """

    right: int
    wrong: int
    low: int
    high: int

    @property
    def answered(self) -> int:
        """Of the hundred."""
        return self.right + self.wrong

    @property
    def words(self) -> str:
        """In one sentence, for those who can't see the dots and beside them for all others."""
        if not self.answered:
            return "Of 100 pictures like these it answers none: to each it says “I'd rather not”."
        right = f"{self.right} of them rightly (95 % interval {self.low} to {self.high})"
        told = f"Of 100 pictures like these it answers {self.answered}, {right}"
        left = 100 - self.answered
        return f"{told}." if not left else f"{told}; to {left} it says “I'd rather not”."


class Within(Protocol):
    """A share with its interval, 0-1; the value is None where nothing was observed."""

    @property
    def value(self) -> float | None:
        """Observed."""

    @property
    def low(self) -> float:
        """Lower end."""

    @property
    def high(self) -> float:
        """Upper end."""


def hundred(answered: float, accuracy: Within) -> Hundred:
    """Shares as whole pictures.

    Args:
        answered: Part of all pictures, 0-1.
        accuracy: Part of the answers that is right.
    """
    count = round(100 * answered)
    shares = (accuracy.value or 0.0, accuracy.low, accuracy.high)
    right, low, high = (min(count, round(100 * answered * share)) for share in shares)
    return Hundred(right, count - right, low, high)


def dots_svg(shown: Hundred) -> str:
    """An SVG picture: filled, right; crossed out, wrong; a ring, not answered."""
    kinds = chain(
        repeat(_right, shown.right),
        repeat(_wrong, shown.wrong),
        repeat(_ring, 100 - shown.answered),
    )
    drawn = "".join(draw(x, y) for draw, (x, y) in zip(kinds, _places(), strict=True))
    width, height = ACROSS * STEP, 100 // ACROSS * STEP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img"><title>{shown.words}</title>{drawn}</svg>'
    )


def dots_uri(shown: Hundred) -> str:
    """The same as data URI."""
    return f"data:image/svg+xml;base64,{base64.b64encode(dots_svg(shown).encode()).decode()}"


def _places() -> Iterator[tuple[int, int]]:
    """Middles of the hundred dots, row by row."""
    for place in range(100):
        yield (
            place % ACROSS * STEP + STEP // 2,
            place // ACROSS * STEP + STEP // 2,
        )


def _right(x: int, y: int) -> str:
    return f'<circle cx="{x}" cy="{y}" r="{RADIUS}" fill="{RIGHT}"/>'


def _wrong(x: int, y: int) -> str:
    arm = RADIUS // 2
    cross = f"M{x - arm} {y - arm}l{2 * arm} {2 * arm}m0 -{2 * arm}l-{2 * arm} {2 * arm}"
    disc = f'<circle cx="{x}" cy="{y}" r="{RADIUS}" fill="{WRONG}"/>'
    return f'{disc}<path d="{cross}" stroke="#fff" stroke-width="2"/>'


def _ring(x: int, y: int) -> str:
    return (
        f'<circle cx="{x}" cy="{y}" r="{RADIUS - 1}" fill="none" stroke="{RING}"'
        ' stroke-width="1.5"/>'
    )
