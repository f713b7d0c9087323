"""`scenelet variants`."""

from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.dials import Set, set_dials
from scenelet.cli.options import Folder, Prepared
from scenelet.cli.output import command, needs_extra, table, tell_json, wrote
from scenelet.progress import ConsoleProgress

Of = Annotated[
    str, typer.Option(help="networks, ingredients, or a YAML file: name -> dials that differ.")
]
Recipe = Annotated[str | None, typer.Option(help="Recipe that the variants change.")]
Only = Annotated[
    list[str] | None,
    typer.Option(help="Take this variant and the first alone; may be repeated."),
]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder for the runs and the table; default variants/DATA-OF."),
]
AsJsonOption = Annotated[bool, typer.Option("--json", help="Print the table as JSON.")]


def variants(
    folder: Folder,
    *,
    of: Of = "networks",
    recipe: Recipe = None,
    manifest: Prepared = None,
    only: Only = None,
    out: Out = None,
    dial: Set = None,
    as_json: AsJsonOption = False,
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
    best = max(results, key=lambda each: each.top1_accuracy)
    further = command("scenelet", "export", out / best.name)
    write_text(out / "variants.html", variants_page(results, title, [further]))
    if as_json:
        tell_json(plain)
        return
    table(COLUMNS, map(cells, results))
    wrote("table and charts", out / "variants.html", further)
