"""The `scenelet` command: registers the commands, turns a person's errors into one line."""

import signal
import sys
import warnings
from typing import Annotated

import typer

from scenelet.cli import app as pages
from scenelet.cli import (
    compare,
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
        " serverless."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="markdown",
)
app.add_typer(data.app, name="data")
app.command("start")(start.start)
app.command("explore")(explore.explore)
app.command("train")(train.train)
app.command("tune")(tune.tune)
app.command("variants")(variants.variants)
app.command("export")(export.export)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("predict")(predict.predict)
app.command("publish")(publish.publish)
app.command("serve")(serve.serve)
app.command("drift")(drift.drift)
app.command("app")(pages.app)
app.command("package")(deploy.package)
app.command("preflight")(deploy.preflight)
app.command("deploy")(deploy.deploy)
app.command("doctor")(deploy.doctor)
app.command("status")(release.status)
app.command("rollback")(release.rollback)
app.command("pause")(release.pause)
app.command("resume")(release.resume)
app.command("logs")(release.logs)
app.command("destroy")(release.destroy)


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
