"""One self-contained HTML page from sections of text, figures, tables and pictures.

Knows nothing of data sets.
"""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from scenelet import images
from scenelet.artefacts import write_text
from scenelet.errors import DataError, ImageError
from scenelet.text import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

THUMBNAIL_PX = 128


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
class Matrix:
    """How often each true class (a row) got each answer (a column)."""

    names: Sequence[str]
    counts: Sequence[Sequence[int]]

    @property
    def rows(self) -> list[tuple[str, list[tuple[int, int, str]]]]:
        """Name of the row, then a cell a column: count, depth of its colour in percent, words."""
        return [
            (name, self._cells(name, row))
            for name, row in zip(self.names, self.counts, strict=True)
        ]

    def _cells(self, name: str, row: Sequence[int]) -> list[tuple[int, int, str]]:
        cells = []
        for answer, count in zip(self.names, row, strict=True):
            share = count / max(1, sum(row))
            depth = share if answer == name else min(1.0, 3 * share)
            cells.append((count, round(60 * depth), f"{name}, answered {answer}: {share:.1%}"))
        return cells


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
        matrix: Of confusions.
        wide: Figures one below the other, as wide as the page.
    """

    title: str
    lead: str = ""
    figures: Sequence[tuple[str, str]] = ()
    galleries: Sequence[Gallery] = ()
    table: Sequence[Sequence[str]] = ()
    points: Sequence[str] = ()
    matrix: Matrix | None = None
    wide: bool = False


def page(title: str, subtitle: str, sections: Sequence[Section]) -> str:
    """Render the whole page: one file, no request to anywhere."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("scenelet.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_in_one_line,
    )
    template = environment.get_template("page.html.j2")
    return str(
        template.render(
            title=title,
            subtitle=subtitle,
            sections=[part for part in sections if _has_content(part)],
        )
    )


def write_page(path: Path, text: str, max_mb: float) -> float:
    """Write a page that is not too large; returns its size in MB.

    Raises:
        DataError: It is.
        ArtefactError: It can't be written.
    """
    size_mb = len(text.encode()) / 1e6
    if size_mb > max_mb:
        raise DataError(
            f"{path}: the report has {size_mb:.1f} MB, at most {max_mb:g} allowed. Allow more with"
            " --max-mb."
        )
    write_text(path, text)
    return size_mb


def _in_one_line(value: object) -> object:
    """What stands in a page, names of people among it, in letters that can be seen."""
    is_markup = hasattr(value, "__html__")  # what our own template made
    return one_line(value) if isinstance(value, str) and not is_markup else value


def thumbnail(read: Callable[[], bytes], size_px: int = THUMBNAIL_PX) -> str:
    """A small JPEG of an image, of its shape, as data URI; grey where it can't be read."""
    try:
        return data_uri(images.thumbnail(read(), size_px))
    except ImageError:
        return data_uri(Image.new("RGB", (size_px, size_px), "#9aa4ad"))


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
    words = section.points or section.matrix or len(section.table) > 1
    return bool(section.figures or pictures or words)
