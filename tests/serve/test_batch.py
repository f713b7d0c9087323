import csv
import json
import os
import shutil
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from servers import wait_until

from scenelet.errors import ConfigError
from scenelet.files import pictures
from scenelet.names import raw
from scenelet.parallel import cores
from scenelet.serve.batch import predict_folder
from scenelet.serve.predictor import Predictor


@pytest.fixture
def folder(painted, tmp_path):
    """Twelve pictures in two folders, one of them broken."""
    for label in ("sea", "street"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for source in sorted((painted / "seg_test" / label).iterdir()):
            shutil.copy(source, tmp_path / "photos" / label)
    (tmp_path / "photos" / "sea" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    (tmp_path / "photos" / ".hidden").mkdir()
    shutil.copy(tmp_path / "photos" / "sea" / "broken.jpg", tmp_path / "photos" / ".hidden")
    (tmp_path / "photos" / "notes.txt").write_text("no picture")
    return tmp_path / "photos"


def rows_of(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    if path.suffix == ".csv":
        with open(path, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_a_folder_becomes_a_table_with_a_row_for_each_picture_bad_ones_too(
    suffix, folder, bundle, tmp_path, scenelet
):
    out = tmp_path / f"table{suffix}"
    done = scenelet("predict", folder, "--bundle", bundle, "--out", out)
    assert done.code == 0, done.err
    rows = rows_of(out)
    assert [row["path"] for row in rows] == list(pictures(folder))
    assert len(rows) == 13
    predictor = Predictor(bundle)
    for row in rows:
        if row["path"] == "sea/broken.jpg":
            assert "damaged JPEG" in row["error"]
            continue
        expected = predictor.predict((folder / row["path"]).read_bytes())
        assert row["label"] == expected.label
        shown = row["probabilities"]["sea"] if suffix == ".jsonl" else float(row["p_sea"])
        assert shown == pytest.approx(expected.probabilities["sea"], abs=1e-6)
    assert "15 files: 12 used, 1 left out (1 damaged JPEG), 2 passed over" in done.err
    assert not list(tmp_path.glob("*.part*"))


class CountingPredictor(Predictor):
    """Remembers how often it was asked."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.asked = []

    def predict(self, *arguments, **options):
        self.asked.append(1)
        return super().predict(*arguments, **options)


def test_killed_and_started_again_no_picture_is_answered_twice_and_none_lost(
    painted, bundle, tmp_path, scenelet
):
    out, partial = tmp_path / "table.jsonl", tmp_path / "table.jsonl.partial"
    code = "from scenelet.cli.main import main; main()"
    command = [sys.executable, "-c", code, "predict", painted, "--bundle", bundle, "--out", out]
    process = subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL)
    wait_until(
        lambda: (
            process.poll() is not None
            or (partial.exists() and partial.read_bytes().count(b"\n") >= 20)
        ),
        "twenty answers",
    )
    process.kill()
    process.wait()
    begun = partial.read_bytes() if partial.exists() else b""
    assert begun.count(b"\n") >= 20
    partial.write_bytes(begun + b'{"path": "torn')
    predictor = CountingPredictor(bundle, copies=cores())
    predict_folder(predictor, painted, out)
    told = begun.count(b"\n") - 1  # all but the head
    assert len(predictor.asked) == len(list(pictures(painted))) - told
    assert [row["path"] for row in rows_of(out)] == list(pictures(painted))
    kept = [json.loads(line) for line in begun.splitlines()[1 : told + 1]]
    for row in kept:
        del row["digest"]
    assert rows_of(out)[:told] == kept


def test_a_table_begun_with_other_files_or_another_bundle_is_not_gone_on_with(
    folder, bundle, shipped_bundle, tmp_path, scenelet
):
    partial = tmp_path / "table.csv.partial"
    head = {"folder": str(folder), "model": Predictor(bundle).model.contract.sha256["model.tflite"]}
    gone = {"path": "gone.jpg", "digest": "", "error": "x"}
    partial.write_text(json.dumps(head) + "\n" + json.dumps(gone) + "\n")
    done = scenelet("predict", folder, "--bundle", bundle, "--out", tmp_path / "table.csv")
    assert done.code == 1
    assert "gone.jpg is no longer there, or another file, since it was begun" in done.err
    done = scenelet("predict", folder, "--bundle", shipped_bundle, "--out", tmp_path / "table.csv")
    assert done.code == 1
    assert "begun with another folder or bundle" in done.err


class Killed(Exception):  # noqa: N818  (no error: what a kill does)
    """As a kill ends a process."""


class BreakingPredictor(Predictor):
    """Is killed over one picture."""

    unlucky = b""

    def predict(self, data, *arguments, **options):
        if data == self.unlucky:
            raise Killed
        return super().predict(data, *arguments, **options)


@pytest.mark.parametrize("change", ["renamed", "swapped", "removed", "other bytes"])
def test_a_table_is_not_gone_on_with_over_files_that_are_others_now(
    folder, bundle, tmp_path, change
):
    out, some = tmp_path / "table.jsonl", folder / "sea"
    breaking = BreakingPredictor(bundle)
    breaking.unlucky = max((folder / "street").iterdir()).read_bytes()  # eight go together
    with pytest.raises(Killed):
        predict_folder(breaking, folder, out)
    first, second = sorted(some.glob("0*.jpg"))[1:3]
    if change == "renamed":
        first.rename(first.with_name("0renamed.jpg"))
    elif change == "removed":
        first.unlink()
    elif change == "swapped":
        content = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(content)
    else:
        first.write_bytes(next((folder / "street").iterdir()).read_bytes())
    with pytest.raises(ConfigError, match="no longer there, or another file"):
        predict_folder(Predictor(bundle), folder, out)


NASTY = [
    "=cmd|' calc'!A0.jpg",
    "+1.jpg",
    "-1.jpg",
    "@sum.jpg",
    "a\rb.jpg",
    "a\nb.jpg",
    "ü\t.jpg",
    'q",x.jpg',
]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_names_break_no_table_and_are_no_formulas(folder, bundle, tmp_path, suffix):
    source = (folder / "sea" / "broken.jpg").read_bytes()
    odd = tmp_path / "odd"
    odd.mkdir()
    names = [os.fsdecode(b"m\xfcller.jpg"), *NASTY]
    for name in names:
        (odd / name).write_bytes(source)
    out = tmp_path / f"table{suffix}"
    count, errors = predict_folder(Predictor(bundle), odd, out)
    assert count == len(errors) == len(names)
    rows = rows_of(out)
    assert {os.path.normpath(raw(row["path"])) for row in rows} == set(names)
    if suffix == ".csv":
        assert not any(
            value.startswith(tuple("=+-@\t\r")) for row in rows for value in row.values()
        )


@pytest.mark.parametrize(
    ("sources", "out", "message"),
    [
        (("photos",), "table.xlsx", "expected a name that ends in .parquet, .csv, .jsonl"),
        (("photos", "photos"), "table.csv", "expected one folder of pictures"),
        (("photos/notes.txt",), "table.csv", "Name the column path, or say which it is"),
        (("photos/sea/broken.jpg",), "table.csv", "expected one folder of pictures"),
        (("photos",), "photos/notes.txt", "is there already"),
    ],
)
def test_bad_input_is_one_line(folder, tmp_path, bundle, scenelet, sources, out, message):
    done = scenelet("predict", *sources, "--bundle", bundle, "--out", out, cwd=tmp_path)
    assert done.code == 1
    assert message in done.err.splitlines()[-1]
    assert "Traceback" not in done.err
