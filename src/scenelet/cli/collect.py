"""`scenelet collect`: pictures that a deployed service kept come here, to be labelled."""

from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.deploy import RegionOption, StackOption, release_of
from scenelet.cli.output import command, tell, wrote
from scenelet.errors import CloudError
from scenelet.progress import ConsoleProgress


def collect(
    place: Annotated[
        str,
        typer.Argument(
            metavar="S3://BUCKET/PREFIX/", help="Where they lie; default: what the stack says."
        ),
    ] = "",
    *,
    stack: StackOption = "scenelet",
    region: RegionOption = None,
    out: Annotated[Path, typer.Option(help="Folder to bring them to.")] = Path("collected"),
) -> None:
    """Bring the pictures that a service deployed with --collect has kept, to be labelled.

    Those that are here already are not brought again; nothing is deleted.

    Example: `scenelet collect --stack scenelet`
    """
    release = release_of(stack, region)
    from scenelet.deploy.aws.collected import bring

    found = bring(
        release.cloud, place or _place_of(release.collected(), stack), out, ConsoleProgress()
    )
    if not found.here:
        tell("nothing was kept yet: only what the model is not sure of is, and not all of that")
        return
    tell(f"pictures: {found.new:,} new, {found.here:,} brought in all")
    tell(
        f"label them on the page Label of `scenelet app`, or in the column `label` of {found.table}"
    )
    wrote("pictures", out, command("scenelet", "app"))


def _place_of(standing: str, stack: str) -> str:
    if not standing:
        raise CloudError(
            f"stack {stack}: keeps no pictures. Let it: scenelet deploy --collect s3://BUCKET/PREFIX/"
        )
    return standing
