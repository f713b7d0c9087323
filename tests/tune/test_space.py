import pytest
import yaml
from commands import REPOSITORY

from scenelet.errors import ConfigError
from scenelet.runs.recipe import SEARCH, TrainConfig, read_recipe, recipe_names
from scenelet.tune.space import DEFAULT_SEARCH, own_values, search_space


def test_a_space_is_read_from_plain_values():
    wish = {
        "learning_rate": {"low": 0.001, "high": 0.01, "log": True},
        "epochs": {"low": 2, "high": 4},
        "stem": {"choices": ["3x3"]},
    }
    space = search_space(wish, TrainConfig(), "here")
    assert space["learning_rate"].log
    assert (space["epochs"].low, space["epochs"].high) == (2, 4)
    assert space["stem"].choices == ("3x3",)


def test_lists_are_choices_as_the_command_line_writes_them():
    assert search_space({"widths": {"choices": [[8, 16], [16, 32]]}}, TrainConfig(), "here")[
        "widths"
    ].choices == (
        "8,16",
        "16,32",
    )


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"colour": {"low": 0, "high": 1}}, "unknown dial"),
        ({"learning_rate": {"low": 0.1}}, "learning_rate: found"),
        ({"learning_rate": {"low": 0.1, "high": 0.001}}, "learning_rate: found"),
        ({"learning_rate": 3}, "learning_rate: found"),
        ({"learning_rate": {"low": 0.1, "high": 1, "step": 3}}, "unknown key step"),
        ({"learning_rate": {"low": 0.1, "high": 100.0}}, "--learning-rate: found 100"),
        ({"stem": {"low": 0, "high": 1}}, "give choices"),
        ({"network": {"choices": ["transformer"]}}, "--network: found 'transformer'"),
        ({}, "empty"),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(wish, message):
    with pytest.raises(ConfigError, match=message):
        search_space(wish, TrainConfig(), "here")


def test_all_faults_come_at_once():
    with pytest.raises(ConfigError, match=r"unknown dial.*stem"):
        search_space(
            {"colour": {"low": 0, "high": 1}, "stem": {"low": 0, "high": 1}}, TrainConfig(), "here"
        )


@pytest.mark.parametrize("recipe", recipe_names())
def test_the_space_of_every_recipe_is_valid(recipe):
    values = read_recipe(recipe)
    search_space(values.get(SEARCH) or DEFAULT_SEARCH, TrainConfig(), recipe)
    assert yaml.safe_load((REPOSITORY / "recipes" / f"{recipe}.yaml").read_text()) == values


def test_the_recipes_own_values_are_those_that_the_search_may_take():
    wish = {
        "learning_rate": {"low": 0.001, "high": 0.01},
        "epochs": {"low": 2, "high": 4},
        "widths": {"choices": [[8, 16], [16, 32]]},
        "depths": {"choices": [[1, 1], [2, 2]]},
    }
    base = TrainConfig(learning_rate=0.002, epochs=9, widths=(16, 32), depths=(3, 3))
    own = own_values(base, search_space(wish, base, "here"))
    assert own == {"learning_rate": 0.002, "widths": "16,32"}
