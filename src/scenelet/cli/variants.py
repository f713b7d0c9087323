"""`scenelet variants`."""

from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.cluster import Machines, on_machines
from scenelet.cli.dials import Set, set_dials
from scenelet.cli.options import Folder, Prepared
from scenelet.cli.output import command, needs_extra, table, tell_json, wrote
from scenelet.cli.run_home import at_home
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
    typer.Option(help="Folder or address for the runs and the table; default variants/DATA-OF."),
]
AsJsonOption = Annotated[bool, typer.Option("--json", help="Print the table as JSON.")]


@on_machines
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
    machines: Machines,
) -> None:
    """Train variants of a recipe and compare them on the same validation images.

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
    with at_home(out, machines, folder, is_apart=True) as made:
        how = {name: value for name, value in made.how.items() if name != "do"}
        results = compare_variants(
            folder, manifest, base, changes, made.folder, ConsoleProgress(), out, **how
        )
        plain = [result.as_dict() for result in results]
        write_json(made.folder / "variants.json", plain)
        best = max(results, key=lambda each: each.top1_accuracy)
        further = command("scenelet", "export", out / best.name)
        write_text(made.folder / "variants.html", variants_page(results, title, [further]))
        made.send()
    if as_json:
        tell_json(plain)
        return
    table(COLUMNS, map(cells, results))
    wrote("table and charts", out / "variants.html", further)
