"""`scenelet explore`."""

from pathlib import Path
from typing import Annotated

import typer

from scenelet.cli.output import needs_extra, wrote
from scenelet.progress import ConsoleProgress


def explore(
    folder: Annotated[Path, typer.Argument(help="Folder of class folders.")],
    manifest: Annotated[
        Path | None, typer.Option(help="manifest.csv of `data audit`: its labels and exclusions.")
    ] = None,
    out: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("explore.html"),
    bundle: Annotated[
        Path | None,
        typer.Option(help="Bundle that embeds the pictures; default: the one that comes along."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the random pictures and the map.")] = 0,
    max_mb: Annotated[float, typer.Option(help="Refuse to write a larger report, in MB.")] = 30.0,
) -> None:
    """Draw a data set: balance, sizes, light, mean and typical images, a map of pictures, and what an audit finds.

    Example: `scenelet explore photos --out photos.html`
    """
    with needs_extra("train"):
        from scenelet.explore.findings import investigate
        from scenelet.explore.report import explore_page
    from scenelet.artefacts import write_text
    from scenelet.errors import DataError
    from scenelet.shipped import default_bundle

    progress = ConsoleProgress()
    findings = investigate(folder, None, bundle or default_bundle(), progress, manifest)
    progress.say("drawing")
    text = explore_page(findings, seed)
    size_mb = len(text.encode()) / 1e6
    if size_mb > max_mb:
        raise DataError(
            f"{out}: the report has {size_mb:.1f} MB, at most {max_mb:g} allowed. Allow more with"
            " --max-mb."
        )
    write_text(out, text)
    wrote(f"report of {size_mb:.1f} MB", out, f"scenelet data audit {folder}")
