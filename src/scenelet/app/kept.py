"""What is kept between clicks: models and small copies of pictures."""

from pathlib import Path

import streamlit as st
from PIL import Image

from scenelet import images
from scenelet.app.sources import stamp
from scenelet.bundle.contract import CONTRACT
from scenelet.dataset.sources import source_of
from scenelet.errors import BundleFormatError, SceneletError
from scenelet.parallel import cores
from scenelet.quiet import quiet
from scenelet.report.html import data_uri
from scenelet.serve.predictor import Predictor


def bundle_stamp(folder: str) -> int:
    """Of the contract: another one where the bundle was replaced."""
    return stamp(Path(folder) / CONTRACT)


def predictor(folder: str) -> Predictor:
    """Of a bundle folder; loaded once, and again when the bundle is replaced.

    Raises:
        BundleError: It has vanished, or can't be trusted.
    """
    if not bundle_stamp(folder):
        raise BundleFormatError(
            f"{folder}: the bundle is no longer there. Export it again, or start the app with"
            " --bundle."
        )
    return _load(folder, bundle_stamp(folder))


@st.cache_resource(max_entries=4, show_spinner="Loading the model")
def _load(folder: str, stamp: int) -> Predictor:  # noqa: ARG001  (another bundle, another stamp)
    with quiet():
        return Predictor(Path(folder), copies=cores())


@st.cache_data(max_entries=4000, show_spinner=False)
def thumbnail(place: str, path: str, pixels: str = "", size_px: int = 150) -> str:  # noqa: ARG001
    """A data URI of a small copy of a data set's picture; a grey one where it can't be read.

    Args:
        place: Of the data set.
        path: In it.
        pixels: Hash of the pixels, as the manifest has it: others are another picture.
        size_px: Longest side.
    """
    try:
        picture = images.thumbnail(source_of(place).read(path), size_px)
    except SceneletError:
        picture = Image.new("RGB", (size_px, size_px), "#888888")
    return data_uri(picture, quality=80)


@st.cache_data(max_entries=200, show_spinner=False)
def shown(content: bytes, size_px: int = 480) -> str:
    """A data URI of a picture that somebody gave, never larger than the page.

    Raises:
        ImageError: It can't be decoded.
    """
    return data_uri(images.thumbnail(content, size_px), quality=80)


def shown_or_grey(content: bytes, size_px: int) -> str:
    """The same, or a grey square for what is no picture."""
    try:
        return shown(content, size_px)
    except SceneletError:
        return data_uri(Image.new("RGB", (size_px, size_px), "#888888"))


@st.cache_data(show_spinner=False)
def icon() -> Image.Image:
    """Of the page: a painted mountain."""
    from scenelet.dataset.scenes import paint_scene

    return paint_scene("mountain", 3).resize((32, 32))
