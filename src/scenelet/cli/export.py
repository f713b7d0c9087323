"""`scenelet export`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenelet.bundle.plain import as_plain
from scenelet.cli.output import command, needs_extra, tell, tell_json, wrote
from scenelet.progress import ConsoleProgress

if TYPE_CHECKING:
    from scenelet.export.steps import Exported


RunOption = Annotated[Path, typer.Argument(help="Run folder, as `train` named it.")]
Out = Annotated[Path | None, typer.Option(help="Folder of the bundle; default: bundles/NAME.")]
Name = Annotated[str | None, typer.Option(help="Of the bundle; default: that of the run.")]
Quantize = Annotated[
    str,
    typer.Option(help="none; fp16: half the size, the same answers; int8: a quarter, and faster."),
]
MaxDrop = Annotated[
    float,
    typer.Option(min=0, help="Most accuracy that quantising may cost, in percentage points."),
]
Mirror = Annotated[
    bool,
    typer.Option(
        help=(
            "Average the picture and its mirror image in the graph: more accurate, twice as slow."
        )
    ),
]
WishedAccuracy = Annotated[
    float | None,
    typer.Option(
        help=(
            "Of the answers that the bundle does not abstain from, 0-1. Default: the most of 98,"
            " 95, 90 and 80 % that the validation images can show."
        )
    ),
]
Coverage = Annotated[
    float, typer.Option(help="Part of the pictures whose prediction set holds the truth, 0-1.")
]
Licence = Annotated[str, typer.Option(help="Of the weights, as the card and bundle.json will say.")]
Data = Annotated[Path | None, typer.Option(help="Data folder, if it has moved since the training.")]
AsJsonOption = Annotated[
    bool, typer.Option("--json", help="Print parity, sizes and figures as one JSON object.")
]


def export(
    run: RunOption,
    out: Out = None,
    name: Name = None,
    quantize: Quantize = "none",
    max_drop: MaxDrop = 0.5,
    mirror: Mirror = False,
    wished_accuracy: WishedAccuracy = None,
    coverage: Coverage = 0.95,
    licence: Licence = "not stated",
    data: Data = None,
    as_json: AsJsonOption = False,
) -> None:
    """Write the bundle: LiteRT, ONNX, manifest, card, checksums, golden images.

    Refused if the three disagree.

    Example: `scenelet export runs/photos-small --name photos --quantize fp16 --licence CC-BY-4.0`
    """
    with needs_extra("train"):
        from scenelet.dataset.sink import placed
        from scenelet.export.steps import ExportOptions, export_bundle
        from scenelet.runs.run import Run
    source = Run(run)
    options = ExportOptions(
        name or source.name, licence, quantize, max_drop, mirror, wished_accuracy, coverage, data
    )
    target = out or Path("bundles") / options.name
    with placed(target) as local:
        made = export_bundle(source, local, options, ConsoleProgress())
    made = replace(made, folder=target)
    if as_json:
        tell_json(_described(made))
        return
    _print(made)
    following = command("scenelet", "predict", "--bundle", made.folder, "photo.jpg")
    wrote("bundle", made.folder, following)


def _described(made: "Exported") -> dict[str, object]:
    return {
        "bundle": str(made.folder),
        "parity": as_plain(made.parity),
        "size_bytes": made.size_bytes,
        "quantisation": as_plain(made.quantisation),
        "validation": made.figures.as_dict(),
    }


def _print(made: "Exported") -> None:
    from scenelet.bundle.cautions import cautions

    parity, quantisation, accuracy = made.parity, made.quantisation, made.figures.top1_accuracy
    tell(
        f"largest probability difference over {parity.images} images, from their bytes (0.001"
        " allowed; fp16 0.005):"
    )
    for pair, difference in parity.differences.items():
        tell(f"  {pair:28} {difference:.1e}")
    judged = "out-of-fold" if made.contract.training.folds > 1 else "validation"
    if quantisation.mode != "none":
        tell(
            f"{quantisation.mode} against float: accuracy {quantisation.accuracy:.2%} v"
            f" {quantisation.float_accuracy:.2%}, same answer on {quantisation.agreement:.2%}, size"
            f" x {quantisation.size_ratio:.2f}, latency x {quantisation.latency_ratio:.2f}"
            f" ({quantisation.latency_ms:.2f} ms, one thread)"
        )
    tell(
        f"{judged} accuracy of model.tflite {accuracy.percent}, 95 % interval,"
        f" {made.figures.images:,} images; {made.size_bytes['model.tflite'] / 1e6:.2f} MB"
    )
    for line in cautions(made.contract):
        tell(f"mind: {line}")
