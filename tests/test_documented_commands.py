"""Every command of README and docs: scenelet's are read by its own parser, others are of a known kind."""

import os
import re
import shlex
import tomllib

import pytest
import typer
from commands import REPOSITORY

from scenelet.bundle.hub import parse_address
from scenelet.cli.main import app

PAGES = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
MAKEFILE = (REPOSITORY / "Makefile").read_text()
WRONG_USAGE = typer.BadParameter.__base__
GROUP = typer.main.get_command(app)
WRITTEN_SHORT = ("...", "[", "|", "…")  # of a form, not of a command that is run
OF_OTHERS = {  # program: what a person needs for it, which the page says
    "aws": "account",
    "docker": "docker",
    "buildah": "buildah",
    "tensorboard": "tensorboard",
    "optuna-dashboard": "optuna-dashboard",
}


def lines_of(page):
    """Commands of the fenced shell blocks, without prompt and comment."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"```(?:sh|bash|console)\n(.*?)```", text, flags=re.DOTALL):
        session = "$ " in block
        for line in block.splitlines():
            if line.startswith("$ ") or not session:
                yield line.removeprefix("$ ").partition("#")[0].strip()


def spans_of(page):
    """Commands that stand in a sentence or a table."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for span in re.findall(r"`((?:scenelet|python|make) [^`\n]+)`", text):
        if not any(short in span for short in WRITTEN_SHORT):
            yield span.replace("\\|", "|")


SHELL = [(page.name, line) for page in PAGES for line in lines_of(page) if line]
SPANS = [(page.name, span) for page in PAGES for span in spans_of(page)]
OURS = sorted({line for _, line in SHELL if line.startswith("scenelet ")})


def leaf(words):
    """The command that words lead to, and the words left over."""
    command = GROUP
    while hasattr(command, "commands") and words and words[0] in command.commands:
        command, words = command.commands[words[0]], words[1:]
    return command, words


def known_options(command):
    return {option for parameter in command.params for option in parameter.opts}


def test_pages_show_commands():
    assert len(OURS) > 20
    assert len(SPANS) > 20


@pytest.mark.parametrize("line", OURS)
def test_a_command_is_taken_by_the_parser_as_it_is_written(line, tmp_path, monkeypatch):
    """Names, values and their ranges; nothing is run or fetched."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("scenelet.bundle.hub.fetch_bundle", parse_address)
    command, words = leaf(shlex.split(line)[1:])
    assert not hasattr(command, "commands"), f"{line}: no such command"
    try:
        command.make_context(line, [*words])
    except WRONG_USAGE as error:
        pytest.fail(f"{line}: {error.format_message()}")


def test_the_parser_of_this_test_refuses_what_is_wrong():
    for words in (["--nonesuch", "1"], ["photos", "--workers", "many"]):
        with pytest.raises(WRONG_USAGE):
            leaf(["train"])[0].make_context("train", words)


@pytest.mark.parametrize(("page", "span"), SPANS)
def test_a_command_in_a_sentence_has_its_options_and_files(page, span):
    program, *words = span.split()
    if program == "scenelet":
        command, rest = leaf(words)
        wanted = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert wanted <= known_options(command) | {"--version", "--help", "--install-completion"}
    else:
        require_known([program, *words])


def require_known(words):
    """See to it that a command of another program is one that there is."""
    program, *rest = words
    if program == "make":
        assert re.search(rf"^{re.escape(rest[0])}:", MAKEFILE, re.MULTILINE), rest
    elif program == "python" and rest[0] != "-m":
        script = (REPOSITORY / rest[0]).read_text()
        for word in rest[1:]:
            assert not word.startswith("--") or f'"{word}"' in script, word
    else:
        assert (program, rest[0]) == ("python", "-m")


def require_installable(wanted):
    """An extra of ours, or a package that we name."""
    name, _, extras = wanted.rstrip("]").partition("[")
    if name == "scenelet":
        assert set(filter(None, extras.split(","))) <= set(PROJECT["optional-dependencies"])
    else:
        assert wanted in str(PROJECT["optional-dependencies"])


OTHERS = [(page, line) for page, line in SHELL if not line.startswith("scenelet ")]


@pytest.mark.parametrize(("page", "line"), OTHERS)
def test_a_command_of_another_program_is_of_a_known_kind(page, line):
    words = shlex.split(line)
    program = words[0]
    if program in ("pip", "pipx"):
        assert words[1] == "install"
        for wanted in words[2:]:
            require_installable(wanted)
    elif program in ("make", "python"):
        require_known(words)
    elif program == "export":
        assert re.fullmatch(r"[A-Z_]+=.*", words[1])
    elif program in OF_OTHERS:
        pages = {path.name: path.read_text().lower() for path in PAGES}
        assert OF_OTHERS[program] in pages[page], f"{page}: say what {program} needs"
    elif program.startswith(".venv/"):
        assert program.endswith("pre-commit")
    else:
        assert os.access(REPOSITORY / program, os.X_OK), program
