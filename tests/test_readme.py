"""The README says what is true: its commands and options exist, its files are there."""

import re
import shutil

import pytest
import typer
from commands import REPOSITORY, run_scenelet

from scenelet.cli.main import app

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
GROUP = typer.main.get_command(app)


def commands_in(text):
    """`scenelet ...` lines of the fenced shell blocks."""
    blocks = re.findall(r"```(?:sh|bash|console)\n(.*?)```", text, flags=re.DOTALL)
    lines = [
        line.removeprefix("$ ").split("#")[0].strip()
        for block in blocks
        for line in block.splitlines()
    ]
    return [line.split()[1:] for line in lines if line.startswith("scenelet ")]


def test_the_readme_shows_commands():
    assert len(commands_in(README)) >= 4


def sessions_in(text):
    """What the console blocks show: (command, comment, lines of its output), in order."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", text, flags=re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                command, _, comment = line[2:].partition("#")
                found.append((command.split(), comment, []))
            elif line != "...":
                found[-1][2].append(line)
    return found


def shape(line):
    """A line of output without what differs from one data set or machine to another."""
    line = re.sub(r"\b(bf16|fp32)\b", "fp32", re.sub(r"\b(thread|epoch)s\b", r"\1", line))
    return re.sub(r"\d[\d,.]*(e-\d+)?", "0", line).split()


@pytest.mark.pipeline
def test_the_readmes_commands_run_as_written_and_show_what_it_shows(shipped_bundle, tmp_path):
    """In its order, on fewer pictures; all but those that need an account."""
    run_scenelet("data", "paint", tmp_path / "painted", "--per-class", "12")
    shutil.copy(shipped_bundle / "golden" / "street-grey.jpg", tmp_path / "photo.jpg")
    ran = 0
    for (program, *arguments), comment, shown in sessions_in(README):
        assert program == "scenelet"
        if "with an AWS account" in comment:
            continue
        done = run_scenelet(*arguments, cwd=tmp_path)
        assert done.code == 0, done.err
        printed = [shape(line) for line in (done.out + done.err).splitlines()]
        assert [line for line in shown if shape(line) not in printed] == []
        ran += 1
    assert ran >= 5


def leaves(command, path=()):
    if not hasattr(command, "commands"):
        return [(" ".join(path), command)]
    return [
        found
        for name, child in command.commands.items()
        if not child.hidden  # another name of a command of `data`
        for found in leaves(child, (*path, name))
    ]


@pytest.mark.parametrize(
    ("name", "command"), leaves(GROUP), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_and_option_is_documented_with_an_example(name, command):
    assert f"Example: `scenelet {name}" in command.help
    for parameter in command.params:
        assert parameter.help, f"{name} {parameter.name}"


@pytest.mark.parametrize(
    "page",
    [*sorted((REPOSITORY / "docs").rglob("*.md")), REPOSITORY / "README.md"],
    ids=lambda p: p.name,
)
def test_linked_files_are_there(page):
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target
