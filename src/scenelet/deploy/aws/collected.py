"""What a deployed service has kept, brought here: pictures in a folder, a table beside it.

Nothing of it is deleted: S3 does that by the bucket's rule.
"""

import csv
import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenelet.artefacts import make_folder, write_bytes, write_text
from scenelet.deploy.aws.cloud import Cloud, translated
from scenelet.errors import DataError
from scenelet.progress import Progress
from scenelet.serve.collecting import INFO
from scenelet.serve.objects import bucket_and_prefix
from scenelet.text import cell

COLUMNS = ("path", "label", "guess", "probability", "why", "bundle")
_NAME = re.compile(r"[0-9a-f]{32}\.jpg")


@dataclass(frozen=True)
class Brought:
    """What was brought.

    Attributes:
        new: Pictures that were not here.
        here: Pictures that are here now.
        table: Of them: a column `label` to be filled in, and what the model made of each.
    """

    new: int
    here: int
    table: Path


def bring(cloud: Cloud, place: str, out: Path, progress: Progress) -> Brought:
    """Bring what is not here yet; labels that the table holds already stay.

    Args:
        cloud: Account and region.
        place: s3://bucket/prefix.
        out: Folder of the pictures; the table lies beside it, `OUT.csv`.
        progress: Told how it goes on.

    Raises:
        CloudError: The bucket can't be read.
        DataError: The table that is there is none of ours.
        ArtefactError: The folder can't be written.
    """
    table = out.with_name(f"{out.name}.csv")
    rows = _rows(table)
    s3, (bucket, prefix) = cloud.client("s3"), bucket_and_prefix(place)
    make_folder(out)
    with translated(place):
        wanted = [name for name in _names(s3, bucket, prefix) if name not in rows]
        with progress.counting("bringing", len(wanted)) as advance:
            for name in wanted:
                found = s3.get_object(Bucket=bucket, Key=prefix + name)
                write_bytes(out / name, found["Body"].read())
                rows[name] = _row(name, found["Metadata"].get(INFO, ""))
                advance()
    write_text(table, _as_csv(rows.values()))
    return Brought(len(wanted), len(rows), table)


def _names(s3: Any, bucket: str, prefix: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = (each["Key"].removeprefix(prefix) for page in pages for each in page.get("Contents", []))
    return [name for name in keys if _NAME.fullmatch(name)]


def _said(told: str) -> dict[str, Any]:
    """What is written beside a picture; nothing where it can't be read."""
    try:
        said = json.loads(told)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _row(name: str, told: str) -> dict[str, str]:
    said = _said(told)
    values = {**said, "path": name, "label": "", "guess": said.get("label", "")}
    return {column: cell(str(values.get(column, ""))) for column in COLUMNS}


def _rows(table: Path) -> dict[str, dict[str, str]]:
    try:
        text = table.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise DataError(f"{table}: can't be read. Name another folder: --out") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise DataError(
            f"{table}: columns {', '.join(reader.fieldnames or ())}, expected {', '.join(COLUMNS)}."
            " Name another folder: --out"
        )
    return {row["path"]: row for row in reader}


def _as_csv(rows: Iterable[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
