import pytest

from scenelet.errors import ConfigError
from scenelet.runs.dial import dials_of, flag_of
from scenelet.runs.recipe import (
    SEARCH,
    TrainConfig,
    from_values,
    read_recipe,
    recipe_names,
    resolve,
)


def test_flag_beats_yaml_beats_default(tmp_path):
    recipe = tmp_path / "mine.yaml"
    recipe.write_text("epochs: 7\nbatch_size: 16\nwidths: [8, 16]\ndepths: [1, 1]\n")
    config = resolve(str(recipe), {"epochs": 9, "seed": None})
    assert (config.epochs, config.batch_size, config.seed) == (9, 16, TrainConfig().seed)
    assert config.widths == (8, 16)


def test_all_faults_are_reported_at_once_naming_the_flags(tmp_path):
    recipe = tmp_path / "bad.yaml"
    recipe.write_text("epoch: 3\nbatch_size: many\nval_fraction: 2\ndevice: abacus\nwidths: [8]\n")
    with pytest.raises(ConfigError) as error:
        resolve(str(recipe), {})
    message = str(error.value)
    for part in (
        "epoch: unknown key (did you mean epochs?)",
        "--batch-size: found 'many'",
        "--val-fraction: found 2",
        "--device",
        "--widths (8,)",
    ):
        assert part in message
    assert "\n" not in message


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "\x00"])
def test_a_recipe_that_is_no_mapping_is_one_line(tmp_path, text):
    (tmp_path / "r.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"r\.yaml: "):
        resolve(str(tmp_path / "r.yaml"), {})


def test_an_unknown_recipe_names_the_known_ones():
    with pytest.raises(ConfigError, match="give one of best, distilled, fast, finetune"):
        resolve("nonesuch", {})


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_that_comes_along_is_taken_as_it_is_written(name):
    written, taken = read_recipe(name), resolve(name, {}).as_dict()
    written.pop(SEARCH, None)
    assert {dial: taken[dial] for dial in written} == written


def test_a_config_survives_its_own_yaml():
    config = TrainConfig(widths=(8, 16), depths=(1, 2), learning_rate=1e-4)
    assert from_values(config.as_dict(), "round trip") == config


def test_training_sizes_share_the_epochs_equally():
    config = TrainConfig(epochs=6, train_sizes=(32, 48, 64))
    assert [config.train_size_at(epoch) for epoch in range(6)] == [32, 32, 48, 48, 64, 64]
    assert TrainConfig(epochs=1, train_sizes=(32, 64)).train_size_at(0) == 32


@pytest.mark.parametrize("dial", dials_of(TrainConfig).values(), ids=lambda dial: dial.name)
def test_every_dial_has_a_meaning_and_takes_its_default_and_its_bounds(dial):
    assert dial.help.endswith(".")
    assert not dial.fault(dial.default)
    if dial.low is None:
        return
    for bound in (dial.low, dial.high):
        value = (int(bound),) if dial.kind is tuple else dial.kind(bound)
        assert not dial.fault(value)
    below = dial.low - 1 if dial.kind is not float else dial.low - 1e-6
    beyond = (int(below),) if dial.kind is tuple else dial.kind(below)
    assert flag_of(dial.name) in dial.fault(beyond)


def test_a_list_that_is_empty_or_holds_one_value_out_of_range_is_refused():
    with pytest.raises(ConfigError, match=r"--train-sizes: found .*, expected 16 to 1024"):
        from_values({"train_sizes": [64, 8]}, "here")
    with pytest.raises(ConfigError, match="--train-sizes: found "):
        from_values({"train_sizes": []}, "here")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("epochs: [2\n", r"not valid YAML: line 2, column 1: expected ',' or '\]'"),
        ("", "found nothing, expected a mapping"),
    ],
)
def test_a_recipe_that_is_no_yaml_says_where(tmp_path, text, told):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ConfigError, match=told) as raised:
        resolve(str(tmp_path / "mine.yaml"), {})
    assert "unicode string" not in str(raised.value)
