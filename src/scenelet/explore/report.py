"""The explore report: what a data set looks like.

Every picture is a thumbnail in the page itself.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from scenelet.dataset.row import Row
from scenelet.errors import DataError
from scenelet.explore import figures
from scenelet.explore.audit_report import (
    card,
    finding_sections,
    headline,
    next_steps,
    overview,
    title_of,
    words_of,
)
from scenelet.explore.findings import Findings
from scenelet.explore.layout import (
    MAP_POINTS,
    flat_map,
    grid_size,
    on_grid,
    on_page,
    picture_grid,
    unit_length,
)
from scenelet.images import decode
from scenelet.parallel import in_parallel
from scenelet.report.charts import COLOURS, MOST_CLASSES, NAME_LETTERS
from scenelet.report.html import Card, Gallery, PictureMap, Point, Section, data_uri, page, svg
from scenelet.text import elided, listed

PER_CLASS = 10
MEAN_OF = 400
NEIGHBOURS = 12
MEAN_PX = 64
MAP_LEAST = 8  # pictures that make a map
BLOCK = 512  # rows that are compared with all at once
_TONES = (
    "Boxes hold the middle half of the images. Where they barely overlap, a model may learn light"
    " instead of content."
)
_MAP = (
    "Each of {points} images is a point; near points look alike to the network. Click on the map"
    " (or use the arrow keys) to see the pictures there, of the large points. Below, {pictures} of"
    " them on a grid where neighbours look alike. Where classes meet, look for what they share."
)


def explore_page(findings: Findings, seed: int = 0, manifest: Path | None = None) -> str:
    """The whole report as one HTML page.

    Args:
        findings: Of the folder.
        seed: Of the random pictures and the map.
        manifest: That was gone by.

    Raises:
        DataError: No image can be used.
    """
    rows = [row for row in findings.rows if row.pixel_hash]
    if not rows:
        raise _nothing_to_draw(findings)
    everyone = sorted({row.label for row in rows})
    subtitle = f"{len(rows):,} images of {len(everyone)} classes: {listed(everyone)}"
    names = _drawn(rows)
    if len(names) < len(everyone):
        subtitle += f"; the {len(names)} largest and smallest are drawn"
    pictures = [
        _balance(findings, names),
        _sizes(rows),
        _tones(findings, names),
        _means(findings, rows, names),
        _random(findings, rows, names, seed),
        *_embedded(findings, names, everyone, seed),
    ]
    found = [*finding_sections(findings), next_steps(findings, manifest)]
    sections = [overview(findings), *pictures, *found]
    return page(title_of(findings), subtitle, sections, headline(findings))


def _nothing_to_draw(findings: Findings) -> DataError:
    named = "".join(f" (the first: {row.path}: {row.excluded})" for row in findings.rows[:1])
    return DataError(
        f"{findings.audit.dataset.source.name}: no image in use that can be drawn{named}."
        " `scenelet data audit` lists them."
    )


def _drawn(rows: Sequence[Row]) -> list[str]:
    """All classes; of many, those with most and with fewest images, by name."""
    by_size = [name for name, _ in Counter(row.label for row in rows).most_common()]
    half = MOST_CLASSES // 2
    few = len(by_size) <= MOST_CLASSES
    return sorted(by_size if few else by_size[:half] + by_size[-half:])


def _balance(findings: Findings, names: Sequence[str]) -> Section:
    rows = findings.rows
    lead = _most_and_fewest(Counter(row.label for row in rows))
    chart = figures.class_balance([row.label for row in rows], [row.split for row in rows], names)
    return Section("Class balance", lead, figures=[(svg(chart), lead)])


def _most_and_fewest(counts: Counter[str]) -> str:
    ordered = counts.most_common()
    (most, many), (least, few) = ordered[0], ordered[-1]
    return (
        f"{most} has most images ({many:,}), {least} fewest ({few:,})"
        f"{f': {many / few:.1f} times as many' if many > few else ''}."
    )


def _sizes(rows: list[Row]) -> Section:
    counts = Counter((row.width, row.height) for row in rows)
    (width, height), count = counts.most_common(1)[0]
    lead = (
        f"{count / len(rows):.1%} are {width} x {height} pixels; {len(counts) - 1:,} other sizes"
        " occur."
    )
    chart = figures.sizes([row.width for row in rows], [row.height for row in rows])
    table = [
        ("size", "images"),
        *((f"{w} x {h}", f"{number:,}") for (w, h), number in counts.most_common(8)),
    ]
    return Section("Sizes", lead, figures=[(svg(chart), lead)], table=table)


def _tones(findings: Findings, names: Sequence[str]) -> Section:
    pairs = zip(findings.rows, findings.audit.looks, strict=True)
    rows, looks = zip(*((row, look) for row, look in pairs if row.pixel_hash), strict=True)
    labels = [row.label for row in rows]

    def spread(values: list[float], what: str) -> str:
        return svg(figures.spread_by_class(values, labels, names, what))

    brightness = spread([look.brightness for look in looks], "mean brightness, 0-1")
    sharpness = spread([look.sharpness for look in looks], "strength of edges, 0-255")
    colours = svg(figures.colour_strips(np.array([look.colour for look in looks]), labels, names))
    charts = [
        (brightness, "Brightness by class"),
        (sharpness, "Sharpness by class"),
        (colours, "Mean colours by class"),
    ]
    aspects = [row.width / row.height for row in rows]
    if np.percentile(aspects, 75) > np.percentile(aspects, 25):  # else all boxes would be lines
        charts.append((spread(aspects, "width / height"), "Aspect by class"))
    return Section("Light, sharpness, colour", _TONES, figures=charts)


def _means(findings: Findings, rows: list[Row], names: Sequence[str]) -> Section:
    cards = [[_mean_card(findings, rows, name)] for name in names]
    lead = "All pictures of a class laid over one another: what shows through is common to them."
    return Section("Mean images", lead, galleries=[Gallery("One picture for each class", cards)])


def _mean_card(findings: Findings, rows: list[Row], name: str) -> Card:
    of_class = [row for row in rows if row.label == name][:MEAN_OF]
    return Card(_mean_image(findings, of_class), name, f"mean of {len(of_class):,}")


def _mean_image(findings: Findings, rows: list[Row]) -> str:
    def small(row: Row) -> np.ndarray:
        picture = decode(findings.audit.dataset.read(row), enough=(MEAN_PX, MEAN_PX))
        return np.asarray(picture.resize((MEAN_PX, MEAN_PX)), np.float64)

    total = sum(in_parallel(small, rows), np.zeros((MEAN_PX, MEAN_PX, 3)))
    mean = Image.fromarray((total / len(rows)).astype(np.uint8))
    return data_uri(mean.resize((112, 112), Image.Resampling.BICUBIC), quality=85)


def _random(findings: Findings, rows: list[Row], names: Sequence[str], seed: int) -> Section:
    rng = np.random.default_rng(seed)
    drawn = {name: _drawn_lots([row for row in rows if row.label == name], rng) for name in names}
    galleries = [Gallery(name, _cards(findings, some)) for name, some in drawn.items()]
    return Section("At random", "Not chosen by anyone.", galleries=galleries)


def _drawn_lots(rows: list[Row], rng: np.random.Generator) -> list[Row]:
    chosen = rng.choice(len(rows), min(PER_CLASS, len(rows)), replace=False)
    return [rows[place] for place in chosen]


def _cards(
    findings: Findings, rows: Sequence[Row], note: str = "", tone: str = ""
) -> list[list[Card]]:
    return [[card(findings.audit.dataset, row, note, tone)] for row in rows]


def _embedded(
    findings: Findings, names: Sequence[str], everyone: Sequence[str], seed: int
) -> list[Section]:
    """The sections that need embeddings; none where there are none."""
    if not len(findings.embeddings):
        return []
    rows = [findings.rows[position] for position in findings.embedded]
    directions = unit_length(findings.embeddings)
    sections = [_typical(findings, rows, directions, names)]
    if len(rows) >= MAP_LEAST:
        sections.append(_map(findings, rows, everyone, seed))
    if len(everyone) > 1:
        sections.append(_strangers(findings, rows, directions))
    return sections


def _typical(
    findings: Findings, rows: list[Row], directions: np.ndarray, names: Sequence[str]
) -> Section:
    galleries = []
    for name in names:
        order = _by_typicality(rows, directions, name)
        half = max(1, min(PER_CLASS // 2, len(order) // 2))
        good = _cards(findings, [rows[place] for place in order[:half]], "typical", "good")
        bad = _cards(findings, [rows[place] for place in order[-half:]], "atypical", "bad")
        galleries.append(Gallery(name, good + bad))
    lead = "Nearest to and farthest from the middle of their class."
    return Section("Typical and atypical", lead, galleries=galleries)


def _by_typicality(rows: list[Row], directions: np.ndarray, name: str) -> np.ndarray:
    """Places of a class's rows, those nearest to its middle first."""
    places = np.array([place for place, row in enumerate(rows) if row.label == name])
    centre = directions[places].mean(0)
    return np.asarray(places[np.argsort(-(directions[places] @ centre))])


