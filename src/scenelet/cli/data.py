"""`scenelet data ...`."""

from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.audit import audit
from scenelet.cli.data_export import export
from scenelet.cli.options import Seed, to_write
from scenelet.cli.output import command, needs_extra, wrote
from scenelet.cli.pack import pack
from scenelet.cli.split import split
from scenelet.progress import ConsoleProgress

app = typer.Typer(help="Get, paint and check data sets.", no_args_is_help=True)


@app.command()
def paint(
    out: Annotated[Path, typer.Argument(callback=to_write, help="New folder for the data set.")],
    per_class: Annotated[
        int, typer.Option(min=2, help="Training images of each of the six classes.")
    ] = 100,
    seed: Seed = 0,
) -> None:
    """Paint a small six-class data set of our own in the Intel layout.

    Example: `scenelet data paint painted --per-class 200`
    """
    from scenelet.dataset.paint import count_painted, paint_data_set

    with ConsoleProgress().counting("painting", count_painted(per_class)) as advance:
        counts = paint_data_set(out, per_class, seed, advance)
    told = f"{sum(counts.values()):,} painted scenes ({_listed(counts)})"
    wrote(told, out, command("scenelet", "train", out, "--recipe", "quick"))


@app.command("get")
def get_data(
    name: Annotated[
        str, typer.Argument(help="intel-scenes, flowers, eurosat, cats-and-dogs or clothing.")
    ],
    to: Annotated[
        Path | None, typer.Option(help="Folder to make; default: the data set's name.")
    ] = None,
) -> None:
    """Download a public data set (from Kaggle, no account needed) and check its counts.

    Example: `scenelet data get intel-scenes --to intel-scenes`
    """
    with needs_extra("train"):
        import kagglehub  # noqa: F401

        from scenelet.dataset.get import KNOWN, get
    target = to or Path(name)
    counts = get(name, target)
    told = f"data set, complete ({_listed(counts)})"
    wrote(told, target, command("scenelet", "data", "audit", target / KNOWN[name].folder))


app.command()(audit)
app.command()(split)
app.command()(export)
app.command()(pack)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{part} {count:,}" for part, count in counts.items())
