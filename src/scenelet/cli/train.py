"""`scenelet train`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.output import dials_of, needs_extra, wrote
from scenelet.progress import ConsoleProgress


def train(
    folder: Annotated[
        Path,
        typer.Argument(
            help="Folder of class folders, or with train/ (seg_train/) of class folders."
        ),
    ],
    recipe: Annotated[
        str | None,
        typer.Option(help="Recipe by name (quick, small, transfer, ...) or a YAML file."),
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option(help="manifest.csv of `data audit` or `data split`.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Of the run; default: data folder and recipe.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder that holds the runs.")] = Path("runs"),
    epochs: Annotated[int | None, typer.Option(help="Passes over the training part.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Images a step.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Peak of the one-cycle schedule.")
    ] = None,
    input_size: Annotated[
        int | None, typer.Option(help="Width and height of the model input, in pixels.")
    ] = None,
    val_fraction: Annotated[
        float | None, typer.Option(help="Part of each class held out for validation, 0-1.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of split, weights, order and augmentation.")
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            help="Start from a run, a bundle, a model folder or hub:NAME (transfer learning)."
        ),
    ] = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(help="Run or bundle to learn from (distillation); may be repeated."),
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    devices: Annotated[
        int | None, typer.Option(help="GPUs that share each batch; 0 for all.")
    ] = None,
    precision: Annotated[str | None, typer.Option(help="auto, fp32, bf16 or fp16.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads; 0 for all cores.")] = None,
    dial: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Any other dial of the recipe; may be repeated."
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the result as one JSON object.")
    ] = False,
) -> None:
    """Train a classifier on a folder of labelled images.

    The same command again goes on where it was stopped.

    Example: `scenelet train photos --recipe small --epochs 40 --set widths=32,64,128,192`
    """
    with needs_extra("train"):
        import lightning  # noqa: F401  (the first of the extra's packages to fail names the extra)
        import yaml  # noqa: F401

        from scenelet.learn.train import train as run_training
        from scenelet.runs.recipe import resolve
        from scenelet.runs.run import Run
    flags = {
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "input_size": input_size,
        "val_fraction": val_fraction,
        "seed": seed,
        "init": init,
        "teacher": ",".join(teacher) if teacher else None,
        "device": device,
        "devices": devices,
        "precision": precision,
        "threads": threads,
    }
    config = resolve(recipe, flags | dials_of(dial or []))
    run = Run(
        runs / (name or f"{folder.resolve().name}-{Path(recipe).stem if recipe else 'default'}")
    )
    result = run_training(folder, config, run, ConsoleProgress(), manifest)
    if as_json:
        typer.echo(json.dumps({"run": str(run.folder), **result}))
        return
    typer.echo(
        f"validation accuracy {result['val_top1_accuracy']:.2%} ({result['validation_images']:,}"
        f" images), log loss {result['val_log_loss']:.3f}, epoch {result['best_epoch']} of"
        f" {result['epochs']}, {result['training_s'] / 60:.1f} min"
    )
    wrote("run", run.folder, f"scenelet export {run.folder}")
