"""Four hundred classes: terminal and report stay readable and quick."""

import time

import numpy as np
import pytest

from scenelet.answers import Answers, open_bundle
from scenelet.assess.assessment import Assessment
from scenelet.assess.ceiling import noise_ceiling
from scenelet.assess.evaluate import Evaluated
from scenelet.assess.evaluate_report import _ceiling, _classes, _confusion, _overview
from scenelet.assess.pairs import confusable_pairs
from scenelet.bundle.metrics import evaluate
from scenelet.bundle.numeric import softmax
from scenelet.cli.evaluate import _print_classes, _print_confusion, _print_summary
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.row import Row
from scenelet.dataset.sources import Folder
from scenelet.report.html import page

NAMES = tuple(f"kind of thing number {number}" for number in range(400))


@pytest.fixture(scope="module")
def figures():
    labels, logits = answered()
    return evaluate(labels, softmax(logits, 1.0), NAMES)


def answered():
    """Three answers a class, most of them right."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(NAMES)), 3)
    logits = rng.normal(size=(len(labels), len(NAMES))).astype(np.float32)
    logits[np.arange(len(labels)), labels] += 3
    return labels, logits


def test_the_terminal_tells_the_worst_and_how_many_more_there_are(figures, capsys):
    _print_summary(figures)
    _print_classes(figures)
    _print_confusion(figures)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 60
    assert max(map(len, lines)) < 200
    assert any("370 more" in line for line in lines)
    worst = min(figures.per_class, key=lambda name: figures.per_class[name].f1)
    assert any(worst in line for line in lines)
    pair = confusable_pairs(figures)[0]
    assert any(all(name in line for name in pair.classes) for line in lines)


def test_the_pairs_add_up_to_all_errors(figures):
    matrix = np.array(figures.confusion_matrix)
    pairs = confusable_pairs(figures)
    assert sum(pair.errors for pair in pairs) == matrix.sum() - matrix.trace()
    assert sum(pair.share for pair in pairs) == pytest.approx(1)


def test_the_report_shows_pairs_instead_of_a_carpet_in_a_few_seconds(figures, bundle, tmp_path):
    assessment = assessed(figures, bundle, tmp_path)
    start_s = time.process_time()
    sections = [part(assessment) for part in (_overview, _classes, _confusion, _ceiling)]
    text = page("many", "400 classes", sections)
    assert time.process_time() - start_s < 15
    assert len(text) < 2_000_000
    matrix = text.split('<table class="matrix">')[1].split("</table>")[0]
    assert matrix.count('<th scope="row"') == 12  # of the classes that are confused most
    assert all(name in text for name in NAMES)  # in the table of classes, folded


def assessed(figures, folder, place):
    """As `assess` leaves it; what it says of strangers and promises is of the small bundle."""
    labels, logits = answered()
    named = [NAMES[label] for label in labels]
    rows = tuple(Row(f"{name}/{place}.jpg", name) for place, name in enumerate(named))
    bundle = open_bundle(folder)
    probabilities = softmax(logits, 1.0)
    evaluated = Evaluated(
        bundle=bundle,
        dataset=Dataset(Folder(place), rows),
        part="val",
        answers=Answers(logits, logits),
        labels=labels,
        probabilities=probabilities,
        figures=figures,
        looks=0,
    )
    return Assessment(
        evaluated=evaluated,
        promise=bundle.contract.promises,
        crossed=True,
        strangers=bundle.contract.strangers[0],
        stranger_scores=(labels, {}),
        false_alarms=dict.fromkeys(bundle.contract.class_names, 0.05),
        ceiling=noise_ceiling(labels, probabilities),
        robustness=None,
    )
