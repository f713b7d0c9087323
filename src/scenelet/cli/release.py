"""`scenelet status`, `rollback`, `pause`, `resume`, `logs`, `destroy`: a stack that stands."""

from typing import Annotated

import typer

from scenelet.cli.deploy import BucketOption, RegionOption, StackOption, release_of
from scenelet.errors import ConfigError
from scenelet.progress import ConsoleProgress

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def status(
    stack: StackOption = "scenelet",
    region: RegionOption = None,
    since: Annotated[str, typer.Option(help="Figures of how long: 10m, 2h, 3d.")] = "1d",
) -> None:
    """Address, versions, alarms, figures and cost of a stack.

    Example: `scenelet status --stack scenelet`
    """
    release = release_of(stack, region)
    from scenelet.deploy.aws.status import status_lines

    for line in status_lines(release, seconds_of(since)):
        typer.echo(line)


def rollback(
    stack: StackOption = "scenelet",
    region: RegionOption = None,
    to: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Version to go to; default: what was live before."),
    ] = None,
) -> None:
    """Send requests to the version before, once it has answered its golden pictures.

    Example: `scenelet rollback --stack scenelet`
    """
    release = release_of(stack, region)
    version = release.rollback(to, ConsoleProgress())
    typer.echo(f"version {version} answers: {release.endpoint()}")


def pause(stack: StackOption = "scenelet", region: RegionOption = None) -> None:
    """Let nothing run: requests are refused, and cost the API's dollar a million alone.

    Example: `scenelet pause`
    """
    release_of(stack, region).pause()
    typer.echo(f"paused: stack {stack}\nnext: scenelet resume --stack {stack}")


def resume(stack: StackOption = "scenelet", region: RegionOption = None) -> None:
    """Let a paused stack answer again.

    Example: `scenelet resume`
    """
    release = release_of(stack, region)
    release.resume()
    typer.echo(f"answers again: {release.endpoint()}")


def logs(
    stack: StackOption = "scenelet",
    region: RegionOption = None,
    since: Annotated[str, typer.Option(help="How far back: 10m, 2h, 3d.")] = "1h",
    follow: Annotated[bool, typer.Option("--follow", help="Wait for more.")] = False,
) -> None:
    """Log lines of the function; `scenelet drift` reads them.

    Example: `scenelet logs --since 2h`
    """
    release = release_of(stack, region)
    from scenelet.deploy.aws.watching import logs as lines_of

    for line in lines_of(release.cloud, stack, seconds_of(since), follow):
        typer.echo(line)


def destroy(
    stack: StackOption = "scenelet",
    region: RegionOption = None,
    bucket: BucketOption = None,
    bucket_too: Annotated[
        bool,
        typer.Option("--bucket-too", help="The bucket of packages too; empty it costs nothing."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove a stack and its packages, and nothing else; says what first, and asks.

    Example: `scenelet destroy --stack scenelet`
    """
    release = release_of(stack, region, bucket)
    remnants = release.remnants()
    if not remnants:
        typer.echo(f"stack {stack}: there is none, and no package of it")
        return
    for line in remnants:
        typer.echo(line)
    if not yes and not typer.confirm(f"remove these {len(remnants)}?"):
        typer.echo("nothing was removed")
        raise typer.Exit(1)
    collected = release.collected()
    release.destroy(bucket_too, ConsoleProgress())
    typer.echo(f"removed: stack {stack} and its packages")
    if collected:
        typer.echo(
            f"kept: {collected}, which is yours: S3 deletes each picture there after its days."
            f" Bring them: scenelet collect {collected}"
        )


def seconds_of(text: str) -> float:
    """A time span like 10m, in seconds.

    Raises:
        ConfigError: It is none.
    """
    if len(text) < 2 or text[-1] not in _UNITS_S or not text[:-1].isdecimal():
        raise ConfigError(f"--since: found {text!r}, expected for example 10m, 2h or 3d")
    return float(int(text[:-1]) * _UNITS_S[text[-1]])
