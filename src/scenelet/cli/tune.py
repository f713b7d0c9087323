"""`scenelet tune`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenelet.cli.cluster import Machines, on_machines
from scenelet.cli.dials import Set, set_dials
from scenelet.cli.options import Folder, Prepared, Tracker, told_to
from scenelet.cli.output import command, needs_extra, tell, tell_json, wrote
from scenelet.cli.run_home import searched_at
from scenelet.errors import ConfigError
from scenelet.progress import ConsoleProgress

if TYPE_CHECKING:
    from optuna.study import Study

    from scenelet.runs.search import Trial
    from scenelet.tune.study import SearchConfig

OBJECTIVES_HELP = "Comma-separated: accuracy, and to weigh against it latency and size."


Recipe = Annotated[
    str | None, typer.Option(help="Recipe whose dials are varied; its `search:` says which.")
]
Name = Annotated[str | None, typer.Option(help="Of the search; default: data folder and recipe.")]
Runs = Annotated[Path, typer.Option(help="Folder that holds the searches.")]
Trials = Annotated[int, typer.Option(min=1, help="Trials in all; more the next time add to them.")]
Epochs = Annotated[
    int | None, typer.Option(min=1, help="Of each trial; default: those of the recipe.")
]
Timeout = Annotated[float, typer.Option(min=0, help="Minutes after which to stop; 0: none.")]
Workers = Annotated[
    int,
    typer.Option(
        min=1,
        help="Processes: of this machine, which share its cores; with --engine ray of the cluster.",
    ),
]
Objectives = Annotated[str, typer.Option(help=OBJECTIVES_HELP)]
MaxSizeMb = Annotated[
    float,
    typer.Option(min=0, help="Budget of the float model, MB; larger ones aren't trained."),
]
MaxLatencyMs = Annotated[float, typer.Option(min=0, help="Budget of one answer on one thread, ms.")]
Storage = Annotated[
    str, typer.Option(help="SQL URL of the study, for several machines; default: a local file.")
]
Save = Annotated[
    Path | None, typer.Option(help="Write the best recipe here; `train` takes it as it is.")
]
AsJsonOption = Annotated[bool, typer.Option("--json", help="Print all trials as one JSON object.")]


@on_machines
def tune(
    folder: Folder,
    *,
    recipe: Recipe = None,
    manifest: Prepared = None,
    name: Name = None,
    runs: Runs = Path("searches"),
    trials: Trials = 20,
    epochs: Epochs = None,
    timeout: Timeout = 0.0,
    workers: Workers = 1,
    objectives: Objectives = "accuracy",
    max_size_mb: MaxSizeMb = 0.0,
    max_latency_ms: MaxLatencyMs = 0.0,
    storage: Storage = "",
    save: Save = None,
    dial: Set = None,
    tracker: Tracker = "",
    as_json: AsJsonOption = False,
    machines: Machines,
) -> None:
    """Search the dials of a recipe.

    The same command again goes on where it was stopped; elsewhere it joins in.

    Example: `scenelet tune photos --recipe quick --trials 30 --save mine.yaml`
    """
    with needs_extra("train"):
        import lightning  # noqa: F401
        import optuna  # noqa: F401

        from scenelet.learn.train import planned
        from scenelet.runs.recipe import resolve
        from scenelet.runs.run import run_name
        from scenelet.tune.space import space_of
        from scenelet.tune.study import SearchConfig, objectives_of, require_storage
        from scenelet.tune.workers import run_workers
    told_to(tracker)
    fixed, wished, told = set_dials(dial), objectives_of(objectives), ConsoleProgress()
    fixed = {"epochs": str(epochs), **fixed} if epochs else fixed
    require_storage(storage)
    base = resolve(recipe, fixed) if recipe else planned(folder, manifest, fixed, told)
    config = SearchConfig(
        data=folder,
        base=base,
        space=space_of(recipe, fixed, base),
        objectives=wished,
        trials=trials,
        timeout_min=timeout,
        max_size_mb=max_size_mb,
        max_latency_ms=max_latency_ms,
        workers=workers,
        storage=storage,
        manifest=manifest,
    )
    home = runs / (name or run_name(folder, recipe))
    if not machines.is_cluster:
        _show(home, config, run_workers(home, config, told), save, as_json)
        return
    if storage:
        raise ConfigError("--storage: not on a cluster, whose study lies with the search.")
    with searched_at(home, config, machines, told) as (out, study):
        _show(out, config, study, save, as_json, home)


def _show(
    out: Path,
    config: "SearchConfig",
    study: "Study",
    save: Path | None,
    as_json: bool,
    home: Path | None = None,
) -> None:
    """Write the report and the best recipe, and say what was found."""
    from scenelet.artefacts import write_text
    from scenelet.learn.tracking import final_metrics, tell_report
    from scenelet.runs.run import Run
    from scenelet.runs.search import best, gain, trials_of
    from scenelet.tune.search_report import search_page, search_summary
    from scenelet.tune.study import save_recipe

    trials = trials_of(study)
    leader = best(trials)
    recipe = save if leader and save else "RECIPE.yaml (write it with --save)"
    further = command("scenelet", "train", config.data, "--recipe", recipe)
    write_text(out / "report.html", search_page(study, [further]))
    if leader:
        found = final_metrics(Run(out / "trials" / f"{leader.number:04d}").result())
        tell_report(out, found | {"trials": len(trials)}, [out / "report.html"])
    if leader and save:
        save_recipe(save, leader, config)
    if as_json:
        tell_json(search_summary(study))
        return
    _say_best(leader, len(trials))
    if brought := gain(trials):
        tell(brought)
    wrote("report", (home or out) / "report.html", further)


def _say_best(leader: "Trial | None", trials: int) -> None:
    if leader is None:
        tell("no trial is complete yet; the same command goes on")
        return
    tell(f"best of {trials} trials: {leader.title}, validation accuracy {leader.accuracy:.2%}")
    for name, value in leader.dials.items():
        tell(f"  {name}: {value}")
