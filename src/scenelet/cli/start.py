"""`scenelet start`: from pictures to the pages, each step the command that does it alone."""

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenelet.cli.app import Open
from scenelet.cli.options import Folder
from scenelet.cli.output import command, needs_extra, note

if TYPE_CHECKING:
    from scenelet.runs.run import Run

Name = Annotated[str | None, typer.Option(help="Of run and bundle; default: that of the folder.")]
Recipe = Annotated[
    str | None, typer.Option(help="Of the training; default: chosen by what the pictures show.")
]
Out = Annotated[Path, typer.Option(help="Folder for audit, runs, bundles and reports.")]
Pages = Annotated[
    bool, typer.Option("--app/--no-app", help="End with the pages in a browser, or without.")
]


def start(
    folder: Folder,
    *,
    name: Name = None,
    recipe: Recipe = None,
    out: Out = Path(),
    pages: Pages = True,
    open_pages: Open = False,
) -> None:
    """Go the whole way: look at the pictures, train, judge, export, and open the pages on it.

    Stopped, the same command goes on: it looks at the pictures again, trains from where it was, and
    makes no bundle twice.

    Example: `scenelet start photos --open`
    """
    with needs_extra("train"):
        import lightning  # noqa: F401
    from scenelet.bundle.contract import CONTRACT, read_contract
    from scenelet.runs.run import Run, run_name

    name = name or run_name(folder, recipe)
    audit, run, bundle = out / "audit", Run(out / "runs" / name), out / "bundles" / name
    manifest, begun_s = audit / "manifest.csv", time.monotonic()
    _step("data", "audit", folder, "--out", audit)
    _step("explore", folder, "--manifest", manifest, "--out", out / "explore.html")
    by = ("--recipe", recipe) if recipe else ()
    _step("train", folder, "--manifest", manifest, *by, "--name", name, "--runs", out / "runs")
    if not _is_newer(bundle / CONTRACT, run):
        _step("export", run.folder, "--out", bundle, "--name", name)
    if read_contract(bundle).training.folds == 1:  # of folds, the out-of-fold figures are told
        report = out / "evaluation.html"
        measured = ("--manifest", manifest, "--part", "val", "--report", report)
        _step("evaluate", bundle, folder, *measured)
    note(f"all of it took {(time.monotonic() - begun_s) / 60:.1f} minutes; {bundle} is the bundle")
    shown = ("--bundle", bundle, "--data", folder, "--manifest", manifest)
    options = ("--run", out / "runs", *(("--open",) if open_pages else ()))
    if pages:
        _step("app", *shown, *options)
    else:
        note(f"next: {command('scenelet', 'app', *map(str, (*shown, *options)))}")


def _step(*words: object) -> None:
    """One command, said and done.

    Raises:
        typer.Exit: It failed, and has said why.
    """
    typer.echo(err=True)
    note(f"$ {command('scenelet', *map(str, words))}", "bold")
    done = subprocess.run([sys.executable, "-m", "scenelet", *map(str, words)], check=False)  # noqa: S603
    if done.returncode:
        raise typer.Exit(done.returncode)


def _is_newer(contract: Path, run: "Run") -> bool:
    """Whether a bundle was made since the run was complete."""
    if not contract.is_file():
        return False
    return contract.stat().st_mtime >= (run.folder / "result.json").stat().st_mtime
