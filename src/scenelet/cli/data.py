"""`scenelet data ...`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenelet.cli.output import needs_extra, stdout, wrote
from scenelet.errors import ConfigError
from scenelet.progress import ConsoleProgress

if TYPE_CHECKING:
    from scenelet.explore.findings import Findings

GATES = (
    "unreadable",
    "conflicts",
    "leakage",
    "duplicates",
    "near-duplicates",
    "faults",
    "classes",
    "labels",
)

app = typer.Typer(help="Get, paint and check data sets.", no_args_is_help=True)


@app.command()
def paint(
    out: Annotated[Path, typer.Argument(help="New folder for the data set.")],
    per_class: Annotated[
        int, typer.Option(min=2, help="Training images of each of the six classes.")
    ] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other pictures.")] = 0,
) -> None:
    """Paint a small six-class data set of our own in the Intel layout.

    Example: `scenelet data paint painted --per-class 200`
    """
    from scenelet.dataset.paint import count_painted, paint_data_set

    with ConsoleProgress().counting("painting", count_painted(per_class)) as advance:
        counts = paint_data_set(out, per_class, seed, advance)
    described = ", ".join(f"{part} {count:,}" for part, count in counts.items())
    wrote(
        f"{sum(counts.values()):,} painted scenes ({described})",
        out,
        f"scenelet train {out} --recipe quick",
    )


@app.command("get")
def get_data(
    name: Annotated[str, typer.Argument(help="Data set: intel-scenes.")],
    to: Annotated[
        Path | None, typer.Option(help="Folder to make; default: the data set's name.")
    ] = None,
) -> None:
    """Download a public data set (from Kaggle, no account needed) and check it against its known counts.

    Example: `scenelet data get intel-scenes --to intel-scenes`
    """
    with needs_extra("train"):
        import kagglehub  # noqa: F401

        from scenelet.dataset.get import get
    target = to or Path(name)
    counts = get(name, target)
    described = ", ".join(f"{part} {count:,}" for part, count in counts.items())
    wrote(f"data set, complete ({described})", target, f"scenelet data audit {target}")


@app.command()
def audit(
    folder: Annotated[Path, typer.Argument(help="Folder of class folders.")],
    against: Annotated[
        Path | None,
        typer.Option(help="Another folder, say the test part: its pictures must not be here."),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for manifest.csv, audit.json and audit.html.")
    ] = Path("audit"),
    labels: Annotated[bool, typer.Option(help="Also judge the labels (takes minutes).")] = True,
    bundle: Annotated[
        Path | None,
        typer.Option(help="Bundle that embeds for it; default: the one that comes along."),
    ] = None,
    fail_on: Annotated[
        str, typer.Option(help=f"Exit with code 1 on any of these findings: {', '.join(GATES)}.")
    ] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as one JSON object.")
    ] = False,
) -> None:
    """Find what is wrong with a data set.

    Nothing is deleted or altered; exclusion is a column of the manifest.

    Example: `scenelet data audit photos --out audit --fail-on conflicts,leakage,unreadable`
    """
    gates = [gate.strip() for gate in fail_on.split(",") if gate.strip()]
    unknown = [gate for gate in gates if gate not in GATES]
    if unknown:
        raise ConfigError(
            f"--fail-on: found {', '.join(unknown)}, expected any of {', '.join(GATES)}"
        )
    with needs_extra("train"):
        from scenelet.explore.audit_report import audit_page
        from scenelet.explore.findings import investigate
    from scenelet.artefacts import make_folder, write_json, write_text
    from scenelet.dataset.manifest import write_manifest
    from scenelet.shipped import default_bundle

    make_folder(out)
    findings = investigate(
        folder, against, (bundle or default_bundle()) if labels else None, ConsoleProgress()
    )
    write_text(out / "audit.html", audit_page(findings))
    write_json(out / "audit.json", findings.summary())
    write_manifest(out / "manifest.csv", findings.rows)
    if as_json:
        typer.echo(json.dumps(findings.summary(), ensure_ascii=False))
    else:
        _print_audit(findings)
        wrote(
            "manifest, summary and report",
            out,
            f"scenelet train {folder} --manifest {out / 'manifest.csv'}",
        )
    failed = [gate for gate in gates if findings.audit.counts()[gate]]
    if failed:
        typer.echo(
            f"scenelet: --fail-on: found {', '.join(failed)} in {folder}; see {out / 'audit.html'}",
            err=True,
        )
        raise typer.Exit(1)


def _print_audit(findings: "Findings") -> None:
    from rich.table import Table

    rows = findings.rows
    excluded = sum(1 for row in rows if row.excluded)
    console = stdout()
    console.print(f"{len(rows):,} images, {excluded:,} left out")
    table = Table(box=None, show_header=False, pad_edge=False)
    for kind, count in findings.audit.counts().items():
        table.add_row(kind, f"{count:,}")
    for issue, count in findings.audit.issue_counts().items():
        table.add_row(f"  {issue}", f"{count:,}", style="dim")
    console.print(table)
    for fault in findings.audit.folder_faults:
        console.print(fault, markup=False, soft_wrap=True)
    console.print(findings.audit.dataset.account(), markup=False, soft_wrap=True)


@app.command()
def split(
    source: Annotated[Path, typer.Argument(help="Folder of class folders.")],
    manifest: Annotated[
        Path | None,
        typer.Option(help="manifest.csv of `data audit`: its exclusions and groups are kept."),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(help="File to write; with --folds a folder of fold-1.csv, fold-2.csv, ..."),
    ] = Path("split.csv"),
    val_fraction: Annotated[
        float, typer.Option(min=0.01, max=0.9, help="Part of each class to hold out, 0-1.")
    ] = 0.1,
    folds: Annotated[
        int, typer.Option(min=0, max=100, help="Write this many folds instead, each held out once.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another choice.")] = 0,
) -> None:
    """Hold a validation part out: stratified, seeded, duplicates never torn apart.

    A test part stays locked away.

    Example: `scenelet data split photos --manifest audit/manifest.csv --val-fraction 0.1 --out
    split.csv`
    """
    from scenelet.artefacts import whole_folder
    from scenelet.dataset.dataset import Dataset
    from scenelet.dataset.manifest import write_manifest
    from scenelet.dataset.split import split_folds, split_validation

    if folds == 1:
        raise ConfigError("--folds: found 1, expected 2 or more, or 0 for a single split")
    progress = ConsoleProgress()
    rows = Dataset.open(source, manifest, progress).examined(progress).rows
    if not folds:
        decided = split_validation(rows, val_fraction, seed)
        write_manifest(out, decided)
        counts = {
            name: sum(1 for row in decided if row.split == name and not row.excluded)
            for name in ("train", "val", "test")
        }
        described = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
        wrote(f"split ({described})", out, f"scenelet train {source} --manifest {out}")
        return
    with whole_folder(out) as folder:
        for number, decided in enumerate(split_folds(rows, folds, seed), start=1):
            write_manifest(folder / f"fold-{number}.csv", decided)
    wrote(
        f"{folds} folds",
        out,
        f"scenelet train {source} --manifest {out / 'fold-1.csv'} --name fold-1",
    )
