"""`scenelet evaluate` and `scenelet compare`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenelet.cli.output import needs_extra, stderr, stdout, wrote
from scenelet.progress import ConsoleProgress

if TYPE_CHECKING:
    from scenelet.assess.evaluate import Evaluated
    from scenelet.bundle.figures import Interval

DEFAULT_LEDGER = Path("runs") / "test-ledger.jsonl"


def evaluate(
    bundle: Annotated[Path, typer.Argument(help="Bundle folder.")],
    folder: Annotated[Path, typer.Argument(help="Folder of class folders.")],
    part: Annotated[
        str,
        typer.Option(
            help=(
                "auto, all, val, train or test; auto takes what the bundle was not trained on, and"
                " says so."
            )
        ),
    ] = "auto",
    manifest: Annotated[
        Path | None, typer.Option(help="manifest.csv of `data audit`: its labels and exclusions.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="HTML file to write; the same as JSON is written beside it.")
    ] = None,
    robustness: Annotated[
        bool, typer.Option(help="In the report: accuracy on spoilt images too (takes minutes).")
    ] = False,
    ledger: Annotated[
        Path,
        typer.Option(envvar="SCENELET_LEDGER", help="Where looks at a test split are recorded."),
    ] = DEFAULT_LEDGER,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure a bundle on labelled images, from their raw bytes, with 95 % intervals.

    Looks at a test split are counted.

    Example: `scenelet evaluate models/intel-scenes seg_train --report evaluation.html`
    """
    from scenelet.assess.evaluate import evaluate_bundle

    evaluated = evaluate_bundle(bundle, folder, part, ledger, ConsoleProgress(), manifest)
    excluded, figures = evaluated.dataset.excluded, evaluated.figures
    for row in excluded:
        stderr().print(
            f"left out: {row.path}: {row.excluded}", style="yellow", highlight=False, soft_wrap=True
        )
    if report:
        _write_report(evaluated, report, robustness)
    if as_json:
        left_out = [{"source": row.path, "error": row.excluded} for row in excluded]
        described = {
            "bundle": str(bundle),
            "source": str(folder),
            "part": evaluated.part,
            "excluded": left_out,
            "seen_in_training": evaluated.seen_in_training,
            "looks_at_this_test_split": evaluated.looks,
        }
        typer.echo(json.dumps(described | figures.as_dict(), ensure_ascii=False))
        return
    _print(evaluated)
    stdout().print(evaluated.dataset.account(), markup=False, highlight=False, soft_wrap=True)
    if report:
        wrote("report", report)


def _write_report(evaluated: "Evaluated", path: Path, robustness: bool) -> None:
    with needs_extra("train"):
        from scenelet.assess.report import assess, report_page
    from scenelet.artefacts import make_folder, write_json, write_text

    make_folder(path.parent)
    assessment = assess(evaluated, robustness, ConsoleProgress())
    write_text(path, report_page(assessment))
    write_json(path.with_suffix(".json"), assessment.as_dict())


def compare(
    first: Annotated[Path, typer.Argument(help="Bundle folder.")],
    second: Annotated[Path, typer.Argument(help="Bundle folder: is this one better?")],
    folder: Annotated[Path, typer.Argument(help="Folder of class folders.")],
    part: Annotated[
        str, typer.Option(help="auto, all, val, train or test, as for `evaluate`.")
    ] = "auto",
    manifest: Annotated[
        Path | None, typer.Option(help="manifest.csv of `data audit`: its labels and exclusions.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="HTML file with the images that changed sides.")
    ] = None,
    ledger: Annotated[
        Path,
        typer.Option(envvar="SCENELET_LEDGER", help="Where looks at a test split are recorded."),
    ] = DEFAULT_LEDGER,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare two bundles on the same images: McNemar's test, difference with interval, size and speed, a plain verdict.

    Example: `scenelet compare models/intel-scenes bundles/mine seg_train`
    """
    from scenelet.assess.compare import compare_bundles
    from scenelet.assess.evaluate import PART_NAMES

    compared = compare_bundles((first, second), folder, part, ledger, ConsoleProgress(), manifest)
    figures = compared.figures
    if report:
        with needs_extra("train"):
            from scenelet.assess.compare_report import comparison_page
        from scenelet.artefacts import write_text

        write_text(report, comparison_page(compared, (str(first), str(second))))
    if as_json:
        typer.echo(json.dumps({"first": str(first), "second": str(second), **figures.as_dict()}))
        return
    console, gain = stdout(), figures.difference
    console.print(f"{figures.images:,} images: {PART_NAMES[figures.part]}")
    _print_looks(figures.looks)
    console.print(f"first   {figures.accuracies[0]:.2%}, {figures.latency_ms[0]:.2f} ms   {first}")
    console.print(f"second  {figures.accuracies[1]:.2%}, {figures.latency_ms[1]:.2f} ms   {second}")
    console.print(
        f"difference {100 * (gain.value or 0):+.2f} points (95 % interval {100 * gain.low:+.2f} to"
        f" {100 * gain.high:+.2f}); only the first right {figures.only_first_right:,}, only the"
        f" second {figures.only_second_right:,}; McNemar p = {figures.p_value:.3g}",
        soft_wrap=True,
    )
    console.print(
        f"second is {figures.size_ratio:.2f} times as large and takes {figures.latency_ratio:.2f}"
        " times as long"
    )
    console.print(f"verdict on the second: {figures.verdict}")
    if report:
        wrote("report", report)


def _print_looks(looks: int) -> None:
    if looks:
        stdout().print(
            f"this test split has been looked at {looks:,} {'time' if looks == 1 else 'times'} for"
            " this project"
        )


def _print(evaluated: "Evaluated") -> None:
    from rich.table import Table

    from scenelet.assess.evaluate import PART_NAMES

    console, excluded, figures = stdout(), evaluated.dataset.excluded, evaluated.figures
    left_out = f", {len(excluded)} left out" if excluded else ""
    console.print(f"{figures.images:,} images: {PART_NAMES[evaluated.part]}{left_out}")
    if evaluated.seen_in_training and evaluated.part != "train":
        console.print(
            f"{evaluated.seen_in_training:,} of them were trained on (the same pixels): the figure"
            " flatters a little"
        )
    _print_looks(evaluated.looks)
    summary = Table(box=None, show_header=False, pad_edge=False)
    summary.add_row("top-1 accuracy", _interval(figures.top1_accuracy, digits=2))
    summary.add_row("balanced accuracy", _interval(figures.balanced_accuracy, digits=2))
    summary.add_row("macro F1", _number(figures.macro_f1))
    summary.add_row("log loss", _number(figures.log_loss))
    summary.add_row("expected calibration error", f"{figures.expected_calibration_error:.2%}")
    console.print(summary)
    console.print()
    classes = Table(
        "class",
        "images",
        "precision (95 % interval)",
        "recall (95 % interval)",
        "F1",
        box=None,
        pad_edge=False,
    )
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
