"""`scenelet evaluate`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenelet.cli.output import stderr, stdout

if TYPE_CHECKING:
    from scenelet.assess.evaluate import Chosen
    from scenelet.assess.metrics import Evaluation, Interval

_PART_NAMES = {
    "val": "the held-out validation part",
    "test": "the test part",
    "train": "images that were TRAINED ON: no measure of quality",
    "other": "images the bundle has not seen",
}


def evaluate(
    bundle: Annotated[Path, typer.Argument(help="Bundle folder.")],
    folder: Annotated[Path, typer.Argument(help="Folder of class folders.")],
    part: Annotated[
        str, typer.Option(help="auto, all, val, train or test; auto takes what the bundle was not trained on, and says so.")
    ] = "auto",
    manifest: Annotated[Path | None, typer.Option(help="manifest.csv of `data audit`: its labels and exclusions.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure a bundle on labelled images, from their raw bytes, with 95 % intervals.

    Example: `scenelet evaluate models/intel-scenes seg_train --part val`
    """
    from scenelet.assess.evaluate import evaluate_bundle

    chosen, figures = evaluate_bundle(bundle, folder, part, stderr(), manifest)
    for row in chosen.excluded:
        stderr().print(f"left out: {row.path}: {row.excluded}", style="yellow", highlight=False, soft_wrap=True)
    if as_json:
        excluded = [{"source": row.path, "error": row.excluded} for row in chosen.excluded]
        described = {
            "bundle": str(bundle),
            "source": str(folder),
            "part": chosen.part,
            "excluded": excluded,
            "seen_in_training": chosen.seen_in_training,
        }
        typer.echo(json.dumps(described | figures.as_dict(), ensure_ascii=False))
        return
    _print(chosen, figures)


def _print(chosen: "Chosen", figures: "Evaluation") -> None:
    from rich.table import Table

    console = stdout()
    left_out = f", {len(chosen.excluded)} left out" if chosen.excluded else ""
    console.print(f"{figures.images:,} images: {_PART_NAMES[chosen.part]}{left_out}")
    if chosen.seen_in_training and chosen.part != "train":
        console.print(f"{chosen.seen_in_training:,} of them were trained on (the same pixels): the figure flatters a little")
    summary = Table(box=None, show_header=False, pad_edge=False)
    summary.add_row("top-1 accuracy", _interval(figures.top1_accuracy, digits=2))
    summary.add_row("balanced accuracy", _interval(figures.balanced_accuracy, digits=2))
    summary.add_row("macro F1", _number(figures.macro_f1))
    summary.add_row("log loss", _number(figures.log_loss))
    summary.add_row("expected calibration error", f"{figures.expected_calibration_error:.2%}")
    console.print(summary)
    console.print()
    classes = Table("class", "images", "precision (95 % interval)", "recall (95 % interval)", "F1", box=None, pad_edge=False)
    for name, of_class in figures.per_class.items():
        precision, recall = _interval(of_class.precision), _interval(of_class.recall)
        classes.add_row(name, f"{of_class.images:,}", precision, recall, f"{of_class.f1:.3f}")
    console.print(classes)
    console.print()
    confusion = Table("true \\ answer", *figures.class_names, box=None, pad_edge=False)
    for name, row in zip(figures.class_names, figures.confusion_matrix, strict=True):
        confusion.add_row(name, *(str(count) if count else "·" for count in row))
    console.print(confusion)


def _number(interval: "Interval") -> str:
    return f"{interval.value:.4f} ({interval.low:.4f} to {interval.high:.4f})"


def _interval(interval: "Interval", digits: int = 1) -> str:
    if interval.value is None:
        return "none"
    return f"{interval.value:.{digits}%} ({interval.low:.{digits}%} to {interval.high:.{digits}%})"
