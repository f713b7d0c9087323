"""`scenelet explore`."""

from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.options import Bundle, Folder, Manifest, Seed
from scenelet.cli.output import command, needs_extra, wrote
from scenelet.progress import ConsoleProgress


def explore(
    folder: Folder,
    *,
    manifest: Manifest = None,
    out: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("explore.html"),
    bundle: Bundle = None,
    seed: Seed = 0,
    max_mb: Annotated[float, typer.Option(help="Refuse to write a larger report, in MB.")] = 30.0,
) -> None:
    """Draw a data set: balance, sizes, light, mean and typical images, a map of pictures, and what an audit finds.

    Example: `scenelet explore photos --out photos.html`
    """
    progress = ConsoleProgress()
    progress.say("loading what draws and embeds")
    with needs_extra("train"):
        from scenelet.explore.findings import investigate
        from scenelet.explore.report import explore_page
    from scenelet.report.html import write_page
    from scenelet.shipped import default_bundle

    findings = investigate(folder, None, bundle or default_bundle(), progress, manifest)
    progress.say("drawing")
    size_mb = write_page(out, explore_page(findings, seed), max_mb)

    following = ("train", folder, "--manifest", manifest) if manifest else ("data", "audit", folder)
    wrote(f"report of {size_mb:.1f} MB", out, command("scenelet", *following))
