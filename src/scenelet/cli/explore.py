"""`scenelet explore`."""

from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.look import look_of
from scenelet.cli.options import (
    Column,
    Folder,
    Images,
    LabelLevel,
    Looker,
    Manifest,
    Seed,
    to_write,
)
from scenelet.cli.output import command, needs_extra, note, wrote
from scenelet.cli.place import Asked, source_at
from scenelet.progress import ConsoleProgress


def explore(
    folder: Folder,
    *,
    manifest: Manifest = None,
    images: Images = None,
    column: Column = None,
    label_level: LabelLevel = "",
    out: Annotated[Path, typer.Option(callback=to_write, help="HTML file to write.")] = Path(
        "explore.html"
    ),
    bundle: Looker = None,
    seed: Seed = 0,
    max_mb: Annotated[float, typer.Option(help="Refuse to write a larger report, in MB.")] = 30.0,
) -> None:
    """Draw a data set: balance, light, typical pictures, and what an audit finds.

    Example: `scenelet explore photos --out photos.html`
    """
    progress = ConsoleProgress()
    progress.say("loading what draws and embeds")
    with needs_extra("train"):
        from scenelet.explore.findings import investigate
        from scenelet.explore.report import explore_page
    from scenelet.dataset.audits import manifest_for
    from scenelet.dataset.sink import placed
    from scenelet.report.html import write_page

    place = source_at(folder, label_level, images, column)
    manifest = manifest if label_level or column else manifest_for(place, manifest, progress)
    findings = investigate(place, None, look_of(bundle, progress), progress, manifest)
    progress.say("drawing")
    with placed(out) as target:
        size_mb = write_page(target, explore_page(findings, seed, manifest), max_mb)
    note(findings.audit.dataset.account())

    asked = Asked(folder, images, tuple(column or ()), label_level)
    audited = ("data", "audit", folder, *asked.options)
    following = ("train", folder, "--manifest", manifest) if manifest else audited
    wrote(f"report of {size_mb:.1f} MB", out, command("scenelet", *following))
