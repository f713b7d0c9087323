"""`scenelet export`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenelet.bundle.plain import as_plain
from scenelet.cli.output import needs_extra, wrote
from scenelet.progress import ConsoleProgress

if TYPE_CHECKING:
    from scenelet.export.steps import Exported


def export(
    run: Annotated[Path, typer.Argument(help="Run folder, as `train` named it.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the bundle; default: bundles/NAME.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Of the bundle; default: that of the run.")
    ] = None,
    quantize: Annotated[
        str,
        typer.Option(
            help="none; fp16: half the size, the same answers; int8: a quarter, and faster."
        ),
    ] = "none",
    max_drop: Annotated[
        float,
        typer.Option(min=0, help="Most accuracy that quantising may cost, in percentage points."),
    ] = 0.5,
    mirror: Annotated[
        bool,
        typer.Option(
            help=(
                "Average the picture and its mirror image in the graph: more accurate, twice as"
                " slow."
            )
        ),
    ] = False,
    wished_accuracy: Annotated[
        float,
        typer.Option(
            help="Of the answers that the bundle does not abstain from, 0-1; sets the threshold."
        ),
    ] = 0.98,
    coverage: Annotated[
        float, typer.Option(help="Part of the pictures whose prediction set holds the truth, 0-1.")
    ] = 0.95,
    licence: Annotated[
        str, typer.Option(help="Of the weights, as the card and bundle.json will say.")
    ] = "not stated",
    data: Annotated[
        Path | None, typer.Option(help="Data folder, if it has moved since the training.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print parity, sizes and figures as one JSON object.")
    ] = False,
) -> None:
    """Write the bundle: LiteRT, ONNX, manifest, card, checksums, golden images.

    Refused if the three disagree.

    Example: `scenelet export runs/photos-small --name photos --quantize fp16 --licence CC-BY-4.0`
    """
    with needs_extra("train"):
        from scenelet.export.steps import ExportOptions, export_bundle
        from scenelet.runs.run import Run
    source = Run(run)
    options = ExportOptions(
        name or source.name, licence, quantize, max_drop, mirror, wished_accuracy, coverage, data
    )
    made = export_bundle(source, out or Path("bundles") / options.name, options, ConsoleProgress())
    if as_json:
        described = {
            "bundle": str(made.folder),
            "parity": as_plain(made.parity),
            "size_bytes": made.size_bytes,
        }
        described |= {
            "quantisation": as_plain(made.quantisation),
            "validation": made.figures.as_dict(),
        }
        typer.echo(json.dumps(described))
        return
    _print(made)


def _print(made: "Exported") -> None:
    parity, quantisation, accuracy = made.parity, made.quantisation, made.figures.top1_accuracy
    typer.echo(
        f"largest probability difference over {parity.images} images, from their bytes (0.001"
        " allowed; fp16 0.005):"
    )
    for pair, difference in parity.differences.items():
        typer.echo(f"  {pair:28} {difference:.1e}")
    if quantisation.mode != "none":
        typer.echo(
            f"{quantisation.mode} against float: accuracy {quantisation.accuracy:.2%} v"
            f" {quantisation.float_accuracy:.2%}, same answer on {quantisation.agreement:.2%}, size"
            f" x {quantisation.size_ratio:.2f}, latency x {quantisation.latency_ratio:.2f}"
            f" ({quantisation.latency_ms:.2f} ms, one thread)"
        )
    typer.echo(
        f"validation accuracy of model.tflite {accuracy.value:.2%} (95 % interval"
        f" {accuracy.low:.2%} to {accuracy.high:.2%}, {made.figures.images:,} images),"
        f" {made.size_bytes['model.tflite'] / 1e6:.2f} MB"
    )
    wrote("bundle", made.folder, f"scenelet predict --bundle {made.folder} photo.jpg")
