"""Labels of a data set for other programs: Label Studio, tables, Hugging Face's imagefolder.

Each of these is read back as the same pictures, labels and splits. Pictures are copied for
imagefolder alone; elsewhere they are named where they lie.
"""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from scenelet.artefacts import whole_folder, write_bytes, write_json, write_text
from scenelet.dataset.address import has_own_address
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.label_studio import task_of
from scenelet.dataset.manifest import as_record, write_manifest
from scenelet.dataset.row import Row
from scenelet.dataset.table import pyarrow_for
from scenelet.errors import ConfigError, DataError
from scenelet.image_formats import suffix_of
from scenelet.progress import SILENT, Progress
from scenelet.text import csv_of


def export(dataset: Dataset, kind: str, out: Path, progress: Progress = SILENT) -> int:
    """Write the images in use for another program, whole or not at all.

    Args:
        dataset: Its rows.
        kind: One of `KINDS`.
        out: File to write; for imagefolder a new folder.
        progress: Is told how copying goes on.

    Returns:
        How many images.

    Raises:
        ConfigError: Unknown kind.
        DataError: No image in use.
        ArtefactError: It can't be written.
    """
    if kind not in KINDS:
        raise ConfigError(f"--to: found {kind!r}, expected {', '.join(KINDS)}")
    used = dataset.used
    if not used.rows:
        raise DataError(f"{dataset.source.name}: no image in use, nothing to export.")
    KINDS[kind](used, out, progress)
    return len(used)


def _label_studio(dataset: Dataset, out: Path, _: Progress) -> None:
    tasks = [
        task_of(number, _address(dataset, row), row.label, row.split)
        for number, row in enumerate(dataset.rows, 1)
    ]
    write_json(out, tasks)


def _address(dataset: Dataset, row: Row) -> str:
    """Of its own where it has one, or lies in a store; else its path."""
    base = dataset.source.name
    is_whole = has_own_address(row.path) or not has_own_address(base)
    return row.path if is_whole else f"{base.rstrip('/')}/{row.path}"


def _csv(dataset: Dataset, out: Path, _: Progress) -> None:
    write_manifest(out, dataset.rows)


def _parquet(dataset: Dataset, out: Path, _: Progress) -> None:
    pa, pq = pyarrow_for(out)
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(map(_typed, dataset.rows))), buffer)
    write_bytes(out, buffer.getvalue())


def _typed(row: Row) -> dict[str, Any]:
    numbers = {"width": row.width, "height": row.height, "label_quality": row.label_quality}
    return {**as_record(row), **numbers}


def _imagefolder(dataset: Dataset, out: Path, progress: Progress) -> None:
    """`SPLIT/NUMBER.SUFFIX` and a metadata.csv in each; one without a split is for training."""
    with (
        whole_folder(out) as folder,
        progress.counting("copying", len(dataset)) as advance,
    ):
        for split in sorted({row.split or "train" for row in dataset.rows}):
            part = [row for row in dataset.rows if (row.split or "train") == split]
            (folder / split).mkdir()
            names = []
            for number, row in enumerate(part):
                data = dataset.read(row)
                names.append(f"{number:06d}{suffix_of(data)}")
                write_bytes(folder / split / names[-1], data)
                advance()
            write_text(folder / split / "metadata.csv", _metadata(names, part))


def _metadata(names: Sequence[str], rows: Sequence[Row]) -> str:
    labels, groups = (row.label for row in rows), (row.group for row in rows)
    return csv_of(("file_name", "label", "group"), zip(names, labels, groups, strict=True))


KINDS: dict[str, Callable[[Dataset, Path, Progress], None]] = {
    "label-studio": _label_studio,
    "csv": _csv,
    "parquet": _parquet,
    "imagefolder": _imagefolder,
}
