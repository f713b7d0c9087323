"""`scenelet variants`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.dials import set_dials
from scenelet.cli.output import needs_extra, stdout, wrote
from scenelet.progress import ConsoleProgress


def variants(
    folder: Annotated[Path, typer.Argument(help="Folder of class folders.")],
    of: Annotated[
        str, typer.Option(help="networks, ingredients, or a YAML file: name -> dials that differ.")
    ] = "networks",
    recipe: Annotated[str | None, typer.Option(help="Recipe that the variants change.")] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="manifest.csv of `data audit` or `data split`.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Take this variant and the first alone; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the runs and the table; default variants/DATA-OF."),
    ] = None,
    dial: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="A dial for all variants; may be repeated."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the table as JSON.")] = False,
) -> None:
    """Train variants of a recipe in turn and compare them on the same validation images.

    Goes on where it was stopped.

    Example: `scenelet variants photos --of networks --set epochs=12`
    """
    with needs_extra("train"):
        import lightning  # noqa: F401

        from scenelet.runs.recipe import resolve
        from scenelet.tune.variants import compare_variants, read_variants
        from scenelet.tune.variants_report import COLUMNS, cells, variants_page
    from scenelet.artefacts import write_json, write_text

    title = Path(of).stem
    changes, base = read_variants(of, only or []), resolve(recipe, set_dials(dial))
    out = out or Path("variants") / f"{folder.resolve().name}-{title}"
    results = compare_variants(folder, manifest, base, changes, out, ConsoleProgress())
    plain = [result.as_dict() for result in results]
    write_json(out / "variants.json", plain)
    write_text(out / "variants.html", variants_page(results, title))
    if as_json:
        typer.echo(json.dumps(plain))
        return
    from rich.table import Table

    table = Table(*COLUMNS, box=None, pad_edge=False)
    for result in results:
        table.add_row(*cells(result))
    stdout().print(table)
    wrote("table and charts", out)
