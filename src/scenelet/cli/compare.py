"""`scenelet compare`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenelet.cli.options import (
    DEFAULT_LEDGER,
    AsJson,
    Column,
    Folder,
    Images,
    LabelLevel,
    Ledger,
    Manifest,
    NamedBundle,
    Part,
    bundle_at,
)
from scenelet.cli.output import needs_extra, tell, tell_json, wrote
from scenelet.cli.place import source_at
from scenelet.progress import ConsoleProgress

if TYPE_CHECKING:
    from scenelet.assess.compare import Compared, Comparison


def compare(
    first: NamedBundle,
    second: Annotated[
        Path, typer.Argument(callback=bundle_at, help="Bundle folder: is this one better?")
    ],
    folder: Folder,
    *,
    part: Part = "auto",
    manifest: Manifest = None,
    images: Images = None,
    column: Column = None,
    label_level: LabelLevel = "",
    report: Annotated[
        Path | None, typer.Option(help="HTML file with the images that changed sides.")
    ] = None,
    ledger: Ledger = DEFAULT_LEDGER,
    as_json: AsJson = False,
) -> None:
    """Compare two bundles on the same images, with a plain verdict.

    McNemar's test, the difference with its interval, size and speed.

    Example: `scenelet compare models/intel-scenes bundles/mine seg_train`
    """
    from scenelet.assess.compare import compare_bundles, next_commands

    place, told = source_at(folder, label_level, images, column), ConsoleProgress()
    compared = compare_bundles((first, second), place, part, ledger, told, manifest)
    if report:
        _write_report(report, compared, (str(first), str(second)))
    if as_json:
        described = {"first": str(first), "second": str(second)}
        tell_json(described | compared.figures.as_dict())
        return
    _print(compared.figures, (first, second))
    tell(compared.dataset.account())
    further = next_commands(compared, (str(first), str(second)))[0]
    if report:
        wrote("report", report, further)
    else:
        tell(f"next: {further}")


def _write_report(path: Path, compared: "Compared", names: tuple[str, str]) -> None:
    with needs_extra("train"):
        from scenelet.assess.compare_report import comparison_page
    from scenelet.artefacts import write_text

    write_text(path, comparison_page(compared, names))


def _print(figures: "Comparison", folders: tuple[Path, Path]) -> None:
    from scenelet.assess.evaluate import PART_NAMES
    from scenelet.assess.ledger import told

    tell(f"the second is: {figures.verdict}")
    tell(f"{figures.images:,} images: {PART_NAMES[figures.part]}")
    if figures.looks:
        tell(told(figures.looks))
    for word, accuracy, took_ms, folder in zip(
        ("first ", "second"), figures.accuracies, figures.latency_ms, folders, strict=True
    ):
        tell(f"{word}  {accuracy:.1%}, {took_ms:.2g} ms   {folder}")
    _print_difference(figures)


def _print_difference(figures: "Comparison") -> None:
    gain = figures.difference
    tell(
        f"difference {100 * (gain.value or 0):+.1f} points (95 % interval {100 * gain.low:+.1f} to"
        f" {100 * gain.high:+.1f}); only the first right {figures.only_first_right:,}, only the"
        f" second {figures.only_second_right:,}; McNemar p = {figures.p_value:.2g}"
    )
    tell(
        f"second is {figures.size_ratio:.2g} times as large and takes {figures.latency_ratio:.2g}"
        " times as long"
    )
