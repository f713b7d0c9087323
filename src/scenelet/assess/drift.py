"""Drift: whether the pictures of a service's logs still look like those its bundle was validated on."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from scenelet.bundle import logline
from scenelet.bundle.contract import Contract
from scenelet.errors import DataError

SIGNIFICANCE = 0.01
SLIGHT, STRONG = 0.1, 0.25
LEAST_ANSWERS = 50


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
        found: Share in the logs.
        stability_index: Size of the shift: 0 none, under 0.1 small, over 0.25 strong.
        p_value: How often chance alone makes as large a shift (chi-square test of homogeneity).
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


def read_logs(paths: Sequence[Path], bundle: str) -> Logged:
    """Read metric lines, as the handler prints them, out of log files.

    Anything else in them is passed over.

    Args:
        paths: Files of lines; a line may have a time or a stream name before its JSON, as
            downloaded logs do.
        bundle: Name; lines of other bundles are passed over.

    Raises:
        DataError: A file can't be read, or too few answers are in them.
    """
    rows, lines = [], 0
    for path in paths:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                for line in file:
                    lines += 1
                    row = _parsed(line, bundle)
                    if row is not None:
                        rows.append(row)
        except OSError as error:
            raise DataError(
                f"{path}: can't be read: {error.strerror}. Give the service's log files."
            ) from error
    if len(rows) < LEAST_ANSWERS:
        raise DataError(
            f"{', '.join(map(str, paths))}: found {len(rows)} answers of {bundle} in {lines:,}"
            f" lines, at least {LEAST_ANSWERS} needed. Give more of the log, or the bundle that"
            " answered."
        )
    return Logged(
        labels=[str(row[logline.LABEL]) for row in rows],
        measures={
            name: [float(row[key]) for row in rows] for name, key in logline.MEASURES.items()
        },
        abstained=float(np.mean([row[logline.ABSTAINED] for row in rows])),
        strangers=float(np.mean([row[logline.STRANGERS] for row in rows])),
        lines=lines,
        passed_over=lines - len(rows),
    )


def _parsed(line: str, bundle: str) -> dict[str, Any] | None:
    start = line.find("{")
    if start < 0 or f'"{logline.MARK}"' not in line:
        return None
    try:
        row = json.loads(line[start:])
        numbers = (*logline.MEASURES.values(), logline.ABSTAINED, logline.STRANGERS)
        usable = row[logline.BUNDLE] == bundle and all(
            np.isfinite(float(row[key])) for key in numbers
        )
    except (ValueError, KeyError, TypeError):
        return None
    return row if usable and logline.LABEL in row else None


def measure_drift(contract: Contract, logged: Logged) -> list[Shift]:
    """Compare the logs with the profile in the bundle.

    Args:
        contract: Of the bundle that answered.
        logged: Of its logs.
    """
    profile, seen = contract.training.profile.measures, contract.figures.images
    shifts = []
    for name, values in logged.measures.items():
        edges, shares = profile[name].edges, profile[name].shares
        counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(shares))
        shifts.append(_shift(name, _bin_names(edges), np.array(shares), seen, counts))
    matrix = np.array(contract.figures.confusion_matrix)
    answered = Counter(logged.labels)
    counts = np.array([answered[name] for name in contract.class_names])
    shifts.append(
        _shift("answers", list(contract.class_names), matrix.sum(0) / matrix.sum(), seen, counts)
    )
    return shifts


def _shift(name: str, bins: list[str], shares: np.ndarray, seen: int, counts: np.ndarray) -> Shift:
    from scipy.stats import chi2_contingency

    found = counts / max(1, counts.sum())
    softened = [
        np.maximum(each, 0.5 / total) for each, total in ((shares, seen), (found, counts.sum()))
    ]
    index = float(((softened[1] - softened[0]) * np.log(softened[1] / softened[0])).sum())
    table = np.stack([shares * seen, counts])
    table = table[:, table.sum(0) > 0]
    p_value = float(chi2_contingency(table).pvalue) if table.shape[1] > 1 else 1.0
    sure = p_value < SIGNIFICANCE
    verdict = (
        "drift"
        if sure and index >= STRONG
        else "slight drift"
        if sure and index >= SLIGHT
        else "no drift shown"
    )
    return Shift(name, bins, shares.tolist(), found.tolist(), index, p_value, verdict)


def _bin_names(edges: Iterable[float]) -> list[str]:
    known = [f"{edge:.3g}" for edge in edges]
    return [
        f"to {known[0]}",
        *(f"{low} to {high}" for low, high in pairwise(known)),
        f"over {known[-1]}",
    ]
