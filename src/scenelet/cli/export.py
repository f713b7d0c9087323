"""`scenelet export`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scenelet.bundle.plain import as_plain
from scenelet.cli.options import bundle_at, to_write
from scenelet.cli.output import command, needs_extra, note, tell, tell_json, wrote
from scenelet.errors import ConfigError
from scenelet.progress import ConsoleProgress

if TYPE_CHECKING:
    from scenelet.bundle.figures import Parity, Quantisation
    from scenelet.export.steps import Exported


RunOption = Annotated[
    Path,
    typer.Argument(
        callback=bundle_at,
        help="Run folder, as `train` named it; for --web or --phone a bundle too.",
    ),
]
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
Web = Annotated[
    Path | None,
    typer.Option(
        callback=to_write,
        help="Folder to write for any static host: a page that answers in the browser.",
    ),
]
Phone = Annotated[
    Path | None,
    typer.Option(
        callback=to_write,
        help="Folder to write: a .tflite with metadata for MediaPipe, and labels.txt.",
    ),
]
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
    web: Web = None,
    phone: Phone = None,
    as_json: AsJsonOption = False,
) -> None:
    """Write the bundle: LiteRT, ONNX, contract, card, checksums, golden images.

    Refused if the three disagree.

    Example: `scenelet export runs/photos-small --name photos --quantize fp16 --licence CC-BY-4.0`
    or, of a bundle that is there: `scenelet export bundles/photos --web site --phone phone`
    """
    is_bundle = (run / "bundle.json").is_file()
    if is_bundle and not (web or phone):
        raise ConfigError(f"{run}: a bundle already. Give --web FOLDER or --phone FOLDER.")
    options = {
        "quantize": quantize,
        "max_drop": max_drop,
        "mirror": mirror,
        "licence": licence,
        "wished_accuracy": wished_accuracy,
        "coverage": coverage,
        "data": data,
    }
    bundle = run if is_bundle else _export_run(run, out, name, options, as_json)
    told = {
        **({"web": _export_web(bundle, web)} if web else {}),
        **({"phone": _export_phone(bundle, phone)} if phone else {}),
    }
    if as_json and is_bundle:
        tell_json(told)
    elif not as_json and web:
        wrote("page", web, command("python", "-m", "http.server", "--directory", web))
    elif not as_json and phone:
        wrote("model and labels for phones", phone)


def _export_run(
    run: Path, out: Path | None, name: str | None, options: dict[str, Any], as_json: bool
) -> Path:
    """The bundle's folder."""
    with needs_extra("train"):
        from scenelet.dataset.sink import placed
        from scenelet.export.steps import ExportOptions, export_bundle
        from scenelet.runs.run import Run
    source = Run(run)
    wished = ExportOptions(name or source.name, **options)
    target = out or Path("bundles") / wished.name
    to_write(target)
    with placed(target) as local:
        made = export_bundle(source, local, wished, ConsoleProgress())
    made = replace(made, folder=target)
    if as_json:
        tell_json(_described(made))
        return target
    _print(made)
    following = command("scenelet", "predict", "--bundle", made.folder, "photo.jpg")
    wrote("bundle", made.folder, following)
    return target


def _export_web(bundle: Path, out: Path) -> dict[str, object]:
    from scenelet.export.web import export_web
    from scenelet.export.web_speed import browser_here

    site = export_web(bundle, out, browser=browser_here())
    note(f"a browser loads {site.loaded_bytes / 1e6:.1f} MB; pictures never leave its device")
    if site.speed:
        note(site.speed)
    return {
        "folder": str(out),
        "speed": site.speed,
        "loaded_bytes": site.loaded_bytes,
        "size_bytes": site.size_bytes,
    }


def _export_phone(bundle: Path, out: Path) -> dict[str, object]:
    with needs_extra("phone"):
        import mediapipe  # noqa: F401
    from scenelet.export.phone import export_phone

    made = export_phone(bundle, out)
    note(f"MediaPipe answers as the bundle does: probabilities differ by {made.difference:.1e}")
    return {"folder": str(out), "size_bytes": made.size_bytes, "difference": made.difference}


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

    _print_parity(made.parity)
    if made.quantisation.mode != "none":
        _print_quantisation(made.quantisation)
    judged = "out-of-fold" if made.contract.training.folds > 1 else "validation"
    tell(
        f"{judged} accuracy of model.tflite {made.figures.top1_accuracy.percent}, 95 % interval,"
        f" {made.figures.images:,} images; {made.size_bytes['model.tflite'] / 1e6:.2f} MB"
    )
    for line in cautions(made.contract):
        tell(f"mind: {line}")


def _print_parity(parity: "Parity") -> None:
    tell(
        f"largest probability difference over {parity.images} images, from their bytes (0.001"
        " allowed; fp16 0.005):"
    )
    for pair, difference in parity.differences.items():
        tell(f"  {pair:28} {difference:.1e}")


def _print_quantisation(found: "Quantisation") -> None:
    tell(
        f"{found.mode} against float: accuracy {found.accuracy:.2%} v {found.float_accuracy:.2%},"
        f" same answer on {found.agreement:.2%}, size x {found.size_ratio:.2f}, latency x"
        f" {found.latency_ratio:.2f} ({found.latency_ms:.2f} ms, one thread)"
    )
