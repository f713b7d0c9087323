"""The `scenelet` command: registers the commands, turns a person's errors into one line."""

import signal
import sys
import warnings
from collections.abc import Callable
from typing import Annotated

import typer

from scenelet.cli import app as pages
from scenelet.cli import (
    collect,
    compare,
    correct,
    data,
    deploy,
    drift,
    evaluate,
    explore,
    export,
    predict,
    publish,
    release,
    serve,
    start,
    train,
    tune,
    variants,
)
from scenelet.errors import SceneletError
from scenelet.resources import ended

app = typer.Typer(
    name="scenelet",
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
# How help lists the commands, and in which order.
COMMANDS: dict[str, dict[str, Callable[..., None]]] = {
    "Begin here": {"start": start.start, "app": pages.app},
    "Look": {"explore": explore.explore},
    "Train": {
        "train": train.train,
        "tune": tune.tune,
        "variants": variants.variants,
        "export": export.export,
    },
    "Judge": {
        "evaluate": evaluate.evaluate,
        "compare": compare.compare,
        "drift": drift.drift,
        "correct": correct.correct,
        "improve": correct.improve,
    },
    "Use": {"predict": predict.predict, "serve": serve.serve, "publish": publish.publish},
    "Deploy": {
        "package": deploy.package,
        "preflight": deploy.preflight,
        "doctor": deploy.doctor,
        "deploy": deploy.deploy,
        "status": release.status,
        "logs": release.logs,
        "rollback": release.rollback,
        "pause": release.pause,
        "resume": release.resume,
        "collect": collect.collect,
        "destroy": release.destroy,
    },
}
SHORT = ("audit", "split", "get", "paint")  # what people type for `data audit`, ...
for panel, commands in COMMANDS.items():
    for name, run in commands.items():
        app.command(name, rich_help_panel=panel)(run)
    if panel == "Begin here":
        app.add_typer(data.app, name="data", rich_help_panel="Look")
for each in data.app.registered_commands:
    called = each.name or getattr(each.callback, "__name__", "")
    if called in SHORT and each.callback:
        app.command(called, hidden=True)(each.callback)


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
        app()
    except SceneletError as error:
        typer.echo(f"scenelet: {error}", err=True)
        sys.exit(1)
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
        typer.echo(f"scenelet: {told}", err=True)
        sys.exit(1)
