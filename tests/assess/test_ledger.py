import hashlib
import io
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from scenelet.assess.ledger import fingerprint, is_known, record
from scenelet.dataset.row import Row
from scenelet.errors import ArtefactError
from scenelet.image_likeness import perceptual_hash
from scenelet.images import decode, pixel_hash

ROWS = [Row(f"{n}.jpg", "sea", "test", pixel_hash=f"{n:032x}") for n in range(3)]
APPEND = """
import sys
from pathlib import Path
from scenelet.assess.ledger import record
from scenelet.dataset.row import Row
rows = [Row(f"{n}.jpg", "sea", "test", pixel_hash=f"{n:032x}") for n in range(3)]
for look in range(40):
    record(Path(sys.argv[1]), rows, "b", sys.argv[2] + str(look), 0.5)
    print("recorded", flush=True)
"""


def test_looks_at_the_same_test_split_are_counted_whatever_the_bundle(tmp_path):
    ledger, other = (
        tmp_path / "runs" / "ledger.jsonl",
        [Row("x.jpg", "sea", "test", pixel_hash="f")],
    )
    assert record(ledger, ROWS, "first", "0", 0.9) == 1
    assert record(ledger, ROWS, "second", "1", 0.8) == 2
    assert record(ledger, other, "first", "0", 0.7) == 1
    assert record(ledger, ROWS[::-1], "third", "2", 0.9) == 3
    assert [json.loads(line)["bundle"] for line in ledger.read_text().splitlines()] == [
        "first",
        "second",
        "first",
        "third",
    ]


def many(first, last):
    return [
        Row(f"{n}.jpg", "sea", "test", pixel_hash=hashlib.blake2b(b"%d" % n).hexdigest()[:32])
        for n in range(first, last)
    ]


def test_a_test_split_is_known_again_though_a_picture_was_taken_away_or_added(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    assert record(ledger, many(0, 500), "first", "0", 0.9) == 1
    assert record(ledger, many(1, 500), "first", "0", 0.9) == 2
    assert record(ledger, many(0, 540), "first", "0", 0.9) == 3
    assert record(ledger, many(500, 1000), "first", "0", 0.9) == 1


def test_a_test_split_under_another_name_is_known_by_its_pixels(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    assert not is_known(ledger, many(0, 100))
    record(ledger, many(0, 100), "first", "0", 0.9)
    assert is_known(ledger, many(0, 99))
    assert not is_known(ledger, many(100, 200))


def drawn(place, how=lambda picture: picture, **saved):
    """A row of a picture of random squares, saved in some way."""
    random = np.random.default_rng(place)
    small = Image.fromarray(random.integers(0, 256, (15, 15, 3), np.uint8))
    content = io.BytesIO()
    how(small.resize((150, 150), Image.Resampling.NEAREST)).save(content, **saved)
    picture = decode(content.getvalue())
    return Row(
        f"{place}.jpg",
        "sea",
        "test",
        pixel_hash=pixel_hash(picture),
        perceptual_hash=perceptual_hash(picture),
    )


def test_a_test_split_is_known_again_though_it_was_saved_again(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    places = range(90)
    record(ledger, [drawn(place, format="PNG") for place in places], "first", "0", 0.9)
    poorer = [drawn(place, format="JPEG", quality=60) for place in places]
    smaller = [drawn(place, lambda one: one.resize((96, 96)), format="WEBP") for place in places]
    assert is_known(ledger, poorer)
    assert is_known(ledger, smaller[20:]), "some taken away"
    assert not is_known(ledger, smaller[:30]), "a third is another question"
    assert not is_known(ledger, [drawn(place, format="PNG") for place in range(90, 180)])
    assert record(ledger, poorer, "first", "0", 0.9) == 2


def test_the_same_bundle_on_the_same_pictures_tells_nothing_new(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    assert record(ledger, ROWS, "first", "0", 0.9) == 1
    assert record(ledger, ROWS[::-1], "first", "0", 0.9) == 1
    assert record(ledger, ROWS, "second", "1", 0.8) == 2
    assert record(ledger, ROWS, "first", "0", 0.9) == 2
    assert len(ledger.read_text().splitlines()) == 4, "each is written down"


def test_the_fingerprint_is_of_pixels_and_labels_not_of_names():
    renamed = [Row("other.jpg", row.label, "test", pixel_hash=row.pixel_hash) for row in ROWS]
    relabelled = [Row(row.path, "street", "test", pixel_hash=row.pixel_hash) for row in ROWS]
    assert fingerprint(renamed) == fingerprint(ROWS)
    assert fingerprint(relabelled) != fingerprint(ROWS)


def test_two_processes_appending_at_once_lose_nothing(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    with ThreadPoolExecutor(2) as pool:
        done = [
            pool.submit(
                subprocess.run, [sys.executable, "-c", APPEND, ledger, name], capture_output=True
            )
            for name in "ab"
        ]
        assert all(each.result().returncode == 0 for each in done)
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert len(lines) == 80
    assert record(ledger, ROWS, "b", "0", 0.5) == 81


def test_a_killed_process_leaves_whole_lines_and_the_count_goes_on(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    process = subprocess.Popen(
        [sys.executable, "-c", APPEND, ledger, "a"], stdout=subprocess.PIPE, text=True
    )
    for _ in range(7):
        process.stdout.readline()
    process.kill()
    process.wait()
    process.stdout.close()
    lines = ledger.read_text().splitlines()
    assert 7 <= len(lines) <= 40
    assert all(json.loads(line) for line in lines)
    assert record(ledger, ROWS, "b", "0", 0.5) == len(lines) + 1


def test_a_torn_line_counts_as_a_look_and_spoils_no_other(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_text('{"when": "2026-')
    assert record(ledger, ROWS, "b", "0", 0.5) == 2
    assert json.loads(ledger.read_text().splitlines()[1])["images"] == 3


def test_a_look_that_can_not_be_recorded_is_not_had(tmp_path, bundle, painted, scenelet):
    (tmp_path / "runs").write_text("a file")
    done = scenelet("evaluate", bundle, painted, "--ledger", tmp_path / "runs" / "ledger.jsonl")
    assert done.code == 1
    assert "%" not in done.out
    with pytest.raises(ArtefactError):
        record(tmp_path / "runs" / "ledger.jsonl", ROWS, "b", "0", 0.5)


def test_evaluate_says_how_often_the_test_split_was_looked_at(tmp_path, bundle, painted, scenelet):
    command = ("evaluate", bundle, painted, "--ledger", tmp_path / "ledger.jsonl")
    assert "looked at once for this project" in scenelet(*command).out
    assert "looked at once for this project" in scenelet(*command).out, "the same look"
    fewer = shutil.copytree(painted, tmp_path / "fewer")
    next((fewer / "seg_test").rglob("*.jpg")).unlink()
    command = ("evaluate", bundle, fewer, "--ledger", tmp_path / "ledger.jsonl")
    assert "looked at 2 times for this project" in scenelet(*command).out
    validation = scenelet(
        "evaluate", bundle, painted / "seg_train", "--ledger", tmp_path / "other.jsonl"
    )
    assert "looked at" not in validation.out
    assert not (tmp_path / "other.jsonl").exists()
