import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from scenelet.assess.ledger import entry, fingerprint, is_known, record
from scenelet.dataset.row import Row
from scenelet.errors import ArtefactError

ROWS = [Row(f"{n}.jpg", "sea", "test", pixel_hash=f"{n:032x}") for n in range(3)]
APPEND = """
import sys
from pathlib import Path
from scenelet.assess.ledger import entry, record
from scenelet.dataset.row import Row
rows = [Row(f"{n}.jpg", "sea", "test", pixel_hash=f"{n:032x}") for n in range(3)]
for _ in range(40):
    record(Path(sys.argv[1]), entry("b", "0", rows, 0.5))
    print("recorded", flush=True)
"""


def test_looks_at_the_same_test_split_are_counted_whatever_the_bundle(tmp_path):
    ledger, other = (
        tmp_path / "runs" / "ledger.jsonl",
        [Row("x.jpg", "sea", "test", pixel_hash="f")],
    )
    assert record(ledger, entry("first", "0", ROWS, 0.9)) == 1
    assert record(ledger, entry("second", "1", ROWS, 0.8)) == 2
    assert record(ledger, entry("first", "0", other, 0.7)) == 1
    assert record(ledger, entry("first", "0", ROWS[::-1], 0.9)) == 3
    assert [json.loads(line)["bundle"] for line in ledger.read_text().splitlines()] == [
        "first",
        "second",
        "first",
        "first",
    ]


def many(first, last):
    return [
        Row(f"{n}.jpg", "sea", "test", pixel_hash=hashlib.blake2b(b"%d" % n).hexdigest()[:32])
        for n in range(first, last)
    ]


def test_a_test_split_is_known_again_though_a_picture_was_taken_away_or_added(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    assert record(ledger, entry("first", "0", many(0, 500), 0.9)) == 1
    assert record(ledger, entry("first", "0", many(1, 500), 0.9)) == 2
    assert record(ledger, entry("first", "0", many(0, 540), 0.9)) == 3
    assert record(ledger, entry("first", "0", many(500, 1000), 0.9)) == 1


def test_a_test_split_under_another_name_is_known_by_its_pixels(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    assert not is_known(ledger, many(0, 100))
    record(ledger, entry("first", "0", many(0, 100), 0.9))
    assert is_known(ledger, many(0, 99))
    assert not is_known(ledger, many(100, 200))


def test_the_fingerprint_is_of_pixels_and_labels_not_of_names():
    renamed = [Row("other.jpg", row.label, "test", pixel_hash=row.pixel_hash) for row in ROWS]
    relabelled = [Row(row.path, "street", "test", pixel_hash=row.pixel_hash) for row in ROWS]
    assert fingerprint(renamed) == fingerprint(ROWS)
    assert fingerprint(relabelled) != fingerprint(ROWS)


def test_two_processes_appending_at_once_lose_nothing(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    with ThreadPoolExecutor(2) as pool:
        done = [
            pool.submit(subprocess.run, [sys.executable, "-c", APPEND, ledger], capture_output=True)
            for _ in range(2)
        ]
        assert all(each.result().returncode == 0 for each in done)
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert len(lines) == 80
    assert record(ledger, entry("b", "0", ROWS, 0.5)) == 81


def test_a_killed_process_leaves_whole_lines_and_the_count_goes_on(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", APPEND, ledger], stdout=subprocess.PIPE, text=True
    )
    for _ in range(7):
        process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    lines = ledger.read_text().splitlines()
    assert 7 <= len(lines) <= 40
    assert all(json.loads(line) for line in lines)
    assert record(ledger, entry("b", "0", ROWS, 0.5)) == len(lines) + 1


def test_a_torn_line_counts_as_a_look_and_spoils_no_other(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_text('{"when": "2026-')
    assert record(ledger, entry("b", "0", ROWS, 0.5)) == 2
    assert json.loads(ledger.read_text().splitlines()[1])["images"] == 3


def test_a_look_that_can_not_be_recorded_is_not_had(tmp_path, bundle, painted, scenelet):
    (tmp_path / "runs").write_text("a file")
    done = scenelet("evaluate", bundle, painted, "--ledger", tmp_path / "runs" / "ledger.jsonl")
    assert done.code == 1
    assert "%" not in done.out
    with pytest.raises(ArtefactError):
        record(tmp_path / "runs" / "ledger.jsonl", entry("b", "0", ROWS, 0.5))


def test_evaluate_says_how_often_the_test_split_was_looked_at(tmp_path, bundle, painted, scenelet):
    command = ("evaluate", bundle, painted, "--ledger", tmp_path / "ledger.jsonl")
    assert "looked at 1 time for this project" in scenelet(*command).out
    assert "looked at 2 times for this project" in scenelet(*command).out
    validation = scenelet(
        "evaluate", bundle, painted / "seg_train", "--ledger", tmp_path / "other.jsonl"
    )
    assert "looked at" not in validation.out
    assert not (tmp_path / "other.jsonl").exists()
