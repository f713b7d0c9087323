"""`scenelet evaluate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scenelet.cli.cluster import Machines, on_machines
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
    to_write,
)
from scenelet.cli.output import (
    command,
    left_out,
    needs_extra,
    table,
    tell,
    tell_json,
    wrote,
)
from scenelet.cli.place import source_at
from scenelet.progress import ConsoleProgress

if TYPE_CHECKING:
    from scenelet.assess.evaluate import Evaluated
    from scenelet.bundle.figures import Figures

MOST_CLASSES = 30  # in a table; of more, the worst
WHOLE_MATRIX = 12  # classes that a terminal is wide enough for
PAIRS = 10


Report = Annotated[
    Path | None,
    typer.Option(
        callback=to_write, help="HTML file to write; the same as JSON is written beside it."
    ),
]
Strangers = Annotated[
    Path | None,
    typer.Option(
        help="Folder of pictures of none of the classes; in the report: how many are told so."
    ),
]
Robustness = Annotated[
    bool, typer.Option(help="In the report: accuracy on spoilt images too (takes minutes).")
]


@on_machines
def evaluate(
    bundle: NamedBundle,
    folder: Folder,
    *,
    part: Part = "auto",
    manifest: Manifest = None,
    images: Images = None,
    column: Column = None,
    label_level: LabelLevel = "",
    report: Report = None,
    robustness: Robustness = False,
    strangers: Strangers = None,
    ledger: Ledger = DEFAULT_LEDGER,
    as_json: AsJson = False,
    machines: Machines,
) -> None:
    """Measure a bundle on labelled images, from their raw bytes, with 95 % intervals.

    Looks at a test split are counted.

    Example: `scenelet evaluate models/intel-scenes seg_train --report evaluation.html`
    """
    from scenelet.assess.evaluate import evaluate_bundle

    place, told = source_at(folder, label_level, images, column), ConsoleProgress()
    with machines.engine(None, images or folder) as engine:
        evaluated = evaluate_bundle(bundle, place, part, ledger, told, manifest, engine)
    left_out(evaluated.dataset.excluded)
    if report:
        _write_report(evaluated, report, robustness, strangers)
    if as_json:
        tell_json({"bundle": str(bundle), "source": str(folder), **_described(evaluated)})
        return
    _print(evaluated)
    tell(evaluated.dataset.account())
    if report:
        wrote("report", report, command("scenelet", "app", "--bundle", bundle, "--data", folder))


def _write_report(
    evaluated: "Evaluated", path: Path, robustness: bool, strangers: Path | None
) -> None:
    progress = ConsoleProgress()
    progress.say("loading what draws the report")
    with needs_extra("train"):
        from scenelet.assess.assessment import assess
        from scenelet.assess.evaluate_report import report_page
    from scenelet.artefacts import make_folder, write_json, write_text
    from scenelet.dataset.sink import placed
    from scenelet.dataset.strangers import pictures_in

    others = pictures_in(strangers) if strangers else None
    assessment = assess(evaluated, robustness, progress, others)
    with placed(path) as page, placed(path.with_suffix(".json")) as summary:
        make_folder(page.parent)
        write_text(page, report_page(assessment, progress))
        write_json(summary, assessment.as_dict())


def _described(evaluated: "Evaluated") -> dict[str, object]:
    excluded = evaluated.dataset.excluded
    return {
        "part": evaluated.part,
        "excluded": [{"source": row.path, "error": row.excluded} for row in excluded],
        "seen_in_training": evaluated.seen_in_training,
        "looks_at_this_test_split": evaluated.looks,
        **evaluated.figures.as_dict(),
    }


def _print(evaluated: "Evaluated") -> None:
    from scenelet.assess.evaluate import PART_NAMES
    from scenelet.assess.ledger import told
    from scenelet.bundle.cautions import cautions

    figures, excluded = evaluated.figures, evaluated.dataset.excluded
    without = f", {len(excluded):,} left out" if excluded else ""
    tell(f"{figures.images:,} images: {PART_NAMES[evaluated.part]}{without}")
    if evaluated.seen_in_training and evaluated.part != "train":
        tell(
            f"{evaluated.seen_in_training:,} of them were trained on (the same pictures): the"
            " figure flatters a little"
        )
    if evaluated.looks:
        tell(told(evaluated.looks))
    for line in cautions(evaluated.bundle.contract):
        tell(f"mind: {line}")
    _print_summary(figures)
    _print_classes(figures)
    _print_confusion(figures)


def _print_summary(figures: "Figures") -> None:
    from scenelet.assess.evaluate import in_short

    table(("", ""), [*in_short(figures), ("expected calibration error", figures.calibration)])


def _print_classes(figures: "Figures") -> None:
    """Of every class; of many, those with the lowest F1."""
    named = list(figures.per_class.items())
    if len(named) > MOST_CLASSES:
        named = sorted(named, key=lambda each: each[1].f1)[:MOST_CLASSES]
        rest = len(figures.per_class) - MOST_CLASSES
        tell(f"the {MOST_CLASSES} worst classes; {rest:,} more do better (--json, --report)")
    rows = (
        (
            name,
            f"{each.images:,}",
            each.precision.percent,
            each.recall.percent,
            f"{each.f1:.0%}",
        )
        for name, each in named
    )
    table(("class", "images", "precision (95 % interval)", "recall (95 % interval)", "F1"), rows)


def _print_confusion(figures: "Figures") -> None:
    """The matrix where a terminal has room for it, else the pairs that are confused most."""
    names = figures.class_names
    if len(names) <= WHOLE_MATRIX:
        matrix = zip(names, figures.confusion_matrix, strict=True)
        rows = ((name, *(str(count or "·") for count in row)) for name, row in matrix)
        table(("true \\ answer", *names), rows)
        return
    from scenelet.assess.pairs import confusable_pairs

    pairs = confusable_pairs(figures)
    cells = ((*pair.classes, f"{pair.errors:,}", f"{pair.share:.1%}") for pair in pairs[:PAIRS])
    table(("confused", "with", "errors", "of all errors"), cells)
    if len(pairs) > PAIRS:
        tell(f"and {len(pairs) - PAIRS:,} more pairs")
