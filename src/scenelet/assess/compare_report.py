"""Two bundles side by side on one HTML page, with the images that changed sides."""

from functools import partial
from pathlib import Path

from scenelet.assess.compare import Compared, Comparison, next_commands
from scenelet.assess.evaluate import PART_NAMES
from scenelet.assess.ledger import told
from scenelet.bundle.contract import fingerprint
from scenelet.report.html import (
    Card,
    Gallery,
    Headline,
    Section,
    following,
    page,
    thumbnail,
)

MOST_CARDS = 36


def comparison_page(compared: Compared, names: tuple[str, str]) -> str:
    """The comparison as one HTML page.

    Args:
        compared: By `compare_bundles`.
        names: Of the bundles, as they were given.
    """
    figures = compared.figures
    table = [
        ("", "first", "second"),
        ("bundle", *names),
        ("accuracy", *(f"{value:.1%}" for value in figures.accuracies)),
        ("only this one right", f"{figures.only_first_right:,}", f"{figures.only_second_right:,}"),
        ("latency, one thread", *(f"{value:.2g} ms" for value in figures.latency_ms)),
    ]
    points = [f"The second is {_times(figures.size_ratio)} as large."]
    points.append(f"It takes {_times(figures.latency_ratio)} as long.")
    if figures.looks:
        points.append(told(figures.looks))
    galleries = [
        Gallery(f"Only the {word} is right", _changed(compared, second_right))
        for word, second_right in (("second", True), ("first", False))
    ]
    sections = [
        Section("Side by side", table=table, points=points),
        Section("Images that changed sides", galleries=galleries),
        following(next_commands(compared, names)),
    ]
    bundles = zip(("First", "Second"), names, strict=True)
    return page(
        "Two bundles compared",
        f"{figures.images:,} images, {PART_NAMES[figures.part]}, the same for both",
        sections,
        _headline(figures),
        [f"{which} {name}, {fingerprint(Path(name))}" for which, name in bundles],
    )


def _headline(figures: Comparison) -> Headline:
    gain, total = figures.difference, figures.images
    more, low, high = (_more(share) for share in (gain.value or 0.0, gain.low, gain.high))
    words = (
        f"Of 100 pictures the second answers {more} rightly than the first (95 % interval {low} to"
        f" {high}; McNemar p = {figures.p_value:.2g}, {total:,} images)."
    )
    is_shown = figures.verdict in ("better", "worse")
    verdict = f"The second is {figures.verdict}" if is_shown else figures.verdict.capitalize()
    return Headline(verdict, words)


def _more(share: float) -> str:
    """As whole pictures of a hundred."""
    count = round(100 * share)
    return f"{abs(count)} {'fewer' if count < 0 else 'more'}"


def _times(ratio: float) -> str:
    """As fine as anybody needs it."""
    return f"{ratio:.2g} times"


def _changed(compared: Compared, second_right: bool) -> list[list[Card]]:
    answers = compared.first.logits.argmax(1), compared.second.logits.argmax(1)
    cards = []
    for row, label, first, second in zip(
        compared.dataset.rows, compared.labels, *answers, strict=True
    ):
        if first != second and (second if second_right else first) == label:
            note = f"{compared.class_names[first]} → {compared.class_names[second]}"
            cards.append(
                [
                    Card(
                        thumbnail(partial(compared.dataset.read, row)),
                        row.path,
                        f"{row.label}, answered {note}",
                        "good" if second_right else "bad",
                    )
                ]
            )
    return cards[:MOST_CARDS]
