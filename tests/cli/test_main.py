"""The command line as a whole: its help, and what people type."""

import os
import subprocess
import sys

import pytest
import typer

from scenelet.cli.main import COMMANDS, app


def test_help_begins_with_four_ways_and_groups_the_commands(scenelet):
    told = scenelet("--help").out
    order = ("scenelet start photos", "Begin here", "Look", "Train", "Judge", "Use", "Deploy")
    places = [told.index(words) for words in order]
    assert places == sorted(places)


def test_what_people_type_for_a_command_of_data_is_that_command(scenelet, tmp_path):
    done = scenelet("paint", tmp_path / "painted", "--per-class", "2")
    assert done.code == 0, done.err
    for name in ("audit", "split", "get", "paint"):
        assert scenelet(name, "--help").code == 0


@pytest.mark.parametrize(
    ("name", "late"), [each for panel in COMMANDS.values() for each in panel.items()]
)
def test_a_command_is_listed_by_the_first_line_of_its_own_help(name, late):
    command = typer.main.get_command(app).commands[name]
    assert command.get_short_help_str(300) == late.told


def test_help_of_all_loads_none_of_them():
    code = (
        "import sys; sys.argv = ['scenelet', '--help']; import scenelet.cli.main as m\n"
        "try: m.main()\n"
        "except SystemExit: print(*sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    places = {
        late.place.partition(":")[0] for panel in COMMANDS.values() for late in panel.values()
    }
    assert not {f"scenelet.cli.{module}" for module in places} & set(told.split())


@pytest.mark.parametrize(
    ("words", "place", "offered"),
    [
        ("scenelet tr", 1, "train"),
        ("scenelet data ", 2, "audit"),
        ("scenelet train --re", 2, "--recipe"),
    ],
)
def test_a_shell_completes_commands_and_options(words, place, offered):
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(place), "_SCENELET_COMPLETE": "complete_bash"}
    code = "import sys; sys.argv[0] = 'scenelet'; from scenelet.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | asked,
        capture_output=True,
        text=True,
        check=False,
    )
    assert offered in done.stdout.split()
