"""What looks at pictures for a report: a bundle, or the backbone, which knows more than scenes."""

from pathlib import Path
from typing import TYPE_CHECKING

from scenelet.progress import Progress
from scenelet.shipped import default_bundle

if TYPE_CHECKING:
    from scenelet.explore.findings import Look

BACKBONE = "lite0"


def look_of(bundle: Path | None, progress: Progress) -> "Look":
    """Embeddings by a bundle; None: by the backbone, or where that is not here the shipped bundle.

    Raises:
        BundleError: The bundle can't be trusted or read.
    """
    from scenelet.explore.findings import by_bundle
    from scenelet.learn.embedding import embedding, is_here

    if bundle is not None:
        return by_bundle(bundle)
    if is_here(BACKBONE):
        return embedding(BACKBONE)
    progress.say(
        "labels are judged by a model of scenes, which sees little in other pictures: pip install"
        " 'scenelet[pretrained]'"
    )
    return by_bundle(default_bundle())