def _map(findings: Findings, rows: list[Row], names: Sequence[str], seed: int) -> Section:
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(rows), min(MAP_POINTS, len(rows)), replace=False))
    shown = [rows[place] for place in chosen]
    points = on_page(flat_map(findings.embeddings[chosen], seed))
    sheet, columns, cells = _sheet(findings, shown, points, rng)
    drawn = [
        Point(float(x), float(y), names.index(row.label), words_of(row), cells.get(place))
        for place, (row, (x, y)) in enumerate(zip(shown, points, strict=True))
    ]
    named = [] if len(names) <= len(COLOURS) else _named(shown, points)
    lead = _MAP.format(points=f"{len(shown):,}", pictures=f"{len(cells):,}")
    return Section("Map", lead, map=PictureMap(names, drawn, named, data_uri(sheet, 80), columns))


def _named(rows: Sequence[Row], points: np.ndarray) -> list[tuple[float, float, str]]:
    """The largest classes, each in the middle of its points: colours come round again."""
    labels = np.array([row.label for row in rows])
    largest = [name for name, _ in Counter(labels.tolist()).most_common(MOST_CLASSES)]
    middles = [np.median(points[labels == name], axis=0) for name in largest]
    named = zip(middles, largest, strict=True)
    return [(float(x), float(y), elided(name, NAME_LETTERS)) for (x, y), name in named]


