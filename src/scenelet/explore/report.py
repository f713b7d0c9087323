"""The explore report: what a data set looks like.

Every picture is a thumbnail in the page itself.
"""

from collections import Counter
from collections.abc import Sequence
from functools import partial

import numpy as np
from PIL import Image

from scenelet.dataset.row import Row
from scenelet.explore import figures
from scenelet.explore.audit_report import card, finding_sections, next_steps, overview, title_of
from scenelet.explore.findings import Findings
from scenelet.explore.layout import MAP_POINTS, flat_map, grid_size, on_grid, picture_grid
from scenelet.images import decode
from scenelet.parallel import in_parallel
from scenelet.report.charts import MOST_CLASSES
from scenelet.report.html import Card, Gallery, Section, data_uri, page, svg
from scenelet.text import listed

PER_CLASS = 10
MEAN_OF = 400
NEIGHBOURS = 12
MEAN_PX = 64


def explore_page(findings: Findings, seed: int = 0) -> str:
    """The whole report as one HTML page.

    Args:
        findings: Of the folder.
        seed: Of the random pictures and the map.
    """
    rows = [row for row in findings.rows if row.pixel_hash]
    everyone = sorted({row.label for row in rows})
    subtitle = f"{len(rows):,} images of {len(everyone)} classes: {listed(everyone)}"
    names = _drawn(rows)
    if len(names) < len(everyone):
        subtitle += f"; the {len(names)} largest and smallest are drawn"
    sections = [
        overview(findings),
        _balance(findings, names),
        _sizes(rows),
        _tones(findings, names),
        _means(findings, rows, names),
        _random(findings, rows, names, seed),
        *_embedded(findings, names, everyone, seed),
        *finding_sections(findings),
        next_steps(findings),
    ]
    return page(title_of(findings), subtitle, sections)


def _drawn(rows: Sequence[Row]) -> list[str]:
    """All classes; of many, those with most and with fewest images, by name."""
    by_size = [name for name, _ in Counter(row.label for row in rows).most_common()]
    half = MOST_CLASSES // 2
    few = len(by_size) <= MOST_CLASSES
    return sorted(by_size if few else by_size[:half] + by_size[-half:])


def _balance(findings: Findings, names: Sequence[str]) -> Section:
    rows = findings.rows
    counts = Counter(row.label for row in rows)
    (most, many), (least, few) = counts.most_common()[0], counts.most_common()[-1]
    lead = (
        f"{most} has most images ({many:,}), {least} fewest ({few:,}): {many / few:.2f} times as"
        " many."
    )
    chart = figures.class_balance([row.label for row in rows], [row.split for row in rows], names)
    return Section("Class balance", lead, figures=[(svg(chart), lead)])


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
    pairs = [
        (row, look)
        for row, look in zip(findings.rows, findings.audit.looks, strict=True)
        if row.pixel_hash
    ]
    labels = [row.label for row, _ in pairs]
    aspects = [row.width / row.height for row, _ in pairs]
    charts = [
        (
            figures.spread_by_class(
                [look.brightness for _, look in pairs], labels, names, "mean brightness, 0-1"
            ),
            "Brightness by class",
        ),
        (
            figures.spread_by_class(
                [look.sharpness for _, look in pairs], labels, names, "strength of edges, 0-255"
            ),
            "Sharpness by class",
        ),
        (
            figures.colour_strips(np.array([look.colour for _, look in pairs]), labels, names),
            "Mean colours by class",
        ),
    ]
    if np.percentile(aspects, 75) > np.percentile(aspects, 25):  # else all boxes would be lines
        charts.append(
            (figures.spread_by_class(aspects, labels, names, "width / height"), "Aspect by class")
        )
    lead = (
        "Boxes hold the middle half of the images. Where they barely overlap, a model may learn"
        " light instead of content."
    )
    return Section(
        "Light, sharpness, colour",
        lead,
        figures=[(svg(chart), description) for chart, description in charts],
    )


def _means(findings: Findings, rows: list[Row], names: Sequence[str]) -> Section:
    cards = []
    for name in names:
        of_class = [row for row in rows if row.label == name][:MEAN_OF]
        cards.append([Card(_mean_image(findings, of_class), name, f"mean of {len(of_class):,}")])
    lead = "All pictures of a class laid over one another: what shows through is common to them."
    return Section("Mean images", lead, galleries=[Gallery("One a class", cards)])


