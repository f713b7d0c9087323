"""The evaluation report: what the model knows, where it fails, when it should not answer.

HTML and JSON.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from scenelet.answers import Answers, ask
from scenelet.assess import figures as charts
from scenelet.assess.ceiling import Ceiling, noise_ceiling
from scenelet.assess.evaluate import PART_NAMES, Evaluated
from scenelet.assess.explain import GradCam, occlusion_map, overlay
from scenelet.assess.robustness import Robustness, measure_robustness
from scenelet.assess.strangers import stranger_figures
from scenelet.assess.thresholds import (
    NEVER_SURE,
    abstain_threshold,
    cross_fitted,
    measure_promise,
    risk_coverage,
)
from scenelet.bundle.figures import Promise, StrangerFigures
from scenelet.bundle.numeric import softmax
from scenelet.bundle.plain import as_plain
from scenelet.bundle.runtime import BundleModel
from scenelet.dataset.strangers import paint_strangers, strangers
from scenelet.errors import BundleError
from scenelet.images import decode
from scenelet.progress import SILENT, Progress
from scenelet.report.html import Card, Gallery, Section, data_uri, page, svg, thumbnail

PER_GALLERY = 24
PER_PAIR = 8
EXPLAINED = 6
STRANGERS_PER_KIND = 40
WISHES = (0.95, 0.98, 0.99)


@dataclass(frozen=True)
class Assessment:
    """Everything the report tells.

    Attributes:
        evaluated: The bundle, its answers, the figures.
        promise: What temperature and thresholds keep; on validation images by cross-fitting.
        crossed: Whether `promise` is cross-fitted.
        strangers: How the bundle's score tells painted strangers from these images.
        stranger_scores: Of these images, and of the strangers by kind.
        ceiling: What the labels allow; None where there is too little to judge.
        robustness: None unless asked for.
    """

    evaluated: Evaluated
    promise: Promise
    crossed: bool
    strangers: StrangerFigures
    stranger_scores: tuple[np.ndarray, dict[str, np.ndarray]]
    ceiling: Ceiling | None
    robustness: Robustness | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        evaluated = self.evaluated
        return {
            "bundle": str(evaluated.bundle.folder),
            "part": evaluated.part,
            "seen_in_training": evaluated.seen_in_training,
            "looks_at_this_test_split": evaluated.looks,
            **evaluated.figures.as_dict(),
            "confusable_pairs": [pair.as_dict() for pair in confusable_pairs(evaluated)],
            "held_out" if self.crossed else "promise": as_plain(self.promise),
            "strangers": self.strangers.as_dict(),
            "noise_ceiling": self.ceiling.as_dict() if self.ceiling else None,
            "robustness": self.robustness.as_dict() if self.robustness else None,
        }


def assess(evaluated: Evaluated, robustness: bool, progress: Progress = SILENT) -> Assessment:
    """Compute what goes beyond the figures.

    Args:
        evaluated: By `evaluate_bundle`.
        robustness: Whether to spoil every image in 45 ways, which takes minutes.
        progress: Is told how it goes on.
    """
    bundle, answers, labels = evaluated.bundle, evaluated.answers, evaluated.labels
    manifest = bundle.contract
    wished = manifest.promises.wished
    crossed = evaluated.part == "val"
    if crossed:  # the bundle's own thresholds were fitted on these very images
        promise = cross_fitted(labels, answers.logits, wished)
    else:
        thresholds = np.array(
            [manifest.prediction_set_thresholds[name] for name in manifest.class_names]
        )
        promise = measure_promise(
            labels, evaluated.probabilities, thresholds, manifest.abstain_below, wished
        )
    known = _stranger_scores(bundle, answers)
    strange = {
        kind: _stranger_scores(bundle, ask(bundle, pictures, manifest.preprocess))
        for kind, pictures in strangers(STRANGERS_PER_KIND, seed=1).items()
    }
    spoilt = None
    if robustness:
        spoilt = measure_robustness(bundle, evaluated.chosen, progress)
    return Assessment(
        evaluated=evaluated,
        promise=promise,
        crossed=crossed,
        strangers=stranger_figures(
            manifest.stranger_score, known, strange, manifest.stranger_above
        ),
        stranger_scores=(known, strange),
        ceiling=noise_ceiling(labels, evaluated.probabilities),
        robustness=spoilt,
    )


def _stranger_scores(bundle: BundleModel, answers: Answers) -> np.ndarray:
    pairs = zip(answers.logits, answers.features, strict=True)
    return np.array([bundle.stranger_score(*pair) for pair in pairs])


@dataclass(frozen=True)
class Pair:
    """Two classes that are taken for one another."""

    classes: tuple[str, str]
    errors: int
    share: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "classes": list(self.classes),
            "errors": self.errors,
            "share_of_all_errors": self.share,
        }


def confusable_pairs(evaluated: Evaluated) -> list[Pair]:
    """Pairs of classes by how many of the errors lie between them, most first."""
    matrix, names = np.array(evaluated.figures.confusion_matrix), evaluated.figures.class_names
    total = int(matrix.sum() - matrix.trace())
    pairs = [
        Pair(
            (names[i], names[j]),
            int(matrix[i, j] + matrix[j, i]),
            float((matrix[i, j] + matrix[j, i]) / total),
        )
        for i in range(len(names))
        for j in range(i + 1, len(names))
        if matrix[i, j] + matrix[j, i]
    ]
    return sorted(pairs, key=lambda pair: -pair.errors)


def report_page(assessment: Assessment) -> str:
    """The whole report as one HTML page."""
    evaluated = assessment.evaluated
    figures, manifest = evaluated.figures, evaluated.bundle.contract
    subtitle = (
        f"{figures.images:,} images: {PART_NAMES[evaluated.part]};"
        f" {len(figures.class_names)} classes"
    )
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
        _explanations(assessment),
        _left_out(assessment),
    ]
    return page(f"{manifest.name}: evaluation", subtitle, sections)


def _overview(assessment: Assessment) -> Section:
    evaluated, figures = assessment.evaluated, assessment.evaluated.figures
    accuracy = figures.top1_accuracy
    points = []
    if evaluated.part == "val":
        points.append(
            "The epoch, the temperature and the thresholds were chosen on these images: expect a"
            " little less on new ones."
        )
    if evaluated.looks:
        times = "once" if evaluated.looks == 1 else f"{evaluated.looks:,} times"
        points.append(
            f"This test split has been looked at {times} for this project, this look included."
        )
    if evaluated.seen_in_training:
        points.append(
            f"{evaluated.seen_in_training:,} of the images were trained on (the same pixels)."
        )
    absent = [name for name, of_class in figures.per_class.items() if not of_class.images]
    if absent:
        points.append(f"No image of {', '.join(absent)} is here: nothing is said of them.")
    if figures.images < 100:
        points.append(f"Only {figures.images} images: look at the intervals, not at the figures.")
    table = [
        ("figure", "value", "95 % interval"),
        ("top-1 accuracy", f"{accuracy.value:.2%}", f"{accuracy.low:.2%} to {accuracy.high:.2%}"),
        *(
            (name, f"{each.value:.4f}", f"{each.low:.4f} to {each.high:.4f}")
            for name, each in (
                ("balanced accuracy", figures.balanced_accuracy),
                ("macro F1", figures.macro_f1),
                ("log loss", figures.log_loss),
            )
        ),
        ("expected calibration error", f"{assessment.promise.expected_calibration_error:.2%}", ""),
    ]
    return Section("In short", _pairs_sentence(evaluated), table=table, points=points)


def _pairs_sentence(evaluated: Evaluated) -> str:
    pairs = confusable_pairs(evaluated)
    if not pairs:
        return "Not one error."
    named = " and ".join(f"{pair.classes[0]}/{pair.classes[1]}" for pair in pairs[:2])
    share = sum(pair.share for pair in pairs[:2])
    total = sum(pair.errors for pair in pairs)
    return f"{share:.0%} of all {total:,} errors lie between {named}."


def _classes(assessment: Assessment) -> Section:
    figures = assessment.evaluated.figures
    rows = [("class", "images", "recall", "precision", "F1")]
    for name, each in figures.per_class.items():
        recall, precision = (
            f"{i.value:.1%}" if i.value is not None else "none"
            for i in (each.recall, each.precision)
        )
        rows.append((name, f"{each.images:,}", recall, precision, f"{each.f1:.3f}"))
    lead = "Recall: how much of a class is found. Precision: how often its name is right."
    return Section(
        "Classes",
        lead,
        figures=[(svg(charts.by_class(figures)), "Recall and precision by class")],
        table=rows,
    )


def _confusion(assessment: Assessment) -> Section:
    evaluated = assessment.evaluated
    galleries = []
    for pair in confusable_pairs(evaluated)[:4]:
        places = [
            place
            for place in _errors(evaluated)
            if {evaluated.chosen.rows[place].label, _answer_of(evaluated, place)}
            == set(pair.classes)
        ]
        heading = (
            f"{pair.classes[0]} and {pair.classes[1]}: {pair.errors:,} errors, {pair.share:.0%}"
            " of all"
        )
        galleries.append(
            Gallery(heading, [[_card(evaluated, place)] for place in places[:PER_PAIR]])
        )
    images = [
        (svg(charts.confusion(evaluated.figures, shares=False)), "Confusion matrix, counts"),
        (
            svg(charts.confusion(evaluated.figures, shares=True)),
            "Confusion matrix, shares of the true class",
        ),
    ]
    return Section(
        "Confusions",
        "Rows are the true class, columns the answer.",
        figures=images,
        galleries=galleries,
    )


def _reliability(assessment: Assessment) -> Section:
    evaluated = assessment.evaluated
    answers, temperature = evaluated.answers, evaluated.bundle.contract.temperature
    how = (
        " (each tenth with the temperature that the other nine give)" if assessment.crossed else ""
    )
    lead = (
        f"Of answers given with 80 %, 80 % should be right. Temperature {temperature:g};"
        f" calibration error {assessment.promise.expected_calibration_error:.2%}{how}. The"
        " temperature never changes which class wins."
    )
    chart = charts.reliability(evaluated.labels, softmax(answers.logits), evaluated.probabilities)
    return Section("Reliability", lead, figures=[(svg(chart), "Reliability diagram")])


def _abstaining(assessment: Assessment) -> Section:
    evaluated, promise = assessment.evaluated, assessment.promise
    labels, probabilities = evaluated.labels, evaluated.probabilities
    _, coverage, accuracy = risk_coverage(labels, probabilities)
    rows, marks = [("wished accuracy", "answers from a probability of", "answers")], []
    for wish in WISHES:
        threshold = abstain_threshold(labels, probabilities, wish)
        if threshold == NEVER_SURE:
            rows.append((f"{wish:.0%}", "not to be had", "0.0%"))
            continue
        answered = float((probabilities.max(1) >= threshold).mean())
        rows.append((f"{wish:.0%}", f"{threshold:.3f}", f"{answered:.1%}"))
        marks.append(
            (
                answered,
                float(accuracy[max(0, round(answered * len(labels)) - 1)]),
                f"{answered:.0%} at {wish:.0%}",
            )
        )
    right = promise.accuracy_answered
    kept = (
        f"it answers {promise.answered:.1%} and is right in {right.value:.1%} ({right.low:.1%} to"
        f" {right.high:.1%}) of them."
        if right.value is not None
        else "it answers nothing."
    )
    how = (
        "With thresholds from other images" if assessment.crossed else "With the bundle's threshold"
    )
    lead = f"{how}, and {promise.wished.accuracy:.0%} wished, {kept}"
    chart = charts.risk_coverage(coverage, accuracy, marks)
    return Section(
        "When not to answer", lead, figures=[(svg(chart), "Risk-coverage curve")], table=rows
    )


def _sets(assessment: Assessment) -> Section:
    promise = assessment.promise
    coverage = promise.coverage
    rows = [
        ("prediction sets", ""),
        ("promised to hold the true class", f"{promise.wished.coverage:.0%}"),
        ("hold it", f"{coverage.value:.1%} ({coverage.low:.1%} to {coverage.high:.1%})"),
        ("classes in a set, on average", f"{promise.mean_set_size:.2f}"),
        ("sets with exactly one class", f"{promise.single:.1%}"),
    ]
    how = (
        "Measured on images that the thresholds were not fitted on"
        if assessment.crossed
        else "By the bundle's thresholds"
    )
    lead = (
        "Instead of one class, all that are still possible (split conformal, class by class)."
        f" {how}."
    )
    return Section("Prediction sets", lead, table=rows)


def _strangers(assessment: Assessment) -> Section:
    strangers, (known, strange) = assessment.strangers, assessment.stranger_scores
    rows = [("painted strangers", "AUROC", "told")]
    rows += [
        (kind, f"{strangers.auroc[kind]:.3f}", f"{strangers.told[kind]:.0%}") for kind in strange
    ]
    rows.append(("these images", "", f"{strangers.false_alarms:.1%} (false alarms)"))
    lead = (
        f"Pictures of none of the classes, told by {strangers.score} over"
        f" {strangers.threshold:.3g}: mean AUROC {strangers.mean_auroc:.3f}. Painted by scenelet;"
        " photographs of other things may be harder to tell."
    )
    chart = charts.stranger_scores(known, strange, strangers.threshold, strangers.score)
    samples = [
        [Card(data_uri(decode(pictures[place])), kind)]
        for kind, pictures in paint_strangers(2, seed=1).items()
        for place in range(2)
    ]
    score = "Score of these images and of strangers"
    return Section(
        "Strangers",
        lead,
        figures=[(svg(chart), score)],
        table=rows,
        galleries=[Gallery("Some of them", samples)],
    )


def _ceiling(assessment: Assessment) -> Section:
    evaluated, ceiling = assessment.evaluated, assessment.ceiling
    wrong = _errors(evaluated)
    if ceiling is None:
        lead = (
            "Too few images a class to judge the labels; the most confident errors below may still"
            " be wrong labels."
        )
        order = sorted(wrong, key=lambda place: -float(evaluated.probabilities[place].max()))
    else:
        part = (
            f", {ceiling.errors_doubtful:.0%} of its errors"
            if ceiling.errors_doubtful is not None
            else ""
        )
        lead = (
            f"Confident learning doubts {len(ceiling.doubtful):,} of {len(ceiling.label_quality):,}"
            f" labels{part}. At most {ceiling.accuracy.value:.1%} ({ceiling.accuracy.low:.1%} to"
            f" {ceiling.accuracy.high:.1%}) can be expected. The model is judge in its own cause"
            " here, so the true ceiling is rather higher."
        )
        order = sorted(wrong, key=lambda place: float(ceiling.label_quality[place]))
    cards = [[_card(evaluated, place)] for place in order[:PER_GALLERY]]
    galleries = [Gallery("Errors, the most doubtful label first: who is right?", cards)]
    points = [] if wrong else ["No errors."]
    return Section("Labels and their noise", lead, galleries=galleries, points=points)


def _robustness(assessment: Assessment) -> Section:
    measured = assessment.robustness
    if measured is None:
        return Section("Robustness", points=["Not measured: add --robustness (some minutes)."])
    lead = (
        f"Mean over nine corruptions, five strengths each: {measured.mean_accuracy:.1%}; clean"
        f" {measured.clean.value:.1%} ({measured.images:,} images). Dotted: clean. Shaded: 95 %"
        " intervals."
    )
    return Section(
        "Robustness", lead, figures=[(svg(charts.robustness(measured)), lead)], wide=True
    )


def _explanations(assessment: Assessment) -> Section:
    evaluated = assessment.evaluated
    probabilities, wrong = evaluated.probabilities, _errors(evaluated)
    right = [place for place in range(len(probabilities)) if place not in set(wrong)]
    typical = []
    for name in evaluated.figures.class_names:
        own = [place for place in right if evaluated.chosen.rows[place].label == name]
        typical += sorted(own, key=lambda place: -float(probabilities[place].max()))[:1]
    confident = sorted(wrong, key=lambda place: -float(probabilities[place].max()))[:EXPLAINED]
    unsure = sorted(range(len(probabilities)), key=lambda place: float(probabilities[place].max()))[
        :EXPLAINED
    ]
    cam, gap = _grad_cam(evaluated)
    galleries = [
        Gallery(heading, [_explained(evaluated, place, cam) for place in places])
        for heading, places in (
            ("Typical", typical[:12]),
            ("Wrong and sure", confident),
            ("Doubtful", unsure),
        )
    ]
    lead = (
        "What the answer hangs on. Occlusion: grey a patch out and see how far the answer's"
        " probability falls (the served model itself). Grad-CAM: where the last convolution sees"
        " the class (the same network in torch)."
    )
    return Section("Explanations", lead, galleries=galleries, points=[gap] if gap else [])


def _grad_cam(evaluated: Evaluated) -> tuple[GradCam | None, str]:
    try:
        return GradCam(evaluated.bundle.folder), ""
    except (ImportError, BundleError) as error:
        return None, f"Grad-CAM is left out: {error}"


def _explained(evaluated: Evaluated, place: int, cam: GradCam | None) -> list[Card]:
    row, spec = evaluated.chosen.rows[place], evaluated.bundle.contract.preprocess
    pixels = evaluated.chosen.input(row, spec)
    target = int(evaluated.probabilities[place].argmax())
    cards = [
        _card(evaluated, place),
        Card(
            data_uri(overlay(pixels, occlusion_map(evaluated.bundle, pixels, target))), "occlusion"
        ),
    ]
    if cam:
        heat = cam.heat(pixels, target)  # of no scale but its own
        cards.append(Card(data_uri(overlay(pixels, heat, float(heat.max()))), "Grad-CAM"))
    return cards


def _left_out(assessment: Assessment) -> Section:
    excluded = assessment.evaluated.dataset.excluded
    rows = [("image", "reason"), *((row.path, row.excluded) for row in excluded[:200])]
    return Section(
        "Left out", f"{len(excluded):,} images could not be used.", table=rows if excluded else ()
    )


def _errors(evaluated: Evaluated) -> list[int]:
    return [
        int(place)
        for place in np.flatnonzero(evaluated.probabilities.argmax(1) != evaluated.labels)
    ]


def _answer_of(evaluated: Evaluated, place: int) -> str:
    return evaluated.figures.class_names[int(evaluated.probabilities[place].argmax())]


def _card(evaluated: Evaluated, place: int) -> Card:
    row, answer = evaluated.chosen.rows[place], _answer_of(evaluated, place)
    confidence = float(evaluated.probabilities[place].max())
    tone = "good" if answer == row.label else "bad"
    return Card(
        thumbnail(partial(evaluated.chosen.read, row)),
        f"labelled {row.label}",
        f"answer {answer} {confidence:.0%}",
        tone,
    )
