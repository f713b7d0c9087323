"""`scenelet data pack`."""

from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.cluster import Machines, on_machines
from scenelet.cli.options import Column, Folder, Images, LabelLevel, Manifest
from scenelet.cli.output import command, needs_extra, note, wrote
from scenelet.cli.place import source_at
from scenelet.progress import ConsoleProgress

Out = Annotated[Path, typer.Argument(help="New folder or address (s3://...) for the shards.")]


@on_machines
def pack(
    source: Folder,
    out: Out,
    *,
    manifest: Manifest = None,
    images: Images = None,
    column: Column = None,
    label_level: LabelLevel = "",
    machines: Machines,
) -> None:
    """Pack a data set into Parquet shards, which every command reads as it reads a folder.

    For many small pictures far away: a request for hundreds instead of one each.

    Example: `scenelet data pack s3://bucket/photos s3://bucket/packed`
    """
    with needs_extra("serve"):
        import pyarrow  # noqa: F401

        from scenelet.dataset.pack import pack as write_pack
    from scenelet.dataset.bucket import shelf_at
    from scenelet.dataset.dataset import Dataset
    from scenelet.engine import Processes

    progress = ConsoleProgress()
    place = source_at(source, label_level, images, column)
    dataset = Dataset.open(place, manifest, progress)
    with machines.engine(Processes(), images or source, out=out) as engine:
        made = write_pack(dataset, shelf_at(out), engine, progress)
    note(dataset.account())
    told = f"{made.images:,} images, {made.size_bytes / 1e6:,.0f} MB in {made.shards:,} shards"
    wrote(told, out, command("scenelet", "data", "audit", out))
