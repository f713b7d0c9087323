"""`scenelet data ...`."""

from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.output import stderr, wrote

app = typer.Typer(help="Get, paint and check data sets.", no_args_is_help=True)


@app.command()
def paint(
    out: Annotated[Path, typer.Argument(help="New folder for the data set.")],
    per_class: Annotated[int, typer.Option(min=2, help="Training images of each of the six classes.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other pictures.")] = 0,
) -> None:
    """Paint a small six-class data set of our own in the Intel layout.

    Example: `scenelet data paint painted --per-class 200`
    """
    from scenelet.data.paint import count_painted, paint_data_set
    from scenelet.progress import counting

    with counting(stderr(), "painting", count_painted(per_class)) as advance:
        counts = paint_data_set(out, per_class, seed, advance)
    described = ", ".join(f"{part} {count:,}" for part, count in counts.items())
    wrote(f"{sum(counts.values()):,} painted scenes ({described})", out, f"scenelet train {out} --recipe quick")
