"""`scenelet data split`."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenelet.cli.options import Column, Folder, Images, LabelLevel, Manifest, Seed, to_write
from scenelet.cli.output import command, wrote
from scenelet.cli.place import source_at
from scenelet.errors import ConfigError
from scenelet.progress import ConsoleProgress

if TYPE_CHECKING:
    from scenelet.dataset.row import Row


Out = Annotated[
    Path,
    typer.Option(
        callback=to_write,
        help="File to write; with --folds a folder of fold-1.csv, fold-2.csv, ...",
    ),
]
ValFraction = Annotated[
    float, typer.Option(min=0.01, max=0.9, help="Part of each class to hold out, 0-1.")
]
GroupBy = Annotated[
    str,
    typer.Option(
        help="Column of the manifest, or regular expression in the path: whose pictures stay"
        " on one side."
    ),
]
Folds = Annotated[
    int, typer.Option(min=0, max=100, help="Write this many folds instead, each held out once.")
]


def split(
    source: Folder,
    *,
    manifest: Manifest = None,
    images: Images = None,
    column: Column = None,
    label_level: LabelLevel = "",
    out: Out = Path("split.csv"),
    val_fraction: ValFraction = 0.1,
    group_by: GroupBy = "",
    folds: Folds = 0,
    seed: Seed = 0,
) -> None:
    """Hold a validation part out: stratified, seeded, duplicates never torn apart.

    A test part stays locked away.

    Example: `scenelet data split photos --manifest audit/manifest.csv --val-fraction 0.1 --out
    split.csv`
    """
    from scenelet.dataset.dataset import Dataset
    from scenelet.dataset.groups import grouped
    from scenelet.dataset.manifest import write_manifest
    from scenelet.dataset.sink import placed
    from scenelet.dataset.split import split_validation

    if folds == 1:
        raise ConfigError("--folds: found 1, expected 2 or more, or 0 for a single split")
    progress = ConsoleProgress()
    place = source_at(source, label_level, images, column)
    found = Dataset.open(place, manifest, progress).examined(progress)
    rows = (grouped(found, group_by, manifest) if group_by else found).rows
    if folds:
        with placed(out) as target:
            _write_folds(rows, folds, seed, target)
        first = ("--manifest", out / "fold-1.csv", "--name", "fold-1")
        wrote(f"{folds} folds", out, command("scenelet", "train", images or source, *first))
        return
    decided = split_validation(rows, val_fraction, seed)
    with placed(out) as target:
        write_manifest(target, decided)
    following = command("scenelet", "train", images or source, "--manifest", out)
    wrote(f"split ({_counted(decided)})", out, following)


def _write_folds(rows: "Sequence[Row]", folds: int, seed: int, out: Path) -> None:
    from scenelet.artefacts import whole_folder
    from scenelet.dataset.manifest import write_manifest
    from scenelet.dataset.split import split_folds

    with whole_folder(out) as folder:
        for number, decided in enumerate(split_folds(rows, folds, seed), start=1):
            write_manifest(folder / f"fold-{number}.csv", decided)


def _counted(rows: "Sequence[Row]") -> str:
    counts = Counter(row.split for row in rows if not row.excluded)
    known = ((name, counts[name]) for name in ("train", "val", "test"))
    return ", ".join(f"{name} {count:,}" for name, count in known if count)
