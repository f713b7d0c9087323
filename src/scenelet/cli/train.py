"""`scenelet train`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenelet.cli.cluster import Machines, on_machines
from scenelet.cli.dials import Set, chosen, with_dials
from scenelet.cli.options import Column, Folder, Images, LabelLevel, Tracker, told_to
from scenelet.cli.output import command, needs_extra, tell, wrote
from scenelet.cli.place import source_at
from scenelet.cli.run_home import at_home, is_folded, shared_out
from scenelet.errors import ConfigError
from scenelet.progress import ConsoleProgress, Progress
from scenelet.text import address, listed, one_line

if TYPE_CHECKING:
    from scenelet.runs.run import Result

FEW_IMAGES = 10  # validation images of a class: with fewer, little is known of it
RECIPE_HELP = "Recipe by name (quick, small, transfer, ...) or a YAML file."
MANIFEST_HELP = "manifest.csv of `data audit` or `data split`."


Recipe = Annotated[str | None, typer.Option(help=RECIPE_HELP)]
Manifest = Annotated[Path | None, typer.Option(help=MANIFEST_HELP)]
Name = Annotated[str | None, typer.Option(help="Of the run; default: data folder and recipe.")]
Runs = Annotated[
    Path, typer.Option(help="Folder that holds the runs, or an address (s3://bucket/runs).")
]
MaxLatencyMs = Annotated[
    float,
    typer.Option(
        min=0, help="Choose an input size at which the float model answers so fast here; 0: any."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")]


@with_dials
@on_machines
def train(
    folder: Folder,
    *,
    recipe: Recipe = None,
    manifest: Manifest = None,
    images: Images = None,
    column: Column = None,
    label_level: LabelLevel = "",
    name: Name = None,
    runs: Runs = Path("runs"),
    dial: Set = None,
    max_latency_ms: MaxLatencyMs = 0.0,
    tracker: Tracker = "",
    as_json: AsJson = False,
    machines: Machines,
    **dials: Any,
) -> None:
    """Train a classifier on a folder of labelled images.

    The same command again goes on where it was stopped.

    Example: `scenelet train photos --recipe small --epochs 40 --set widths=32,64,128,192`
    """
    _require_extra()
    from scenelet.dataset.audits import manifest_for
    from scenelet.learn.train import train as run_training
    from scenelet.runs.recipe import resolve
    from scenelet.runs.run import Run, run_name

    told_to(tracker)
    given = shared_out(chosen(dials, dial), machines)
    config = resolve(recipe, given)
    home = runs / (name or run_name(folder, recipe))
    place, told = source_at(folder, label_level, images, column), ConsoleProgress()
    with at_home(home, machines, images or folder, is_folded(given)) as trained:
        result = run_training(
            place,
            config,
            Run(trained.folder),
            told,
            manifest if label_level or column else manifest_for(place, manifest, told),
            given=None if recipe else given,
            few_steps=given.get("batch_size") is not None,
            sizes=_sizes(recipe, given, max_latency_ms, trained.costs, told),
            **trained.how,
        )
    if as_json:
        typer.echo(json.dumps({"run": address(home), **result.as_dict()}))
    else:
        _tell_result(result, home)


def _require_extra() -> None:
    """Told before anything else: the first of the extra's packages to fail names the extra."""
    with needs_extra("train"):
        import lightning  # noqa: F401
        import yaml  # noqa: F401


def _tell_result(result: "Result", home: Path) -> None:
    judged = "out-of-fold" if result.folds > 1 else "validation"
    kept = f"epoch {result.best_epoch} of {result.epochs}" if result.epochs else "a linear head"
    typer.echo(
        f"{judged} accuracy {result.val_top1_accuracy:.2%} ({result.validation_images:,}"
        f" images), log loss {result.val_log_loss:.3f}, {kept}, {result.training_s / 60:.1f} min"
    )
    for line in _of_classes(result.classes):
        tell(line)
    wrote("run", home, command("scenelet", "export", home))


def _of_classes(classes: Mapping[str, tuple[int, int]]) -> list[str]:
    """The class that is found least often, and those of which little is known."""
    judged = {name: counts for name, counts in classes.items() if counts[1]}
    if not judged:
        return []
    worst = min(judged, key=lambda name: judged[name][0] / judged[name][1])
    right, images = judged[worst]
    lines = [f"worst class: {one_line(worst)}, {right:,} of {images:,} validation images right"]
    few = [name for name, (_, images) in judged.items() if images < FEW_IMAGES]
    if few:
        lines.append(
            f"mind: fewer than {FEW_IMAGES} validation images of {listed(few)}: little is known of"
            f" {'it' if len(few) == 1 else 'them'}"
        )
    return lines


def _sizes(
    recipe: str | None, given: Mapping[str, Any], max_latency_ms: float, costs: Path, told: Progress
) -> tuple[int, ...]:
    """Input sizes to choose from: those that are quick enough, if somebody wishes so."""
    from scenelet.learn.plan import BACKBONE, SIZES
    from scenelet.tune.cost import sizes_within

    if not max_latency_ms:
        return SIZES
    if recipe or given.get("input_size"):
        raise ConfigError(
            "--max-latency-ms: chooses the input size, which a recipe or --input-size has chosen."
            " Leave one of them out."
        )
    network = {"network": given.get("init") or BACKBONE}
    return sizes_within(max_latency_ms, network, SIZES, costs, told)
