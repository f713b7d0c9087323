import numpy as np
import pytest

from scenelet.explore import figures

NAMES = ["$5_$10", "a", "b"]
LABELS = ["a", "a", "b", "$5_$10", "b", "b"]


def texts(axes):
    return [text.get_text() for text in axes.texts]


def rows(axes):
    return [label.get_text() for label in axes.get_yticklabels()]


def test_bars_say_how_many_images_each_class_has():
    axes = figures.class_balance(LABELS, [""] * 6, NAMES).axes[0]
    assert rows(axes) == NAMES
    assert texts(axes) == [" 1", " 2", " 3"]
    assert axes.get_legend() is None


def test_bars_are_stacked_by_split():
    splits = ["train", "test", "train", "train", "test", "test"]
    axes = figures.class_balance(LABELS, splits, NAMES).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["test", "train"]
    widths = [[bar.get_width() for bar in bars] for bars in axes.containers]
    assert widths == [[0, 1, 2], [1, 1, 1]]
    assert [bar.get_x() for bar in axes.containers[1]] == widths[0]


def test_each_class_has_a_box_of_its_own_values():
    axes = figures.spread_by_class([1, 3, 10, 7, 20, 30], LABELS, NAMES, "light").axes[0]
    medians = [line.get_xdata()[0] for line in axes.lines if line.get_linewidth() == 2]
    assert medians == [7, 2, 20]
    assert axes.get_xlabel() == "light"


def test_the_commonest_size_is_named():
    axes = figures.sizes([100, 50, 100], [80, 60, 80]).axes[0]
    assert texts(axes) == ["100 x 80: 2"]


def test_strips_go_from_the_darkest_image_to_the_lightest():
    colours = np.array([[200, 200, 200], [10, 10, 10], [90, 90, 90]] * 2, float)
    axes = figures.colour_strips(colours, LABELS, NAMES).axes[0]
    strip = np.asarray(axes.images[2].get_array())[0]
    assert (np.diff(strip.mean(1)) >= 0).all()
    assert strip[0].mean() == pytest.approx(10 / 255)


@pytest.mark.parametrize("count", [3, 40])
def test_a_map_names_its_classes_in_a_legend_and_many_where_they_lie(count):
    labels = [f"class {number}" for number in range(count)] * 3
    points = np.random.default_rng(0).normal(size=(len(labels), 2))
    axes = figures.embedding_map(points, labels, sorted(set(labels))).axes[0]
    legend = axes.get_legend()
    named = [text.get_text() for text in legend.get_texts()] if legend else texts(axes)
    assert set(named) <= set(labels)
    assert len(named) == min(count, 30)
    assert bool(legend) == (count == 3)
