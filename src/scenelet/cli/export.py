"""`scenelet export`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.output import needs_extra, stderr, wrote


def export(
    run: Annotated[Path, typer.Argument(help="Run folder, as `train` named it.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the bundle; default: bundles/NAME.")] = None,
    name: Annotated[str | None, typer.Option(help="Of the bundle; default: that of the run.")] = None,
    licence: Annotated[str, typer.Option(help="Of the weights, as the card and bundle.json will say.")] = "not stated",
    data: Annotated[Path | None, typer.Option(help="Data folder, if it has moved since the training.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print parity, sizes and figures as one JSON object.")] = False,
) -> None:
    """Write the bundle: LiteRT, ONNX, manifest, card, checksums, golden images. Refused if the three disagree.

    Example: `scenelet export runs/photos-small --name photos --licence CC-BY-4.0`
    """
    with needs_extra("train"):
        from scenelet.export.write import export_bundle
        from scenelet.learn.run import Run
    source = Run(run)
    name = name or source.name
    made = export_bundle(source, out or Path("bundles") / name, name, licence, data, stderr())
    accuracy = made.evaluation.top1_accuracy
    if as_json:
        described = {"bundle": str(made.folder), "parity": made.parity.as_dict(), "size_bytes": made.size_bytes}
        typer.echo(json.dumps(described | {"validation": made.evaluation.as_dict()}))
        return
    parity = made.parity
    typer.echo(f"largest probability difference over {parity.images} images, from their bytes (at most 0.001 allowed):")
    typer.echo(f"  checkpoint - LiteRT  {parity.checkpoint_litert:.1e}")
    typer.echo(f"  checkpoint - ONNX    {parity.checkpoint_onnx:.1e}")
    typer.echo(f"  LiteRT - ONNX        {parity.litert_onnx:.1e}")
    typer.echo(
        f"validation accuracy of LiteRT {accuracy.value:.2%} (95 % interval {accuracy.low:.2%} to {accuracy.high:.2%}, "
        f"{made.evaluation.images:,} images), model {made.size_bytes['model.tflite'] / 1e6:.2f} MB"
    )
    wrote("bundle", made.folder, f"scenelet predict --bundle {made.folder} photo.jpg")
