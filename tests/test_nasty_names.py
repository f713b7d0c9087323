"""One nasty set of names through every page, card, table and chart: each shows them as they are."""

import csv
import json
import warnings
from html.parser import HTMLParser

import pyarrow.parquet
import pytest
from markdown_it import MarkdownIt
from nasty import CLASSES, bundle_of, pictures_of

from scenelet.dataset.dataset import Dataset
from scenelet.text import elided, one_line

pytestmark = pytest.mark.pipeline
LEDGER = ("--ledger", "ledger.jsonl")


@pytest.fixture(scope="module")
def nasty(shipped_bundle, tmp_path_factory):
    return bundle_of(shipped_bundle, tmp_path_factory.mktemp("bundles") / "nasty")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return pictures_of(tmp_path_factory.mktemp("nasty") / "pictures")


@pytest.fixture(autouse=True)
def no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


class Told(HTMLParser):
    """The words of a page, and its tags."""

    def __init__(self, text):
        super().__init__()
        self.words, self.tags = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.words += [value for name, value in attributes if name in ("alt", "title") and value]

    def handle_data(self, data):
        self.words.append(data)


def assert_shown(text, classes=CLASSES):
    """A page has every class as it is, and no tag that a name made."""
    told = Told(text)
    for name in classes:
        assert any(one_line(name) in words for words in told.words), name
    assert "i" not in told.tags


def test_the_names_come_back_from_the_folder_and_from_the_manifest(pictures, tmp_path, scenelet):
    done = scenelet("data", "audit", pictures, "--no-labels", "--out", tmp_path / "a")
    assert done.code == 0, done.err
    from_folder = Dataset.open(pictures)
    from_manifest = Dataset.open(pictures, tmp_path / "a" / "manifest.csv")
    assert set(from_folder.class_names) == set(CLASSES) == set(from_manifest.class_names)
    assert [row.path for row in from_folder.rows] == [row.path for row in from_manifest.rows]
    assert all(from_manifest.read(row) for row in from_manifest.rows)
    summary = json.loads((tmp_path / "a" / "audit.json").read_text())
    assert set(summary["classes"]) == set(CLASSES)


def test_the_explore_page_shows_them(pictures, nasty, tmp_path, scenelet):
    out = tmp_path / "explore.html"
    done = scenelet("explore", pictures, "--out", out, "--bundle", nasty)
    assert done.code == 0, done.err
    assert "Warning" not in done.err
    assert_shown(out.read_text())


def test_figures_and_their_report_show_them(pictures, nasty, tmp_path, scenelet):
    report = tmp_path / "r.html"
    done = scenelet("evaluate", nasty, pictures, *LEDGER, "--report", report, cwd=tmp_path)
    assert done.code == 0, done.err
    assert "Warning" not in done.err
    for name in CLASSES:
        assert elided(one_line(name), 40) in done.out
    assert_shown(report.read_text())
    figures = json.loads(report.with_suffix(".json").read_text())
    assert figures["class_names"] == list(CLASSES)


def test_comparing_shows_them(pictures, nasty, shipped_bundle, tmp_path, scenelet):
    out = tmp_path / "c.html"
    done = scenelet("compare", nasty, nasty, pictures, *LEDGER, "--report", out, cwd=tmp_path)
    assert done.code == 0, done.err
    foreign = scenelet("compare", nasty, shipped_bundle, pictures, *LEDGER, cwd=tmp_path)
    assert foreign.code == 1
    assert len(foreign.err.strip().splitlines()) <= 2


def test_answers_show_them_on_the_terminal_and_as_json(pictures, nasty, scenelet):
    table = scenelet("predict", "--bundle", nasty, pictures)
    assert table.code == 0, table.err
    assert len(table.out.splitlines()) == 1 + 72
    lines = [
        json.loads(line)
        for line in scenelet("predict", "--bundle", nasty, pictures, "--json").out.splitlines()
    ]
    assert len(lines) == 72
    assert all(set(line["probabilities"]) == set(CLASSES) for line in lines)
    assert sum("m\\xfcller" in line["source"] for line in lines) == 1


def is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_table_of_answers_has_a_row_a_picture_and_the_names_as_they_are(
    pictures, nasty, tmp_path, scenelet, kind
):
    out = tmp_path / f"t.{kind}"
    done = scenelet("predict", "--bundle", nasty, pictures, "--out", out)
    assert done.code == 0, done.err
    if kind == "parquet":
        labels = pyarrow.parquet.read_table(out).column("label").to_pylist()
    elif kind == "jsonl":
        labels = [json.loads(line)["label"] for line in out.read_text().splitlines()]
    else:
        with open(out, newline="") as file:
            rows = list(csv.reader(file))
        cells = [cell for row in rows for cell in row if not is_number(cell)]
        assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in cells)
        labels = [row[rows[0].index("label")].removeprefix("'") for row in rows[1:]]
    assert len(labels) == 72
    assert set(labels) <= set(CLASSES)


def test_the_card_shows_them(nasty):
    from scenelet.bundle.contract import read_contract
    from scenelet.export.card import model_card
    from scenelet.export.formats import FORMATS

    card = model_card(read_contract(nasty), {each.file: 1 for each in FORMATS})
    renderer = MarkdownIt("commonmark").enable("table")
    told = Told(renderer.render(card))
    cells = [words.strip() for words in told.words]
    for name in CLASSES:
        assert sum(one_line(name) == words for words in cells) >= 3, name  # two tables
    assert not told.tags & {"i", "em"}


def test_charts_of_an_evaluation_show_them(nasty):
    from scenelet.assess.figures import by_class
    from scenelet.bundle.contract import read_contract
    from scenelet.report.charts import named, svg_text

    chart = by_class(read_contract(nasty).figures.per_class)
    svg_text(chart)
    shown = [label.get_text() for label in chart.axes[0].get_yticklabels()]
    assert shown == named(CLASSES)
    assert shown[1] == "_other"
