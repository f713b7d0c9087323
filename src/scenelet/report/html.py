"""One self-contained HTML page from sections of text, figures, tables and pictures.

Knows nothing of data sets.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from scenelet.errors import ImageError
from scenelet.images import decode

if TYPE_CHECKING:
    from matplotlib.figure import Figure

THUMBNAIL_PX = 112


@dataclass(frozen=True)
class Card:
    """A picture with its caption; `note` is set apart, in the tone "good", "bad" or ""."""

    image: str
    caption: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True)
class Gallery:
    """Cards under a heading; `groups` sets of them that belong together (duplicates) are framed."""

    heading: str
    groups: Sequence[Sequence[Card]]


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        title: Heading.
        lead: What to see here, in a sentence or two.
        figures: SVG text or data URIs of pictures, with their descriptions.
        galleries: Pictures.
        table: Header row, then rows; empty for none.
        points: A list of sentences.
        wide: Figures one below the other, as wide as the page.
    """

    title: str
    lead: str = ""
    figures: Sequence[tuple[str, str]] = ()
    galleries: Sequence[Gallery] = ()
    table: Sequence[Sequence[str]] = ()
    points: Sequence[str] = ()
    wide: bool = False


def page(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """Render the whole page: one file, no request to anywhere."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("scenelet.report"), autoescape=True, undefined=StrictUndefined
    )
    template = environment.get_template("page.html.j2")
    return str(
        template.render(
            title=title,
            subtitle=subtitle,
            sections=[part for part in sections if _has_content(part)],
        )
    )


def thumbnail(path: Path, size_px: int = THUMBNAIL_PX) -> str:
    """A small square JPEG of an image file as data URI; a grey square where it can't be decoded."""
    try:
        picture = decode(path.read_bytes(), enough=(2 * size_px, 2 * size_px))
    except (ImageError, OSError):
        picture = Image.new("RGB", (size_px, size_px), "#9aa4ad")
    return data_uri(picture.resize((size_px, size_px), Image.Resampling.LANCZOS))


def data_uri(picture: Image.Image, quality: int = 74) -> str:
    """A picture as JPEG data URI."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def svg(figure: "Figure") -> str:
    """A matplotlib figure as SVG data URI, readable on a light page and on a dark one."""
    from scenelet.report.charts import svg_text

    return f"data:image/svg+xml;base64,{base64.b64encode(svg_text(figure).encode()).decode()}"


def _has_content(section: Section) -> bool:
    pictures = any(group for gallery in section.galleries for group in gallery.groups)
    return bool(section.figures or pictures or len(section.table) > 1 or section.points)
