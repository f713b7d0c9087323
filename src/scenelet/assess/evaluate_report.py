"""The evaluation report: what the model knows, where it fails, when it should not answer."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from scenelet.assess import figures as charts
from scenelet.assess.assessment import Assessment
from scenelet.assess.ceiling import Ceiling
from scenelet.assess.evaluate import PART_NAMES, Evaluated, in_short
from scenelet.assess.explain import GradCam, occlusion_map, overlay
from scenelet.assess.ledger import told
from scenelet.assess.pairs import Pair, confusable_pairs
from scenelet.assess.robustness import Robustness
from scenelet.assess.thresholds import NEVER_SURE, abstain_threshold, risk_coverage
from scenelet.assess.trust import trust
from scenelet.bundle.cautions import cautions
from scenelet.bundle.contract import fingerprint
from scenelet.bundle.figures import ClassFigures, Figures, Interval, Promise
from scenelet.bundle.numeric import softmax
from scenelet.dataset.strangers import paint_strangers
from scenelet.errors import BundleError
from scenelet.images import decode
from scenelet.progress import SILENT, Progress
from scenelet.report.charts import MOST_CLASSES
from scenelet.report.dots import dots_uri
from scenelet.report.html import (
    Card,
    Gallery,
    Headline,
    Matrix,
    Section,
    data_uri,
    following,
    page,
    svg,
    thumbnail,
)
from scenelet.text import listed, shell

PER_GALLERY = 24
PER_CELL = 6
MOST_CELLS = 48  # whose pictures are in the page
WHOLE_MATRIX = 12  # classes
WEAK = 0.9  # found less often, a class is named in the headline
PAIRS = 30
EXPLAINED = 6
TYPICAL = 12
WORST = 3
WISHES = (0.95, 0.98, 0.99)


def report_page(assessment: Assessment, progress: Progress = SILENT) -> str:
    """The whole report as one HTML page."""
    evaluated = assessment.evaluated
    figures, contract = evaluated.figures, evaluated.bundle.contract
    subtitle = (
        f"{figures.images:,} images: {PART_NAMES[evaluated.part]};"
        f" {len(figures.class_names)} classes"
    )
    progress.say("drawing")
    sections = [
        _overview(assessment),
        _classes(assessment),
        _confusion(assessment),
        _reliability(assessment),
        _abstaining(assessment),
        _sets(assessment),
        _strangers(assessment),
        _ceiling(assessment),
        _robustness(assessment),
        _explanations(evaluated, progress),
        _left_out(assessment),
    ]
    return page(
        f"{contract.name}: evaluation",
        subtitle,
        [*sections, _next(evaluated)],
        _headline(assessment),
        [f"Bundle {evaluated.bundle.folder}, {fingerprint(evaluated.bundle.folder)}"],
    )


def _headline(assessment: Assessment) -> Headline:
    """How often it is right, where it is weak, and what becomes of a hundred pictures."""
    evaluated = assessment.evaluated
    accuracy = evaluated.figures.top1_accuracy
    shown = trust(evaluated.bundle.contract, assessment.promise)
    right = f"Right in {round(100 * (accuracy.value or 0))} of 100 pictures"
    words = f"{_interval(accuracy)} {_weak(evaluated)}{shown.words}"
    return Headline(right, words, dots_uri(shown), shown.words)


def _interval(accuracy: Interval) -> str:
    low, high = (round(100 * end) for end in (accuracy.low, accuracy.high))
    return f"95 % interval {low} to {high}."


def _weak(evaluated: Evaluated) -> str:
    """The classes that are found least."""
    found = _by_recall(evaluated.figures)[:2]
    weak = [f"{name} ({share:.0%} found)" for share, name in found if share < WEAK]
    return f"Weakest at {' and '.join(weak)}. " if weak else ""


def _by_recall(figures: Figures) -> list[tuple[float, str]]:
    """Recall and name of the classes that have images, the least first."""
    classes = figures.per_class.items()
    return sorted((each.recall.value or 0.0, name) for name, each in classes if each.images)


def _next(evaluated: Evaluated) -> Section:
    bundle = evaluated.bundle.folder
    commands = [
        shell("scenelet", "app", "--bundle", bundle, "--data", evaluated.dataset.source.name),
        shell("scenelet", "package", bundle),
    ]
    return following(commands)


def _overview(assessment: Assessment) -> Section:
    evaluated = assessment.evaluated
    table = [
        ("figure", "value (95 % interval)"),
        *in_short(evaluated.figures),
        ("expected calibration error", assessment.promise.calibration),
    ]
    return Section("In short", _pairs_sentence(evaluated), table=table, points=_cautions(evaluated))


def _cautions(evaluated: Evaluated) -> list[str]:
    """What to bear in mind with these figures."""
    figures, points = evaluated.figures, cautions(evaluated.bundle.contract)
    if evaluated.part == "val":
        points.append(
            "The epoch, the temperature and the thresholds were chosen on these images: expect a"
            " little less on new ones."
        )
    if evaluated.looks:
        points.append(told(evaluated.looks))
    if evaluated.seen_in_training:
        points.append(
            f"{evaluated.seen_in_training:,} of the images were trained on (the same pictures)."
        )
    absent = [name for name, of_class in figures.per_class.items() if not of_class.images]
    if absent:
        points.append(f"No image of {listed(absent)} is here: nothing is said of them.")
    if figures.images < 100:
        points.append(f"Only {figures.images} images: look at the intervals, not at the figures.")
    return points


def _pairs_sentence(evaluated: Evaluated) -> str:
    pairs = confusable_pairs(evaluated.figures)
    if not pairs:
        return "Not one error."
    named = " and ".join("/".join(pair.classes) for pair in pairs[:2])
    share = sum(pair.share for pair in pairs[:2])
    total = sum(pair.errors for pair in pairs)
    if total == 1:
        return f"The one error lies between {named}."
    return f"{share:.0%} of all {total:,} errors lie between {named}."


def _classes(assessment: Assessment) -> Section:
    figures = assessment.evaluated.figures
    several = len(figures.class_names) > MOST_CLASSES
    named = sorted(figures.per_class.items(), key=lambda each: each[1].f1)
    rows = [("class", "images", "recall", "precision", "F1")]
    rows += [_of_class(*each) for each in (named if several else figures.per_class.items())]
    lead = "Recall: how much of a class is found. Precision: how often its name is right."
    if several:
        lead += f" The worst first; {MOST_CLASSES} of {len(named):,} are drawn."
    chart = charts.by_class(dict(named[:MOST_CLASSES]) if several else figures.per_class)
    drawn = [(svg(chart), "Recall and precision by class")]
    return Section("Classes", lead, figures=drawn, table=rows)


def _of_class(name: str, figures: ClassFigures) -> tuple[str, str, str, str, str]:
    recall, precision = figures.recall.percent, figures.precision.percent
    return name, f"{figures.images:,}", recall, precision, f"{figures.f1:.0%}"


def _confusion(assessment: Assessment) -> Section:
    """The matrix, whose cells show their pictures; of many classes those confused most."""
    evaluated, figures = assessment.evaluated, assessment.evaluated.figures
    pairs = confusable_pairs(figures)
    names = _worst_named(figures.class_names, pairs)
    lead = (
        "Rows are the true class, columns the answer. Blue: right; red: wrong. A number is a link"
        " to its pictures; a picture becomes large at a click."
    )
    rows: list[tuple[str, ...]] = []
    if len(names) < len(figures.class_names):
        lead = (
            f"The {len(names)} of {len(figures.class_names):,} classes with the pairs confused"
            f" most; answers of other classes are not in the matrix. {lead}"
        )
        shown = pairs[:PAIRS]
        rows = [("class", "class", "errors", "of all errors")]
        rows += [(*pair.classes, f"{pair.errors:,}", f"{pair.share:.0%}") for pair in shown]
    matrix = Matrix(names, _counts(figures, names), _of_cells(evaluated, names))
    return Section("Confusions", lead, matrix=matrix, table=rows)


def _counts(figures: Figures, names: Sequence[str]) -> list[list[int]]:
    """A row a true class, a column an answer."""
    return [[figures.confusion.get(true, {}).get(name, 0) for name in names] for true in names]


def _worst_named(names: Sequence[str], pairs: Sequence[Pair]) -> list[str]:
    """All classes, or of many those of the worst pairs, which stand side by side."""
    if len(names) <= WHOLE_MATRIX:
        return list(names)
    worst = dict.fromkeys(name for pair in pairs for name in pair.classes)
    return list(worst)[:WHOLE_MATRIX]


def _of_cells(
    evaluated: Evaluated, names: Sequence[str]
) -> dict[tuple[int, int], list[list[Card]]]:
    """Some pictures of each cell, the surest first: of errors first, of the largest cells first."""
    numbers = {name: number for number, name in enumerate(names)}
    cells: dict[tuple[int, int], list[int]] = {}
    for place in np.argsort(-evaluated.probabilities.max(1), kind="stable"):
        named = evaluated.chosen.rows[place].label, _answer_of(evaluated, int(place))
        if set(named) <= numbers.keys():
            cells.setdefault((numbers[named[0]], numbers[named[1]]), []).append(int(place))
    order = sorted(cells, key=lambda cell: (cell[0] == cell[1], -len(cells[cell])))
    return {
        cell: [[_card(evaluated, place)] for place in cells[cell][:PER_CELL]]
        for cell in order[:MOST_CELLS]
    }


def _reliability(assessment: Assessment) -> Section:
    evaluated = assessment.evaluated
    as_they_are = softmax(evaluated.answers.logits)
    chart = charts.reliability(evaluated.labels, as_they_are, evaluated.probabilities)
    drawn = [(svg(chart), "Reliability diagram")]
    return Section("Reliability", _calibrated(assessment), figures=drawn)


def _calibrated(assessment: Assessment) -> str:
    temperature = assessment.evaluated.bundle.contract.temperature
    how = (
        " (each tenth with the temperature that the other nine give)" if assessment.crossed else ""
    )
    return (
        f"Of answers given with 80 %, 80 % should be right. Temperature {temperature:g};"
        f" calibration error {assessment.promise.calibration}{how}. The"
        " temperature never changes which class wins."
    )


def _abstaining(assessment: Assessment) -> Section:
    evaluated, promise = assessment.evaluated, assessment.promise
    labels, probabilities = evaluated.labels, evaluated.probabilities
    _, coverage, accuracy = risk_coverage(labels, probabilities)
    rows, marks = [("wished accuracy", "answers from a probability of", "answers")], []
    for wish in WISHES:
        threshold = abstain_threshold(labels, probabilities, wish)
        if threshold == NEVER_SURE:
            rows.append((f"{wish:.0%}", "not to be had", "0%"))
            continue
        answered = float((probabilities.max(1) >= threshold).mean())
        rows.append((f"{wish:.0%}", f"{threshold:.3f}", f"{answered:.0%}"))
        marks.append(
            (
                answered,
                float(accuracy[max(0, round(answered * len(labels)) - 1)]),
                f"{answered:.0%} at {wish:.0%}",
            )
        )
    how = (
        "With thresholds from other images" if assessment.crossed else "With the bundle's threshold"
    )
    lead = f"{how}, and {promise.wished.accuracy:.0%} wished, {_kept(promise)}"
    chart = charts.risk_coverage(coverage, accuracy, marks)
    return Section(
        "When not to answer", lead, figures=[(svg(chart), "Risk-coverage curve")], table=rows
    )


def _kept(promise: Promise) -> str:
    if not promise.answered:
        return "it answers nothing."
    right = promise.accuracy_answered.percent
    return f"it answers {promise.answered:.0%} and is right in {right} of them."


def _sets(assessment: Assessment) -> Section:
    sets, contract = assessment.promise.sets, assessment.evaluated.bundle.contract
    if sets is None:
        return Section("Prediction sets", points=[f"None: {contract.prediction_sets.why_none}."])
    rows = [
        ("prediction sets", ""),
        ("promised to hold the true class", f"{assessment.promise.wished.coverage:.0%}"),
        ("hold it", sets.coverage.percent),
        ("classes in a set, on average", f"{sets.mean_set_size:.1f}"),
        ("sets with exactly one class", f"{sets.single:.0%}"),
    ]
    return Section("Prediction sets", _of_sets(assessment.crossed), table=rows)


def _of_sets(crossed: bool) -> str:
    measured = "Measured on images that the thresholds were not fitted on"
    how = measured if crossed else "By the bundle's thresholds"
    return f"Instead of one class, all that are still possible (split conformal). {how}."


def _strangers(assessment: Assessment) -> Section:
    strangers, (known, strange) = assessment.strangers, assessment.stranger_scores
    rows = [("painted strangers", "AUROC", "told")]
    rows += [
        (kind, f"{strangers.auroc[kind]:.3f}", f"{strangers.told[kind]:.0%}") for kind in strange
    ]
    rows.append(("these images", "", f"{strangers.false_alarms:.1%} (false alarms)"))
    worst = sorted(assessment.false_alarms.items(), key=lambda each: -each[1])[:WORST]
    rows += [(f"of them {name}", "", f"{share:.1%}") for name, share in worst if share]
    lead = (
        f"Pictures of none of the classes, told by {strangers.score} over"
        f" {strangers.threshold:.3g}: mean AUROC {strangers.mean_auroc:.2f}. Painted by scenelet;"
        f" photographs of other things may be harder to tell. {_real_strangers(assessment)}"
    )
    chart = charts.stranger_scores(known, strange, strangers.threshold, strangers.score)
    score = "Score of these images and of strangers"
    return Section(
        "Strangers",
        lead,
        figures=[(svg(chart), score)],
        table=rows,
        galleries=[Gallery("Some of them", _samples())],
    )


def _samples() -> list[list[Card]]:
    return [
        [Card(data_uri(decode(picture)), kind)]
        for kind, pictures in paint_strangers(2, seed=1).items()
        for picture in pictures
    ]


def _real_strangers(assessment: Assessment) -> str:
    left_out = assessment.evaluated.bundle.contract.strangers[0].left_out
    if left_out is None:
        return ""
    return f"Of its own classes, each in turn as if nobody had known it: AUROC {left_out:.2f}."


def _ceiling(assessment: Assessment) -> Section:
    evaluated, ceiling = assessment.evaluated, assessment.ceiling
    wrong, confidence = _errors(evaluated), evaluated.probabilities.max(1)
    if ceiling is None:
        lead = (
            "Too few images a class, or too weak a model, to judge the labels; its most confident"
            " errors below may still be wrong labels."
        )
        order = sorted(wrong, key=lambda place: -float(confidence[place]))
    else:
        lead = _blamed(ceiling)
        order = sorted(wrong, key=lambda place: float(ceiling.label_quality[place]))
    cards = [[_card(evaluated, place)] for place in order[:PER_GALLERY]]
    galleries = [Gallery("Errors, the most doubtful label first: who is right?", cards)]
    points = [] if wrong else ["No errors."]
    return Section("Labels and their noise", lead, galleries=galleries, points=points)


def _blamed(ceiling: Ceiling) -> str:
    doubts = f"{len(ceiling.doubtful):,} of {len(ceiling.label_quality):,} labels"
    return (
        f"Confident learning doubts {doubts}, and of the model's {ceiling.errors:,} errors"
        f" {ceiling.errors_doubtful:,} may be the label's. If all of these are, the model is right"
        f" in {ceiling.accuracy_if_right:.1%} instead of {ceiling.accuracy:.1%}. It is judge in its"
        " own cause here: look at the pictures."
    )


def _robustness(assessment: Assessment) -> Section:
    measured = assessment.robustness
    if measured is None:
        return Section("Robustness", points=["Not measured: add --robustness (some minutes)."])
    lead = _spoilt(measured)
    drawn = [(svg(charts.robustness(measured)), lead)]
    return Section("Robustness", lead, figures=drawn, wide=True)


def _spoilt(measured: Robustness) -> str:
    return (
        f"Mean over nine corruptions, five strengths each: {measured.mean_accuracy:.1%}; clean"
        f" {measured.clean.value:.1%} ({measured.images:,} images). Dotted: clean. Shaded: 95 %"
        " intervals."
    )


def _explanations(evaluated: Evaluated, progress: Progress) -> Section:
    cam, gap = _grad_cam(evaluated)
    asked = _worth_explaining(evaluated)
    galleries = []
    with progress.counting("explaining", sum(map(len, asked.values()))) as advance:
        for heading, places in asked.items():
            groups = []
            for place in places:
                groups.append(_explained(evaluated, place, cam))
                advance()
            galleries.append(Gallery(heading, groups))
    lead = (
        "What the answer hangs on. Occlusion: grey a patch out and see how far the answer's"
        " probability falls (the served model itself; full red: to nothing). Grad-CAM: where the"
        " last convolution sees the class (the same network in torch)."
    )
    return Section("Explanations", lead, galleries=galleries, points=[gap] if gap else [])


def _worth_explaining(evaluated: Evaluated) -> dict[str, list[int]]:
    """Heading -> places of pictures: the surest of some classes, sure errors, doubtful ones."""
    confidence = evaluated.probabilities.max(1)
    surest = np.argsort(-confidence, kind="stable")
    wrong = set(_errors(evaluated))
    typical: dict[str, int] = {}
    for place in surest:
        if place not in wrong:
            typical.setdefault(evaluated.chosen.rows[place].label, int(place))
    return {
        "Typical": list(typical.values())[:TYPICAL],
        "Wrong and sure": [int(place) for place in surest if place in wrong][:EXPLAINED],
        "Doubtful": [int(place) for place in surest[::-1][:EXPLAINED]],
    }


def _grad_cam(evaluated: Evaluated) -> tuple[GradCam | None, str]:
    try:
        return GradCam(evaluated.bundle.folder), ""
    except (ImportError, BundleError) as error:
        return None, f"Grad-CAM is left out: {error}"


def _explained(evaluated: Evaluated, place: int, cam: GradCam | None) -> list[Card]:
    row, spec = evaluated.chosen.rows[place], evaluated.bundle.contract.preprocess
    pixels = evaluated.chosen.input(row, spec)
    target = int(evaluated.probabilities[place].argmax())
    covered = overlay(pixels, occlusion_map(evaluated.bundle, pixels, target))
    cards = [_card(evaluated, place), Card(data_uri(covered), "occlusion")]
    if cam:
        heat = cam.heat(pixels, target)  # of no scale but its own
        cards.append(Card(data_uri(overlay(pixels, heat, float(heat.max()))), "Grad-CAM"))
    return cards


def _left_out(assessment: Assessment) -> Section:
    excluded = assessment.evaluated.dataset.excluded
    table = [("image", "reason"), *((row.path, row.excluded) for row in excluded[:200])]
    return Section("Left out", f"{len(excluded):,} images could not be used.", table=table)


def _errors(evaluated: Evaluated) -> list[int]:
    return [
        int(place)
        for place in np.flatnonzero(evaluated.probabilities.argmax(1) != evaluated.labels)
    ]


def _answer_of(evaluated: Evaluated, place: int) -> str:
    return evaluated.figures.class_names[int(evaluated.probabilities[place].argmax())]


def _card(evaluated: Evaluated, place: int) -> Card:
    row, answer = evaluated.chosen.rows[place], _answer_of(evaluated, place)
    told = f"{answer} {evaluated.probabilities[place].max():.0%}"
    image = thumbnail(partial(evaluated.chosen.read, row))
    if answer == row.label:
        return Card(image, row.path, told, "good")
    return Card(image, row.path, f"{row.label}, answered {told}", "bad")
