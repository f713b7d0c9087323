"""`scenelet data export`."""

from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.options import Column, Folder, Images, LabelLevel, Manifest
from scenelet.cli.output import note, wrote
from scenelet.cli.place import source_at
from scenelet.progress import ConsoleProgress

To = Annotated[str, typer.Option(help="label-studio, csv, parquet or imagefolder.")]
Out = Annotated[
    Path | None, typer.Option(help="File to write, or for imagefolder a folder; or an address.")
]
_DEFAULTS = {"label-studio": "tasks.json", "csv": "labels.csv", "parquet": "labels.parquet"}


def export(
    folder: Folder,
    *,
    to: To,
    manifest: Manifest = None,
    images: Images = None,
    column: Column = None,
    label_level: LabelLevel = "",
    out: Out = None,
) -> None:
    """Write pictures and labels for another program.

    Label Studio finds the pictures where its LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT is the folder.

    Example: `scenelet data export photos --to label-studio --out tasks.json`
    """
    from scenelet.dataset.dataset import Dataset
    from scenelet.dataset.export import export as write
    from scenelet.dataset.sink import placed

    progress, place = ConsoleProgress(), source_at(folder, label_level, images, column)
    found = Dataset.open(place, manifest, progress)
    target = out or Path(_DEFAULTS.get(to, "imagefolder"))
    with placed(target) as local:
        count = write(found, to, local, progress)
    note(found.account())
    wrote(f"{count:,} images and their labels", target)
