"""`scenelet tune` and `scenelet variants`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.dials import set_dials
from scenelet.cli.output import needs_extra, stdout, wrote
from scenelet.errors import ConfigError
from scenelet.progress import ConsoleProgress

OBJECTIVES_HELP = "Comma-separated: accuracy, and to weigh against it latency and size."


def tune(
    folder: Annotated[Path, typer.Argument(help="Folder of class folders.")],
    recipe: Annotated[
        str | None, typer.Option(help="Recipe whose dials are varied; its `search:` says which.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="manifest.csv of `data audit` or `data split`.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Of the search; default: data folder and recipe.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder that holds the searches.")] = Path("searches"),
    trials: Annotated[
        int, typer.Option(min=1, help="Trials in all; more the next time add to them.")
    ] = 20,
    timeout: Annotated[
        float, typer.Option(min=0, help="Minutes after which to stop; 0: none.")
    ] = 0.0,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes on this machine, which share its cores.")
    ] = 1,
    objectives: Annotated[str, typer.Option(help=OBJECTIVES_HELP)] = "accuracy",
    max_size_mb: Annotated[
        float,
        typer.Option(min=0, help="Budget of the float model, MB; larger ones aren't trained."),
    ] = 0.0,
    max_latency_ms: Annotated[
        float, typer.Option(min=0, help="Budget of one answer on one thread, ms.")
    ] = 0.0,
    storage: Annotated[
        str, typer.Option(help="SQL URL of the study, for several machines; default: a local file.")
    ] = "",
    save: Annotated[
        Path | None, typer.Option(help="Write the best recipe here; `train` takes it as it is.")
    ] = None,
    dial: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="A dial of the recipe to fix; may be repeated."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all trials as one JSON object.")
    ] = False,
) -> None:
    """Search the dials of a recipe.

    The same command again goes on where it was stopped; elsewhere it joins in.

    Example: `scenelet tune photos --recipe quick --trials 30 --save mine.yaml`
    """
    with needs_extra("train"):
        import lightning  # noqa: F401
        import optuna  # noqa: F401

        from scenelet.runs.recipe import SEARCH, read_recipe, resolve
        from scenelet.runs.run import run_name
        from scenelet.tune.report import search_page, search_summary
        from scenelet.tune.search import OBJECTIVES, SearchConfig, best_trial, save_recipe
        from scenelet.tune.space import DEFAULT_SEARCH, search_space
        from scenelet.tune.workers import run_workers
    from scenelet.artefacts import write_text

    wished = tuple(part.strip() for part in objectives.split(",") if part.strip())
    if (
        not wished
        or wished[0] != "accuracy"
        or not set(wished) <= set(OBJECTIVES)
        or len(set(wished)) < len(wished)
    ):
        raise ConfigError(
            f"--objectives: found {objectives!r}, expected accuracy, then any of latency and size"
        )
    fixed = set_dials(dial)
    base = resolve(recipe, fixed)
    wish = (read_recipe(recipe).get(SEARCH) if recipe else None) or DEFAULT_SEARCH
    wish = (
        {key: value for key, value in wish.items() if key not in fixed}
        if isinstance(wish, dict)
        else {str(wish): None}
    )
    config = SearchConfig(
        data=folder,
        base=base,
        space=search_space(wish, base, recipe or "default recipe"),
        objectives=wished,
        trials=trials,
        timeout_min=timeout,
        max_size_mb=max_size_mb,
        max_latency_ms=max_latency_ms,
        workers=workers,
        storage=storage,
        manifest=manifest,
    )
    out = runs / (name or run_name(folder, recipe))
    study = run_workers(out, config, ConsoleProgress())
    write_text(out / "report.html", search_page(study))
    best = best_trial(study)
    if best and save:
        save_recipe(save, best, config)
    if as_json:
        typer.echo(json.dumps(search_summary(study)))
        return
    if best is None:
        typer.echo("no trial is complete yet; the same command goes on")
    else:
        typer.echo(
            f"best of {len(study.trials)} trials: {best.number}, validation accuracy"
            f" {best.values[0]:.2%}"
        )
        for key, value in best.params.items():
            typer.echo(f"  {key}: {value}")
    recipe_file = save if best and save else "RECIPE.yaml (write it with --save)"
    wrote("report", out / "report.html", f"scenelet train {folder} --recipe {recipe_file}")


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
        from scenelet.tune.variants import compare_variants, read_variants, variants_page
    from scenelet.artefacts import write_json, write_text

    changes = read_variants(of, only or [])
    base = resolve(recipe, set_dials(dial))
    out = out or Path("variants") / f"{folder.resolve().name}-{Path(of).stem}"
    results = compare_variants(folder, manifest, base, changes, out, ConsoleProgress())
    write_json(out / "variants.json", [result.as_dict() for result in results])
    write_text(out / "variants.html", variants_page(results, Path(of).stem))
    if as_json:
        typer.echo(json.dumps([result.as_dict() for result in results]))
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in results[0].columns():
        table.add_column(column)
    for result in results:
        table.add_row(*result.cells())
    stdout().print(table)
    wrote("table and charts", out)
