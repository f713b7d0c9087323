import pytest
import typer

from scenelet.cli.main import app
from scenelet.runs.dial import dials_of, flag_of
from scenelet.runs.recipe import TrainConfig

OPTIONS = {
    option: parameter
    for parameter in typer.main.get_command(app).commands["train"].params
    for option in parameter.opts
}


@pytest.mark.parametrize("dial", dials_of(TrainConfig).values(), ids=lambda dial: dial.name)
def test_a_dial_with_a_flag_is_an_option_with_the_same_words(dial):
    option = OPTIONS.get(flag_of(dial.name))
    assert (option is not None) == dial.flag
    if option:
        assert option.help.startswith(dial.help)
        assert option.multiple == dial.repeated


def test_every_dial_is_listed_with_its_default_and_what_it_takes(scenelet):
    listed = scenelet("train", "--dials")
    assert listed.code == 0, listed.err
    for name, dial in dials_of(TrainConfig).items():
        assert f"{name} = " in listed.out
        assert dial.help in listed.out
        assert f"[{dial.expected}]" in listed.out


def test_a_wished_latency_beside_a_chosen_size_is_refused(scenelet, tmp_path):
    for chosen in (("--recipe", "quick"), ("--input-size", "96")):
        done = scenelet("train", tmp_path, "--max-latency-ms", "3", *chosen)
        assert done.code == 1
        assert "--max-latency-ms" in done.err