def _mean_image(findings: Findings, rows: list[Row]) -> str:
    def small(row: Row) -> np.ndarray:
        picture = decode(findings.audit.dataset.read(row), enough=(MEAN_PX, MEAN_PX))
        return np.asarray(picture.resize((MEAN_PX, MEAN_PX)), np.float64)

    total = sum(in_parallel(small, rows), np.zeros((MEAN_PX, MEAN_PX, 3)))
    mean = Image.fromarray((total / len(rows)).astype(np.uint8))
    return data_uri(mean.resize((112, 112), Image.Resampling.BICUBIC), quality=85)


def _random(findings: Findings, rows: list[Row], names: Sequence[str], seed: int) -> Section:
    rng = np.random.default_rng(seed)
    galleries = []
    for name in names:
        of_class = [row for row in rows if row.label == name]
        chosen = rng.choice(len(of_class), min(PER_CLASS, len(of_class)), replace=False)
        galleries.append(
            Gallery(
                name, [[card(findings.audit.dataset, of_class[position])] for position in chosen]
            )
        )
    return Section("At random", "Not chosen by anyone.", galleries=galleries)


def _embedded(
    findings: Findings, names: Sequence[str], everyone: Sequence[str], seed: int
) -> list[Section]:
    """The sections that need embeddings; none where there are none."""
    if not len(findings.embeddings):
        return []
    rows = [findings.rows[position] for position in findings.embedded]
    directions = findings.embeddings / np.maximum(
        np.linalg.norm(findings.embeddings, axis=1, keepdims=True), 1e-9
    )
    return [
        _typical(findings, rows, directions, names),
        _map(findings, rows, everyone, seed),
        _strangers(findings, rows, directions),
    ]


def _typical(
    findings: Findings, rows: list[Row], directions: np.ndarray, names: Sequence[str]
) -> Section:
    galleries = []
    for name in names:
        places = np.array([position for position, row in enumerate(rows) if row.label == name])
        centre = directions[places].mean(0)
        order = places[np.argsort(-(directions[places] @ centre))]
        half = max(1, min(PER_CLASS // 2, len(order) // 2))
        groups = [
            [card(findings.audit.dataset, rows[position], "typical", "good")]
            for position in order[:half]
        ]
        groups += [
            [card(findings.audit.dataset, rows[position], "atypical", "bad")]
            for position in order[-half:]
        ]
        galleries.append(Gallery(name, groups))
    return Section(
        "Typical and atypical",
        "Nearest to and farthest from the middle of their class.",
        galleries=galleries,
    )


def _map(findings: Findings, rows: list[Row], names: Sequence[str], seed: int) -> Section:
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(rows), min(MAP_POINTS, len(rows)), replace=False))
    points = flat_map(findings.embeddings[chosen], seed)
    columns, lines = grid_size(len(chosen))
    on_sheet = rng.choice(len(chosen), columns * lines, replace=False)
    cells = on_grid(points[on_sheet] * np.array([1, -1]), columns, lines)
    sheet = picture_grid(
        [partial(findings.audit.dataset.read, rows[chosen[place]]) for place in on_sheet],
        cells,
        columns,
        lines,
    )
    scatter = figures.embedding_map(points, [rows[position].label for position in chosen], names)
    lead = (
        f"Each of {len(chosen):,} images is a point; near points look alike to the network. Below,"
        f" the pictures themselves, {columns * lines:,} of them, on a grid where neighbours look"
        " alike. Where classes meet, look for what they share."
    )
    return Section(
        "Map",
        lead,
        figures=[
            (svg(scatter), "Embedding map coloured by class"),
            (data_uri(sheet, 80), "Pictures laid out by likeness"),
        ],
        wide=True,
    )


def _strangers(findings: Findings, rows: list[Row], directions: np.ndarray) -> Section:
    """The most alike pairs of different classes, found block by block so that memory stays flat."""
    labels, pictures = (
        np.array([row.label for row in rows]),
        np.array([row.pixel_hash for row in rows]),
    )
    best: list[tuple[float, int, int]] = []
    for start in range(0, len(rows), 512):
        block = directions[start : start + 512] @ directions.T
        block[labels[start : start + 512, None] == labels[None]] = -1
        block[pictures[start : start + 512, None] == pictures[None]] = -1
        nearest = block.argmax(1)
        best += [(float(block[i, j]), start + i, int(j)) for i, j in enumerate(nearest)]
    seen: set[int] = set()
    groups: list[list[Card]] = []
    for likeness, first, second in sorted(best, reverse=True):
        if len(groups) < NEIGHBOURS and not {first, second} & seen:
            seen |= {first, second}
            groups.append(
                [
                    card(findings.audit.dataset, rows[place], f"likeness {likeness:.3f}")
                    for place in (first, second)
                ]
            )
    return Section(
        "Neighbours across classes",
        "The most alike pairs with different labels.",
        galleries=[Gallery("Nearest first", groups)],
    )
