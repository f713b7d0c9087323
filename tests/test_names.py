"""Names as people, cameras and old archives give them.

Through every door they come back the same.
"""

import csv
import io
import json
import os
import shutil
import tempfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from PIL import Image

from scenelet.app.sources import VARIABLE, Sources
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.manifest import read_manifest, write_manifest
from scenelet.files import pictures
from scenelet.names import printable, raw
from scenelet.runs.recipe import TrainConfig
from scenelet.runs.run import Run
from scenelet.serve.batch import predict_folder
from scenelet.serve.predictor import Predictor
from scenelet.text import markdown, one_line

NASTY = (
    "$5_$10", "=1+1", "-rf", "@home", "a\nb", "a\r\nb", "<b>x<script>", "a|b", "[red]x[bold]", "_other", "`x`", "%d %s {x}",
    "森林", "مرحبا", "e\u0301te\u0301", "\U0001f600", "a\u202eb", " x ", "x.", "a\\x80b", "a\\b", '"q"', "'q'", "a,b;c\td",
    os.fsdecode(b"m\xfcller"), os.fsdecode(b"\xff\xfe"), "NaN", "null", "True", "0", "1e5", "p_sea", "&amp;", "\x1b[31m", "\x85",
)  # fmt: skip


def is_name(text):
    """Whether a file system takes it as a name that is neither hidden nor too long."""
    try:
        encoded = os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return (
        0 < len(encoded) <= 100
        and not set(text) & {"/", "\0"}
        and not text.startswith((".", "__"))
        and text.casefold().strip() not in RESERVED
    )


# names that mean something to scenelet: a split, or litter of a system
RESERVED = {"train", "val", "test", "lost+found", "desktop.ini", "thumbs.db"}
NAMES = st.one_of(
    st.sampled_from(NASTY),
    st.binary(min_size=1, max_size=40).map(os.fsdecode),
    st.text(min_size=1, max_size=30),
).filter(is_name)
CLASSES = st.lists(NAMES, min_size=2, max_size=3, unique_by=lambda name: name.casefold().strip())


def encoded(shade):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, 255 - shade, 90)).save(buffer, "PNG")
    return buffer.getvalue()


def laid(root, classes, file="x"):
    """A folder of class folders, one picture in each; returns the pictures by their path."""
    found = {}
    for number, name in enumerate(classes):
        place = Path(root, name, f"{file}.png")
        place.parent.mkdir()
        found[f"{name}/{file}.png"] = encoded(20 * number)
        place.write_bytes(found[f"{name}/{file}.png"])
    return found


@example(["a", "b"], "a\nb")
@example(["train_", "=1+1"], "x")
@given(CLASSES, NAMES)
@settings(max_examples=40, deadline=None)
def test_names_come_back_the_same_from_a_scan_and_a_manifest(classes, file):
    with tempfile.TemporaryDirectory() as root:
        there = laid(Path(root), classes, file)
        found = Dataset.open(root)
        assert {raw(row.path): found.read(row) for row in found.rows} == there
        assert sorted(raw(row.label) for row in found.rows) == sorted(classes)
        manifest = Path(root, "manifest.csv")
        write_manifest(manifest, found.rows)
        manifest.read_text("utf-8")
        assert tuple(read_manifest(manifest)) == found.rows
        again = Dataset.open(root, manifest)
        assert again.class_names == found.class_names
        assert {raw(row.path): again.read(row) for row in again.rows} == there


def rows_of(table):
    if table.suffix == ".parquet":
        return pq.read_table(table).to_pylist()
    if table.suffix == ".csv":
        return list(csv.DictReader(io.StringIO(table.read_bytes().decode("utf-8"), newline="")))
    return [json.loads(line) for line in table.read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def predictor(bundle):
    return Predictor(bundle)


@given(CLASSES, NAMES)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_names_come_back_the_same_from_every_table_of_answers(predictor, classes, file):
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root, "photos")
        folder.mkdir()
        there = laid(folder, classes, file)
        for kind in (".csv", ".jsonl", ".parquet"):
            table = Path(root, f"answers{kind}")
            assert predict_folder(predictor, folder, table) == (len(there), [])
            found = (raw(row["path"]).removeprefix("./") for row in rows_of(table))
            assert sorted(found) == sorted(there)


def renamed_in(value, new):
    """Plain values with other class names."""
    if isinstance(value, dict):
        return {new.get(key, key): renamed_in(each, new) for key, each in value.items()}
    if isinstance(value, list):
        return [renamed_in(each, new) for each in value]
    return new.get(value, value) if isinstance(value, str) else value


def renamed(bundle, folder, names):
    """The bundle with other class names, in every place of its contract."""
    text = json.loads((bundle / "bundle.json").read_text())
    new = dict(zip(text["class_names"], map(printable, names), strict=True))
    for file in bundle.rglob("*"):
        if file.is_file():
            (folder / file.relative_to(bundle)).parent.mkdir(parents=True, exist_ok=True)
            (folder / file.relative_to(bundle)).write_bytes(file.read_bytes())
    (folder / "bundle.json").write_text(json.dumps(renamed_in(text, new)))
    return folder


