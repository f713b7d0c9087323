"""Drift.

Whether today's pictures, by a service's logs or answered now, still look like those that the bundle
was validated on.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from scenelet.bundle import logline
from scenelet.bundle.contract import Contract
from scenelet.bundle.figures import Histogram
from scenelet.errors import DataError
from scenelet.text import shell

SIGNIFICANCE = 0.01
SLIGHT, STRONG = 0.1, 0.25
UNCHANGED = "no drift shown"
LEAST_ANSWERS = 50
LEAST_IN_A_BIN = 10


def next_commands(shifts: "Sequence[Shift]", bundle: Path, asked: Sequence[Path]) -> list[str]:
    """What to do now: of other pictures, label some and learn them; else look again later.

    Args:
        shifts: By `measure_drift`.
        bundle: Its folder.
        asked: Logs and places of pictures that were looked at.
    """
    again = shell("scenelet", "drift", *asked, "--bundle", bundle)
    if all(shift.verdict == UNCHANGED for shift in shifts):
        return [again]
    return [shell("scenelet", "app", "--bundle", bundle), shell("scenelet", "collect"), again]


@dataclass(frozen=True)
class Logged:
    """What the lines of a log say.

    Attributes:
        labels: Answers.
        measures: Name -> values, one an answer.
        abstained: Part of the answers.
        strangers: Part of the pictures.
        lines: Read.
        passed_over: That are none of ours.
    """

    labels: list[str]
    measures: dict[str, list[float]]
    abstained: float
    strangers: float
    lines: int
    passed_over: int


@dataclass(frozen=True)
class Shift:
    """One measure, or the mix of the answers, then and now.

    Attributes:
        name: Of the measure.
        bins: Name of each bin.
        expected: Share of each bin on the validation images.
        found: Share today.
        stability_index: Size of the shift, less what chance makes of it: 0 none, under 0.1 small,
            over 0.25 strong.
        p_value: How often chance alone makes as large a shift (chi-square test of homogeneity),
            adjusted for the number of measures.
        verdict: "no drift shown", "slight drift" or "drift".
    """

    name: str
    bins: list[str]
    expected: list[float]
    found: list[float]
    stability_index: float
    p_value: float
    verdict: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def read_logs(
    paths: Sequence[Path], contract: Contract, pictures: Mapping[str, Iterable[str]] | None = None
) -> Logged:
    """Read metric lines, as the handler prints them, out of log files.

    Anything else in them is passed over.

    Args:
        paths: Files of lines; a line may have a time or a stream name before its JSON, as
            downloaded logs do.
        contract: Of the bundle; lines of others, and of other versions of it, are passed over.
        pictures: The same lines of pictures that were answered now, by where these lie.

    Raises:
        DataError: A file can't be read, or too few answers are in them.
    """
    answered = pictures or {}
    lines = chain.from_iterable([*map(_lines, paths), *answered.values()])
    return read_lines(lines, ", ".join([*map(str, paths), *answered]), contract)


def read_lines(lines: Iterable[str], where: str, contract: Contract) -> Logged:
    """The same of lines that are at hand.

    Args:
        lines: Of logs.
        where: They come from, for messages.
        contract: Of the bundle.

    Raises:
        DataError: Too few answers are in them.
    """
    found = [_parsed(line) for line in lines]
    ours = [row for row in found if row and row[logline.BUNDLE] == contract.name]
    rows = [row for row in ours if row.get(logline.VERSION) == contract.created]
    if len(rows) < LEAST_ANSWERS:
        others = f" ({len(ours) - len(rows):,} of other versions of it)" if ours else ""
        raise DataError(
            f"{where}: found {len(rows)} answers of"
            f" {contract.name}{others} in {len(found):,} lines, at least {LEAST_ANSWERS} needed."
            " Give more of the log, more pictures, or the bundle that answered."
        )
    return Logged(
        labels=[str(row[logline.LABEL]) for row in rows],
        measures={
            name: [float(row[key]) for row in rows] for name, key in logline.MEASURES.items()
        },
        abstained=float(np.mean([row[logline.ABSTAINED] for row in rows])),
        strangers=float(np.mean([row[logline.STRANGERS] for row in rows])),
        lines=len(found),
        passed_over=len(found) - len(rows),
    )


def _lines(path: Path) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            yield from file
    except OSError as error:
        raise DataError(
            f"{path}: can't be read: {error.strerror}. Give the service's log files."
        ) from error


def _parsed(line: str) -> dict[str, Any] | None:
    start = line.find("{")
    if start < 0 or f'"{logline.MARK}"' not in line:
        return None
    try:
        row = json.loads(line[start:])
        usable = _has_numbers(row)
    except (ValueError, KeyError, TypeError):
        return None
    return row if usable and {logline.BUNDLE, logline.LABEL} <= row.keys() else None


def _has_numbers(row: dict[str, Any]) -> bool:
    names = (*logline.MEASURES.values(), logline.ABSTAINED, logline.STRANGERS)
    return all(np.isfinite(float(row[name])) for name in names)


def measure_drift(contract: Contract, logged: Logged) -> list[Shift]:
    """Compare the logs with the profile in the bundle.

    Args:
        contract: Of the bundle that answered.
        logged: Of its logs.
    """
    profile, seen = contract.training.profile.measures, contract.figures.images
    compared = [
        _of_measure(name, profile[name], seen, values) for name, values in logged.measures.items()
    ]
    compared.append(_of_answers(contract, logged.labels))
    adjusted = _holm([each.p_value() for each in compared])
    return [each.shift(p_value) for each, p_value in zip(compared, adjusted, strict=True)]


@dataclass(frozen=True)
class _Counts:
    """How many validation images and logged answers fell into the bins of a measure."""

    name: str
    bins: list[str]
    expected: np.ndarray
    found: np.ndarray

    def p_value(self) -> float:
        """How often chance alone makes as large a shift."""
        from scipy.stats import chi2_contingency

        table = np.stack([self.expected, self.found])
        table = table[:, table.sum(0) > 0]
        return float(chi2_contingency(table).pvalue) if table.shape[1] > 1 else 1.0

    def index(self) -> float:
        """The stability index, less what chance alone makes of it."""
        totals = np.array([self.expected.sum(), self.found.sum()])
        shares = np.stack([self.expected, self.found]) / totals[:, None]
        then, now = np.maximum(shares, 0.5 / totals[:, None])
        by_chance = (len(self.bins) - 1) * float((1 / totals).sum())
        return max(0.0, float(((now - then) * np.log(now / then)).sum()) - by_chance)

    def shift(self, p_value: float) -> Shift:
        """With the p-value adjusted for all that was compared."""
        expected, found = (each / each.sum() for each in (self.expected, self.found))
        index = self.index()
        return Shift(
            name=self.name,
            bins=self.bins,
            expected=expected.tolist(),
            found=found.tolist(),
            stability_index=index,
            p_value=p_value,
            verdict=_verdict(index, p_value),
        )


def _verdict(index: float, p_value: float) -> str:
    if p_value >= SIGNIFICANCE or index < SLIGHT:
        return UNCHANGED
    return "drift" if index >= STRONG else "slight drift"


def _of_measure(name: str, then: Histogram, seen: int, values: Sequence[float]) -> _Counts:
    """In bins so wide that chance leaves none of them empty."""
    wanted = max(2, min(seen, len(values)) // LEAST_IN_A_BIN)
    groups = np.array_split(np.arange(len(then.shares)), min(wanted, len(then.shares)))
    edges = [then.edges[group[-1]] for group in groups[:-1]]
    expected = np.array([np.array(then.shares)[group].sum() for group in groups]) * seen
    places = np.searchsorted(edges, values, side="right")
    return _Counts(name, _bin_names(edges), expected, np.bincount(places, minlength=len(groups)))


def _of_answers(contract: Contract, labels: Sequence[str]) -> _Counts:
    """By class; the rare ones together."""
    then, now = np.array(contract.figures.confusion_matrix).sum(0), Counter(labels)
    found = np.array([now[name] for name in contract.class_names])
    share = then / then.sum()
    rare = share * min(then.sum(), len(labels)) < LEAST_IN_A_BIN / 2
    names = [name for name, few in zip(contract.class_names, rare, strict=True) if not few]
    expected, found = (
        np.append(each[~rare], each[rare].sum()) if rare.any() else each for each in (then, found)
    )
    return _Counts("answers", [*names, *(["others"] if rare.any() else [])], expected, found)


def _holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted for how many there are (Holm 1979)."""
    order = np.argsort(p_values)
    steps = np.array(p_values)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return [float(value) for value in adjusted]


def _bin_names(edges: Iterable[float]) -> list[str]:
    known = [f"{edge:.3g}" for edge in edges]
    if not known:
        return ["all"]
    return [
        f"to {known[0]}",
        *(f"{low} to {high}" for low, high in pairwise(known)),
        f"over {known[-1]}",
    ]
