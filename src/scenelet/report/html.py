"""One self-contained HTML page from sections of text, figures, tables and pictures.

Knows nothing of data sets.
"""

import base64
import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from scenelet import images
from scenelet.artefacts import write_text
from scenelet.errors import DataError, ImageError
from scenelet.report.foot import made
from scenelet.text import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cell = tuple[int, int, str]  # of a matrix: count, depth of its colour in percent, words
THUMBNAIL_PX = 256  # on a page at most 160 high, and large at a click


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
class Headline:
    """What a reader should know first.

    Attributes:
        figure: The figure, or the verdict, in a few words.
        words: What it is of, with its interval; what to bear in mind.
        picture: Data URI of a drawing of it, or "".
        alt: What the drawing shows.
    """

    figure: str
    words: str
    picture: str = ""
    alt: str = ""


@dataclass(frozen=True)
class Point:
    """A picture on a map of 1000 x 620; `cell` is its place on the sheet, if it is there."""

    x: float
    y: float
    group: int
    words: str
    cell: int | None


@dataclass(frozen=True)
class PictureMap:
    """Pictures by likeness: points, and some of the pictures themselves on one sheet.

    Attributes:
        names: Of the groups.
        points: Of all pictures.
        named: Where a name stands on the map: x, y, name; none where a legend tells the colours.
        sheet: Data URI of the pictures, in cells row by row.
        columns: Cells in a row of the sheet.
    """

    names: Sequence[str]
    points: Sequence[Point]
    named: Sequence[tuple[float, float, str]]
    sheet: str
    columns: int


@dataclass(frozen=True)
class Matrix:
    """How often each true class (a row) got each answer (a column).

    Attributes:
        names: Of the classes.
        counts: A row a true class.
        pictures: By row and column, some of a cell's pictures; the first cell is open at first.
    """

    names: Sequence[str]
    counts: Sequence[Sequence[int]]
    pictures: Mapping[tuple[int, int], Sequence[Sequence[Card]]] = field(default_factory=dict)

    @property
    def rows(self) -> list[tuple[str, list[Cell]]]:
        """Name of the row, then a cell a column."""
        return [
            (name, self._cells(name, row))
            for name, row in zip(self.names, self.counts, strict=True)
        ]

    def heading(self, place: tuple[int, int], shown: int) -> str:
        """Over the pictures of a cell."""
        row, column = place
        count = self.counts[row][column]
        some = f", {shown} of them shown" if shown < count else ""
        return f"{self.names[row]}, answered {self.names[column]}: {count:,}{some}"

    def _cells(self, name: str, row: Sequence[int]) -> list[Cell]:
        cells = []
        for answer, count in zip(self.names, row, strict=True):
            share = count / max(1, sum(row))
            depth = share if answer == name else min(1.0, 3 * share)
            cells.append((count, round(60 * depth), f"{name}, answered {answer}: {share:.0%}"))
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
        map: Of pictures.
        commands: To be copied.
        wide: Figures one below the other, as wide as the page.
    """

    title: str
    lead: str = ""
    figures: Sequence[tuple[str, str]] = ()
    galleries: Sequence[Gallery] = ()
    table: Sequence[Sequence[str]] = ()
    points: Sequence[str] = ()
    matrix: Matrix | None = None
    map: PictureMap | None = None
    commands: Sequence[str] = ()
    wide: bool = False


def following(commands: Sequence[str], points: Sequence[str] = ()) -> Section:
    """The last section of every report: what to do next, as commands to be copied."""
    return Section("What to do next", points=points, commands=commands)


def page(
    title: str,
    subtitle: str,
    sections: Sequence[Section],
    headline: Headline | None = None,
    about: Sequence[str] = (),
) -> str:
    """Render the whole page: one file, no request to anywhere.

    Args:
        title: Of the page.
        subtitle: What it is about.
        sections: Those with content are shown.
        headline: What a reader should know first.
        about: Lines for its foot, after when and by which command it was made.
    """
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
            headline=headline,
            sections=[part for part in sections if _has_content(part)],
            foot=[*made(), *about],
            colours=_colours(),
            **_script(),
        )
    )


@cache
def _script() -> dict[str, object]:
    """The page's own script and its hash, by which the page's policy knows it."""
    from markupsafe import Markup

    text = files("scenelet.report").joinpath("templates/page.js").read_text(encoding="utf-8")
    return {"script": Markup(text), "script_hash": _policy_hash(text)}  # noqa: S704  (our own)


def _policy_hash(script: str) -> str:
    """As a content security policy writes it."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _colours() -> list[tuple[str, str]]:
    """Of the groups of a map, by day and by night."""
    from scenelet.report.charts import COLOURS, IN_THE_DARK

    return [(colour, IN_THE_DARK[colour]) for colour in COLOURS]


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
    """A picture as JPEG data URI, without what a camera wrote about it."""
    buffer, bare = io.BytesIO(), picture.copy()
    bare.info = {}
    bare.save(buffer, "JPEG", quality=quality)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def svg(figure: "Figure") -> str:
    """A matplotlib figure as SVG data URI, readable on a light page and on a dark one."""
    from scenelet.report.charts import svg_text

    return f"data:image/svg+xml;base64,{base64.b64encode(svg_text(figure).encode()).decode()}"


def _has_content(section: Section) -> bool:
    pictures = any(group for gallery in section.galleries for group in gallery.groups)
    drawn = section.figures or section.matrix or section.map
    return bool(drawn or pictures or section.points or section.commands or len(section.table) > 1)
