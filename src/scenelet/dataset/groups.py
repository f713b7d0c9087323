"""Groups: pictures of one writer, patient, video or place, which a split keeps on one side."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.manifest import read_numbered
from scenelet.dataset.row import Row
from scenelet.dataset.table import read_table
from scenelet.errors import ConfigError, DataError


def grouped(dataset: Dataset, by: str, manifest: Path | None = None) -> Dataset:
    """Put pictures into groups by what a person says of them.

    Groups that share a picture (the same pixels, or alike to an audit) become one, so that no
    picture is on both sides.

    Args:
        dataset: Examined.
        by: Column of the manifest, or a regular expression whose first group (else all that it
            matches) in an image's path names the picture's group.
        manifest: Of the data set, whose further columns may be meant.

    Raises:
        ConfigError: Neither a column nor a regular expression.
        DataError: An image in use has no group.
    """
    used = dataset.used.rows
    values = _by_column(manifest, by) if manifest else None
    values = _by_pattern(used, by) if values is None else values
    missing = [row.path for row in used if not values.get(row.path)]
    if missing:
        raise DataError(
            f"--group-by {by}: {len(missing):,} of {len(used):,} images have no group (the first:"
            f" {missing[0]}). Name a column of the manifest, or a regular expression that matches"
            " in every path."
        )
    joined = _joined((values[row.path], row.kin or row.path) for row in used)
    return dataset.of(
        row if row.excluded else replace(row, group=joined[values[row.path]])
        for row in dataset.rows
    )


def count_groups(rows: Sequence[Row]) -> int:
    """Of the rows in use."""
    return len({row.kin for row in rows if not row.excluded})


def _by_column(manifest: Path, column: str) -> dict[str, str] | None:
    """Cell of each path; None where the manifest has no such column."""
    table = read_table(manifest)
    if column.lower() not in table.columns:
        return None
    cells = {number: record.get(column.lower()) or "" for number, record in table.records}
    return {row.path: cells[number].strip() for number, row in read_numbered(manifest)}


def _pattern(by: str) -> re.Pattern[str]:
    try:
        return re.compile(by)
    except re.error as error:
        raise ConfigError(
            f"--group-by {by}: no column of the manifest, nor a regular expression ({error})."
        ) from error


def _by_pattern(rows: Sequence[Row], by: str) -> dict[str, str]:
    """Group of each path; "" where the expression does not match."""
    pattern = _pattern(by)
    found = {row.path: pattern.search(row.path) for row in rows}
    return {
        path: match[1 if match.re.groups else 0] or "" for path, match in found.items() if match
    }


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """For each group the first name of all groups that it shares a picture with."""
    first_of: dict[str, str] = {}
    of_kin: dict[str, str] = {}

    def first(name: str) -> str:
        while first_of.setdefault(name, name) != name:
            name = first_of[name]
        return name

    for name, kin in pairs:
        one, other = sorted((first(name), first(of_kin.setdefault(kin, name))))
        first_of[other] = one
    return {name: first(name) for name in list(first_of)}
