"""`scenelet correct` and `scenelet improve`: what a model got wrong is told, and learned."""

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenelet.cli.options import DEFAULT_LEDGER, Ledger
from scenelet.cli.output import command, note, require, tell, wrote
from scenelet.cli.steps import step
from scenelet.progress import ConsoleProgress
from scenelet.text import counted

if TYPE_CHECKING:
    from scenelet.dataset.corrections import Correction
    from scenelet.export.again import Again
    from scenelet.runs.run import Run

PICTURES, MANIFEST, BEFORE = "pictures", "manifest.csv", "before"

Folder = Annotated[Path, typer.Option("--corrections", help="Folder that keeps corrections.")]


def correct(
    pictures: Annotated[
        list[Path], typer.Argument(help="Pictures, or files that the page of a service saved.")
    ],
    *,
    label: Annotated[str, typer.Option(help="What the pictures are.")] = "",
    folder: Folder = Path("corrections"),
) -> None:
    """Keep pictures with what they really are, once each, by their pixels.

    Example: `scenelet correct beach.jpg --label sea`
    """
    from scenelet.dataset import corrections
    from scenelet.errors import ConfigError
    from scenelet.images import read

    count = 0
    for path in pictures:
        if path.suffix.lower() == ".jsonl":
            count += corrections.bring(folder, path)
        elif not label:
            raise ConfigError(f"{path}: what is it? Say it with --label.")
        else:
            corrections.correct(folder, read(path), label, "", "")
            count += 1
    following = command("scenelet", "improve", "RUN", "BUNDLE", "--corrections", folder)
    wrote(counted(count, "correction"), folder, following)


def improve(
    run: Annotated[Path, typer.Argument(help="Run that the bundle was made of.")],
    bundle: Annotated[Path, typer.Argument(help="Bundle to be replaced if it becomes not worse.")],
    *,
    folder: Folder = Path("corrections"),
    out: Annotated[
        Path | None, typer.Option(help="Where to train again; default: improved/NAME.")
    ] = None,
    pack: Annotated[
        Path | None,
        typer.Option(help="Package for AWS Lambda to write anew where the bundle is replaced."),
    ] = None,
    ledger: Ledger = DEFAULT_LEDGER,
) -> None:
    """Train again with the corrections; replace the bundle where the new one is not worse.

    Both are asked about the pictures that the first training held out, by McNemar's test. The data
    set stays as it is; the old bundle is kept beside.

    Example: `scenelet improve runs/photos bundles/photos`
    """
    require("train", "lightning")
    from scenelet.app.works import LOCK
    from scenelet.artefacts import make_folder
    from scenelet.bundle.contract import read_contract
    from scenelet.dataset.corrections import checked, corrections
    from scenelet.errors import DataError
    from scenelet.locks import held
    from scenelet.runs.run import Run

    old, name = Run(run), read_contract(bundle).name
    found, told = checked(corrections(folder), old.data()["class_names"], old.rows())
    for line in told:
        note(f"not added: {line}", "yellow")
    if not found:
        raise DataError(f"{folder}: no correction to learn from. Correct answers in the app first.")
    wrong = sum(not each.is_right for each in found)
    note(f"{counted(len(found), 'picture')} to add, {wrong:,} of them answered wrongly")
    home = out or Path("improved") / name
    make_folder(home)
    busy = f"{home}: is being improved already. Let it end, or give another --out."
    with held(home.parent / LOCK, busy, goes=True):
        figures = _trained_again(old, bundle, found, folder, home, ledger)
    _tell(figures)
    if figures.is_worse:
        tell(f"the bundle stays as it was; the new one lies in {home / 'bundle'}")
        return
    _replace(bundle, home)
    if pack:
        step("package", bundle, "--out", pack)
    tell(f"the old bundle is kept: {home / BEFORE}")
    wrote("bundle", bundle)


def _trained_again(
    old: "Run",
    bundle: Path,
    found: list["Correction"],
    folder: Path,
    home: Path,
    ledger: Path,
) -> "Again":
    """A run and a bundle of all pictures, and how it does beside the old one."""
    from scenelet.bundle.contract import read_contract
    from scenelet.export.again import compare_again
    from scenelet.runs.run import Run

    name = read_contract(bundle).name
    manifest = _laid_down(old, folder, found, home)
    new = Run(home / "runs" / f"{name}-{_stamp(found)}")
    step(
        "train",
        home / PICTURES,
        "--manifest",
        manifest,
        "--recipe",
        old.folder / "config.yaml",
        "--name",
        new.name,
        "--runs",
        new.folder.parent,
    )
    step("export", new.folder, "--out", home / "bundle", "--name", name)
    places = (bundle, home / "bundle")
    told = ConsoleProgress()
    return compare_again((old, new), places, home / PICTURES, manifest, ledger, told)


def _replace(bundle: Path, home: Path) -> None:
    """The new bundle in the old one's place, which is kept."""
    from scenelet.artefacts import whole_folder

    for there, here in ((bundle, home / BEFORE), (home / "bundle", bundle)):
        with whole_folder(here) as made:
            shutil.copytree(there, made, dirs_exist_ok=True)


def _tell(figures: "Again") -> None:
    gain = figures.difference
    tell(f"the new one is: {figures.verdict}")
    tell(
        f"{figures.images:,} held-out pictures: {figures.accuracies[0]:.1%} before,"
        f" {figures.accuracies[1]:.1%} now; difference {100 * (gain.value or 0):+.1f} points (95 %"
        f" interval {100 * gain.low:+.1f} to {100 * gain.high:+.1f}), McNemar p ="
        f" {figures.p_value:.2g}"
    )


def _stamp(found: list["Correction"]) -> str:
    """Other corrections, another run."""
    told = " ".join(sorted(f"{each.pixels} {each.label}" for each in found))
    return hashlib.blake2b(told.encode(), digest_size=4).hexdigest()


def _laid_down(old: "Run", folder: Path, found: list["Correction"], home: Path) -> Path:
    """The run's pictures and the corrections in one folder, linked or copied; its manifest."""
    from scenelet.artefacts import make_folder
    from scenelet.dataset.manifest import write_manifest
    from scenelet.dataset.row import Row
    from scenelet.dataset.sources import source_of

    place = Path(old.data()["source"])
    rows = old.pictures()
    source, pictures = source_of(place), make_folder(home / PICTURES)
    for row in rows:
        _link(place / row.path, pictures / row.path, partial(source.read, row.path))
    added = []
    for each in found:
        path = f"corrections/{each.path}"
        _link(folder / each.path, pictures / path, (folder / each.path).read_bytes)
        added.append(Row(path, each.label, split="train"))
    everything = [*rows, *added]
    if old.folds:  # cut anew
        everything = [replace(row, split="") for row in everything]
    write_manifest(home / MANIFEST, everything)
    return home / MANIFEST


def _link(there: Path, here: Path, read: Callable[[], bytes]) -> None:
    """The same file under another name; a copy where that can't be."""
    from scenelet.artefacts import make_folder, write_bytes

    if here.exists():
        return
    make_folder(here.parent)
    try:
        os.link(there, here)
    except OSError:
        write_bytes(here, read())