def _sheet(
    findings: Findings, rows: list[Row], points: np.ndarray, rng: np.random.Generator
) -> tuple[Image.Image, int, dict[int, int]]:
    """Some of the pictures on a grid where neighbours look alike.

    Returns:
        The sheet, its columns, and the cell of each row that is on it.
    """
    columns, lines = grid_size(len(rows))
    chosen = rng.choice(len(rows), columns * lines, replace=False)
    cells = on_grid(points[chosen], columns, lines)
    pictures = [partial(findings.audit.dataset.read, rows[place]) for place in chosen]
    sheet = picture_grid(pictures, cells, columns, lines)
    return sheet, columns, dict(zip(chosen.tolist(), cells.tolist(), strict=True))


def _strangers(findings: Findings, rows: list[Row], directions: np.ndarray) -> Section:
    """The most alike pairs of different classes; no picture is in two of them."""
    seen: set[int] = set()
    groups: list[list[Card]] = []
    for likeness, *pair in sorted(_nearest_of_others(rows, directions), reverse=True):
        if len(groups) < NEIGHBOURS and not seen & set(pair):
            seen |= set(pair)
            note = f"likeness {likeness:.3f}"
            groups.append([card(findings.audit.dataset, rows[place], note) for place in pair])
    return Section(
        "Neighbours across classes",
        "The most alike pairs with different labels.",
        galleries=[Gallery("Nearest first", groups)],
    )


def _nearest_of_others(rows: list[Row], directions: np.ndarray) -> Iterator[tuple[float, int, int]]:
    """Each row with the likest of another class, block by block so that memory stays flat."""
    labels = np.array([row.label for row in rows])
    pictures = np.array([row.pixel_hash for row in rows])
    for start in range(0, len(rows), BLOCK):
        part = slice(start, start + BLOCK)
        block = directions[part] @ directions.T
        for kinds in (labels, pictures):
            block[kinds[part, None] == kinds[None]] = -1
        for place, other in enumerate(block.argmax(1)):
            yield float(block[place, other]), start + place, int(other)
