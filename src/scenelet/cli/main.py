"""The `scenelet` command: registers the commands, turns a person's errors into one line."""

import atexit
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Annotated, ClassVar, NoReturn

import typer

from scenelet.cli.late import Late, LateGroup
from scenelet.errors import SceneletError
from scenelet.resources import ended, is_of_memory

# How help lists them, and in which order; each line is the first of the command's own help.
COMMANDS = {
    "Begin here": {
        "start": Late(
            "start:start",
            "Go the whole way: look at the pictures, train, judge, export, open the pages on it.",
        ),
        "app": Late("app:app", "See the data, try the model, know its limits, in a browser."),
    },
    "Look": {
        "data": Late("data:app", "Get, paint and check data sets."),
        "explore": Late(
            "explore:explore",
            "Draw a data set: balance, light, typical pictures, and what an audit finds.",
        ),
    },
    "Train": {
        "train": Late("train:train", "Train a classifier on a folder of labelled images."),
        "tune": Late("tune:tune", "Search the dials of a recipe."),
        "variants": Late(
            "variants:variants",
            "Train variants of a recipe and compare them on the same validation images.",
        ),
        "export": Late(
            "export:export",
            "Write the bundle: LiteRT, ONNX, contract, card, checksums, golden images.",
        ),
    },
    "Judge": {
        "evaluate": Late(
            "evaluate:evaluate",
            "Measure a bundle on labelled images, from their raw bytes, with 95 % intervals.",
        ),
        "compare": Late(
            "compare:compare", "Compare two bundles on the same images, with a plain verdict."
        ),
        "drift": Late(
            "drift:drift",
            "Say whether today's pictures still look like those the bundle was validated on.",
        ),
        "correct": Late(
            "correct:correct",
            "Keep pictures with what they really are, once each, by their pixels.",
        ),
        "improve": Late(
            "correct:improve",
            "Train again with the corrections; replace the bundle where the new one is not worse.",
        ),
    },
    "Use": {
        "predict": Late("predict:predict", "Classify images."),
        "serve": Late(
            "serve:serve", "Answer over HTTP on this machine, by the same routes as on Lambda."
        ),
        "publish": Late(
            "publish:publish",
            "Send a bundle to the Hugging Face hub: card, checked files, safetensors.",
        ),
    },
    "Deploy": {
        "package": Late(
            "deploy:package",
            "Pack a bundle for AWS Lambda: what serving needs alone, the same bytes each time.",
        ),
        "preflight": Late(
            "deploy:preflight",
            "Tell whether it starts on Lambda, answers as recorded, and what it costs.",
        ),
        "doctor": Late(
            "deploy:doctor",
            "Can this account deploy? Who, where, instances, names, permissions; changes nothing.",
        ),
        "deploy": Late(
            "deploy:deploy",
            "Bring a bundle to an HTTPS address; proved by its golden pictures, or taken back.",
        ),
        "status": Late("release:status", "Address, versions, alarms, figures and cost of a stack."),
        "logs": Late("release:logs", "Log lines of the function; `scenelet drift` reads them."),
        "rollback": Late(
            "release:rollback",
            "Send requests to the version before, once it has answered its golden pictures.",
        ),
        "pause": Late(
            "release:pause",
            "Let nothing run: requests are refused, and cost the API's dollar a million alone.",
        ),
        "resume": Late("release:resume", "Let a paused stack answer again."),
        "collect": Late(
            "collect:collect",
            "Bring the pictures that a service deployed with --collect has kept, to be labelled.",
        ),
        "destroy": Late(
            "release:destroy",
            "Remove a stack and its packages, and nothing else; says what first, and asks.",
        ),
    },
}
SHORT = {  # what people type for `data audit`, ...
    "audit": Late("audit:audit"),
    "split": Late("split:split"),
    "get": Late("data:get_data"),
    "paint": Late("data:paint"),
}


class _Group(LateGroup):
    panels: ClassVar = COMMANDS
    unlisted: ClassVar = SHORT


app = typer.Typer(
    name="scenelet",
    cls=_Group,
    help=(
        "From a folder of labelled images to a small, honest, explained image classifier running"
        " serverless.\n\n"
        "- `scenelet start photos`: the whole way, from a folder with a sub-folder a class\n"
        "- `scenelet app`: pages in a browser: label, train, judge, try\n"
        "- `scenelet predict photo.jpg`: an answer now, by the model that comes along\n"
        "- `scenelet COMMAND --help`: what a command does, with an example\n"
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
)
INTERRUPTED = "scenelet: interrupted; the same command goes on or starts again cleanly"


def _show_version(wished: bool) -> None:
    if wished:
        from scenelet.cli.version import version_lines

        typer.echo("\n".join(version_lines()))
        raise typer.Exit


@app.callback()
def version_option(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_show_version,
            help="Print the version and which parts are here; exit.",
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Options of every command."""


def main() -> None:
    """Run the command line."""
    warnings.filterwarnings(
        "ignore", message="Image size .* exceeds limit"
    )  # scenelet has its own limit, and says so
    try:
        Path.cwd()  # where the folder is gone, libraries end the process in words of their own
        app()
    except SceneletError as error:
        _say_and_end(str(error), error)
    except SystemExit as end:
        if end.code == 128 + signal.SIGINT:  # what typer makes of Ctrl-C, without a word
            typer.echo(INTERRUPTED, err=True)
        raise
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        sys.stderr.close()
        sys.exit(128 + getattr(signal, "SIGPIPE", 13))  # Windows has no such signal
    except Exception as error:
        told = ended(error)
        if not told:  # a bug, which keeps its traceback
            raise
        _say_and_end(told, error)


def _say_and_end(told: str, error: Exception) -> NoReturn:
    """In one line: what libraries do when the process ends is left undone where memory lacks."""
    typer.echo(f"scenelet: {told}", err=True)
    if is_of_memory(error):
        atexit.register(_leave)
    sys.exit(1)


def _leave() -> None:
    """At once; it comes before what was registered earlier."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(1)
