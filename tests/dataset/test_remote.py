"""Pictures in a bucket, of moto's server over HTTP: fetched once, and anew when they change."""

import subprocess
import sys

import fsspec
import numpy as np
import pytest
from hub import NAME, Hub, hub
from moto_server import enter_account
from PIL import Image
from places import s3
from servers import wait_until

from scenelet.dataset.cache import pictures_cache
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.kept_small import KeptSmall
from scenelet.errors import DataError

pytestmark = pytest.mark.aws


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SCENELET_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def paint(folder, each):
    rng = np.random.default_rng(5)
    for label in ("cat", "dog"):
        (folder / label).mkdir(parents=True)
        for number in range(each):
            pixels = rng.integers(0, 256, (20, 24, 3), np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number}.png")


@pytest.fixture
def place(moto, tmp_path, monkeypatch, cache):
    moto.reset()
    enter_account(monkeypatch, moto.url, tmp_path)
    paint(tmp_path / "photos", 60)
    return s3(tmp_path / "photos")


def kept(cache):
    """What is in the cache: name and when, another time for what was fetched again."""
    pictures_cache()._small.write()  # the last few of this process
    return {(name, used) for used, _, name in KeptSmall(cache / "small.sqlite").all()}


def test_pictures_are_fetched_once_and_anew_when_they_change(place, cache, tmp_path):
    first = Dataset.open(place).examined()
    before = kept(cache)
    assert len(before) == len(first.used) == 120
    assert Dataset.open(place).examined().rows == first.rows
    assert kept(cache) == before
    system = fsspec.filesystem("s3")
    system.pipe_file(f"{place}/cat/0.png", (tmp_path / "photos/dog/1.png").read_bytes())
    changed = Dataset.open(place).examined()
    assert len(kept(cache) - before) == 1
    assert changed.rows[0].pixel_hash != first.rows[0].pixel_hash
    assert changed.rows[1:] == first.rows[1:]


@pytest.mark.parametrize(
    ("verb", "made"), [("split", "split.csv"), ("audit", "audit/manifest.csv")]
)
def test_killed_in_mid_download_the_same_command_goes_on(verb, made, place, cache, tmp_path):
    out = tmp_path / made if verb == "split" else (tmp_path / made).parent
    command = [sys.executable, "-m", "scenelet", "data", verb, place, "--out", str(out)]
    command += ["--no-labels"] if verb == "audit" else []
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: len(kept(cache)) > 10, "pictures are kept", seconds=120)
    finally:
        process.kill()
        process.wait()
    before = kept(cache)
    assert 10 < len(before) < 120
    assert not (tmp_path / made).exists()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / made).is_file()
    assert before < kept(cache)
    assert len(kept(cache)) == 120


def test_a_data_set_of_the_hub_is_opened_where_it_is(tmp_path, cache, monkeypatch):
    pytest.importorskip("huggingface_hub", reason="needs the extra hf")
    paint(tmp_path / "photos" / "train", 3)
    (tmp_path / "photos" / "train" / "metadata.csv").write_text(
        "file_name,label\ncat/0.png,persian\ndog/0.png,poodle\n"
    )
    with hub(tmp_path / "photos", monkeypatch):
        found = Dataset.open(f"hf://datasets/{NAME}").examined()
        with pytest.raises(DataError, match="somebody/other"):
            Dataset.open("hf://datasets/somebody/other")
    assert [(row.path, row.label, row.split) for row in found.used.rows] == [
        ("train/cat/0.png", "persian", "train"),
        ("train/dog/0.png", "poodle", "train"),
    ]
    assert f"/datasets/{NAME}/resolve/main/train/cat/0.png" in Hub.asked