SIX = st.lists(NAMES, min_size=6, max_size=6, unique_by=lambda name: name.casefold().strip())


class Page(HTMLParser):
    """Tags and text of a report."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.scripts = set(), [], 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.scripts += tag == "script"

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.pipeline
@example(list(NASTY[:6]))
@example(list(NASTY[6:12]))
@example(list(NASTY[12:18]))
@example(list(NASTY[18:24]))
@example(list(NASTY[24:30]))
@given(SIX)
@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_classes_of_any_name_are_evaluated_reported_and_answered(bundle, scenelet, names):
    with tempfile.TemporaryDirectory() as root:
        folder, data = renamed(bundle, Path(root, "b"), names), Path(root, "data")
        data.mkdir()
        there = laid(data, names)
        report, ledger = Path(root, "r.html"), Path(root, "ledger.jsonl")
        flags = ("--ledger", ledger, "--report", report, "--json")
        done = scenelet("evaluate", folder, data, *flags)
        assert done.code == 0, done.err
        told = json.loads(done.out)
        assert sorted(map(raw, told["class_names"])) == sorted(names)
        assert sorted(map(raw, told["per_class"])) == sorted(names)
        assert scenelet("evaluate", folder, data, "--ledger", ledger).code == 0
        page = Page(report.read_text("utf-8"))
        assert (page.tags & {"b", "x"}, page.scripts) == (set(), 1)
        done = scenelet("predict", "--bundle", folder, data, "--json")
        answers = [json.loads(line) for line in done.out.splitlines()]
        assert len(answers) == len(there)
        assert all(raw(answer["label"]) in names for answer in answers)
        assert scenelet("predict", "--bundle", folder, data).code == 0
        assert scenelet("explore", data, "--bundle", folder, "--out", report).code == 0


@given(SIX)
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_a_bundle_tells_people_names_classes_as_they_are(bundle, names):
    from scenelet.bundle.contract import read_contract
    from scenelet.export.formats import FORMATS
    from scenelet.export.steps import for_people, write

    classes = list(map(printable, names))
    with tempfile.TemporaryDirectory() as root:
        contract = read_contract(renamed(bundle, Path(root, "b"), names))
        assert list(map(raw, contract.class_names)) == names
        told = for_people(contract, {each.file: 1 for each in FORMATS})
        files = {
            str(file.relative_to(bundle)): file.read_bytes()
            for file in bundle.rglob("*")
            if file.is_file() and file.name != "bundle.json"
        }
        write(Path(root, "c"), contract, files | told)
        assert read_contract(Path(root, "c")).class_names == contract.class_names
    card = Page(MarkdownIt("commonmark").enable("table").render(told["MODEL_CARD.md"].decode()))
    cells = [words.strip() for words in card.words]
    assert all(one_line(name).strip() in cells for name in classes)
    assert not card.tags & {"b", "script", "x", "i"}
    fromstring(told["trust.svg"])  # well-formed, whatever a name holds


@pytest.mark.pipeline
@given(CLASSES, st.lists(NAMES, min_size=6, max_size=6, unique_by=printable))
@settings(max_examples=3, deadline=None)
def test_a_training_records_classes_and_files_as_they_are(classes, files):
    from scenelet.learn.fit import fit
    from scenelet.learn.job import prepare, split_dataset
    from scenelet.learn.place import Place

    small = {"train_sizes": (16,), "input_size": 16, "storage_size": 16, "batch_size": 8}
    config = TrainConfig(epochs=1, widths=(8,), depths=(1,), threads=1, device="cpu", **small)
    with tempfile.TemporaryDirectory() as root:
        there = painted_as(Path(root, "data"), classes, files)
        dataset = split_dataset(Path(root, "data"), None, config)
        job = prepare(config, Run(Path(root, "run")), dataset)
        result = fit(job, Place("cpu", "fp32"))
        assert sorted(map(raw, job.run.data()["class_names"])) == sorted(classes)
        assert sorted(map(raw, result.classes)) == sorted(classes)
        rows = read_manifest(job.run.folder / "manifest.csv")
        assert sorted(raw(row.path) for row in rows) == sorted(there)
        assert all(raw(row.label) == raw(row.path).split("/")[0] for row in rows)


def painted_as(root, classes, files):
    """Different pictures under these names; returns their paths."""
    from scenelet.dataset.paint import jpeg, paint_scene

    there = [f"{name}/{file}.jpg" for name in classes for file in files]
    for seed, path in enumerate(there):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(jpeg(paint_scene("sea", seed, size_px=32)))
    return there


@pytest.mark.pipeline
@given(names=SIX)
@settings(
    max_examples=1, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_run_of_classes_of_any_name_is_exported(run_folder, names):
    from scenelet.bundle.contract import read_contract
    from scenelet.export.steps import ExportOptions, export_bundle

    old = Run(run_folder).data()["class_names"]
    new = dict(zip(old, map(printable, names), strict=True))
    with tempfile.TemporaryDirectory() as root:
        run = Run(shutil.copytree(run_folder, Path(root, "r")))
        manifest = run.folder / "manifest.csv"
        rows = read_manifest(manifest)
        write_manifest(manifest, [replace(row, label=new[row.label]) for row in rows])
        for file in ("data.json", "result.json"):
            text = json.loads((run.folder / file).read_text())
            (run.folder / file).write_text(json.dumps(renamed_in(text, new)))
        export_bundle(run, Path(root, "b"), ExportOptions("any"))
        contract = read_contract(Path(root, "b"))
        assert [raw(name) for name in contract.class_names] == names
        assert set(map(raw, contract.figures.per_class)) == set(names)
        golden = next(Path(root, "b", "golden").iterdir()).read_bytes()
        assert raw(Predictor(Path(root, "b")).predict(golden).label) in names


@pytest.mark.parametrize("name", ["classify", "model"])
@given(names=SIX)
@settings(
    max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_page_of_the_app_shows_classes_of_any_name(bundle, name, names):
    from streamlit.testing.v1 import AppTest

    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        folder, data = renamed(bundle, Path(root, "b"), names), Path(root, "data")
        data.mkdir()
        laid(data, names)
        sources = Sources(bundle=str(folder), data=str(data), ledger=f"{root}/ledger.jsonl")
        for variable, value in sources.to_environment().items():
            patch.setenv(variable, value)
        page = f"from scenelet.app.{name} import page\npage()"
        shown = AppTest.from_string(page, default_timeout=60).run()
        assert not shown.exception
        if name == "model":
            assert shown.selectbox[0].options == [one_line(printable(each)) for each in names]
        else:
            told = shown.caption[0].value
            assert all(markdown(printable(each)) in told for each in names)


@pytest.mark.parametrize("start", range(0, len(NASTY) - 5, 6))
def test_the_app_answers_with_classes_of_any_name(bundle, image_site, tmp_path, monkeypatch, start):
    from streamlit.testing.v1 import AppTest

    image_site.content = encoded(100)
    names = NASTY[start : start + 6]
    folder = renamed(bundle, tmp_path / "b", names)
    told = {"bundle": str(folder), "runs": "", "searches": "", "trusted": [image_site.host]}
    monkeypatch.setenv(VARIABLE, json.dumps(told))
    page = "from scenelet.app.classify import page\npage()"
    shown = AppTest.from_string(page, default_timeout=60).run()
    shown.text_input(key="url").input(image_site.url)
    next(each for each in shown.button if each.label == "Fetch").click().run()
    assert not shown.exception
    answer = Predictor(folder).predict(image_site.content)
    assert raw(answer.label) in names
    heading = f"{markdown(answer.label)} · {answer.probability:.1%}".strip()
    assert heading in [each.value.strip() for each in shown.subheader]


@pytest.mark.pipeline
def test_classes_and_files_of_any_name_go_the_whole_way(tmp_path, scenelet):
    """Painted pictures under nasty names: scanned, audited, trained on, exported, asked."""
    from scenelet.dataset.scenes import jpeg, paint_scene

    scenes = ("buildings", "forest", "glacier", "mountain", "sea", "street")
    names = NASTY[:6] + NASTY[12:18] + NASTY[24:26]
    for place, name in enumerate(names):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(6):
            picture = paint_scene(scenes[place % 6], seed=100 * place + number, size_px=64)
            file = tmp_path / "data" / name / f"{NASTY[(place + number) % len(NASTY)]}.jpg"
            file.write_bytes(jpeg(picture))
    audit = scenelet("data", "audit", "data", "--no-labels", "--out", "a", cwd=tmp_path)
    assert audit.code == 0, audit.err
    flags = ("--recipe", "quick", "--epochs", "1", "--threads", "1", "--init", "none")
    manifest = ("--manifest", "a/manifest.csv", "--name", "r")
    done = scenelet("train", "data", *flags, *manifest, cwd=tmp_path)
    assert done.code == 0, done.err
    done = scenelet("export", "runs/r", "--out", "b", cwd=tmp_path)
    assert done.code == 0, done.err
    told = json.loads((tmp_path / "b" / "bundle.json").read_text("utf-8"))
    assert [raw(name) for name in told["class_names"]] == sorted(names, key=printable)
    done = scenelet("evaluate", "b", "data", "--report", "r.html", "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    done = scenelet("predict", "--bundle", "b", "data", "--out", "t.parquet", cwd=tmp_path)
    assert done.code == 0, done.err
    found = sorted(raw(row["path"]) for row in rows_of(tmp_path / "t.parquet"))
    assert found == sorted(map(raw, pictures(tmp_path / "data")))
    assert len(found) == 6 * len(names)
