"""What the app was started with, and what is kept between clicks: bundles, endpoint, pictures."""

import io
import json
import os
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from PIL import Image

from scenelet import images
from scenelet.bundle.contract import CONTRACT
from scenelet.errors import BundleFormatError, SceneletError
from scenelet.parallel import cores
from scenelet.quiet import quiet
from scenelet.report.html import data_uri
from scenelet.serve.predictor import Predictor

VARIABLE = "SCENELET_APP"


@dataclass(frozen=True)
class Sources:
    """What to show.

    Attributes:
        bundle: Folder of the bundle that answers.
        endpoint: Address of a deployed service, or "".
        runs: Folder of run folders, or one of them.
        searches: Folder of searches.
        data: Folder of class folders, or "".
        manifest: Of the data, as `data audit` writes it.
        ledger: Where looks at test splits are recorded.
        trusted: "host:port" of servers in your own network that URLs may name.
    """

    bundle: str
    endpoint: str = ""
    runs: str = "runs"
    searches: str = "searches"
    data: str = ""
    manifest: str = "audit/manifest.csv"
    ledger: str = "runs/test-ledger.jsonl"
    trusted: tuple[str, ...] = ()


def sources() -> Sources:
    """Of this process."""
    values = json.loads(os.environ[VARIABLE])
    return Sources(**{**values, "trusted": tuple(values["trusted"])})


def predictor(folder: str) -> Predictor:
    """Of a bundle folder; loaded once, and again when the bundle is replaced.

    Raises:
        BundleError: It has vanished, or can't be trusted.
    """
    path = Path(folder)
    try:
        stamp = (path / CONTRACT).stat().st_mtime_ns
    except OSError as error:
        raise BundleFormatError(
            f"{path}: the bundle is no longer there. Export it again, or start the app with"
            " --bundle."
        ) from error
    return _load(folder, stamp)


@st.cache_resource(max_entries=4, show_spinner="Loading the model")
def _load(folder: str, stamp: int) -> Predictor:  # noqa: ARG001  (another bundle, another stamp)
    with quiet():
        return Predictor(Path(folder), copies=cores())


@st.cache_data(max_entries=4000, show_spinner=False)
def thumbnail(path: str, size_px: int = 150) -> str:
    """A data URI of a small copy of a picture; a grey one where it can't be read."""
    try:
        picture = images.thumbnail(images.read(Path(path)), size_px)
    except SceneletError:
        picture = Image.new("RGB", (size_px, size_px), "#888888")
    return data_uri(picture, quality=80)


@st.cache_data(show_spinner=False)
def icon() -> Image.Image:
    """Of the page: a painted mountain."""
    from scenelet.dataset.paint import paint_scene

    return paint_scene("mountain", 3).resize((32, 32))


def small(content: bytes, size_px: int = 640) -> Image.Image:
    """A picture to show; never larger than the page."""
    return images.thumbnail(content, size_px)


def as_csv(rows: list[dict[str, object]]) -> bytes:
    """Rows of a table for download."""
    import csv

    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
