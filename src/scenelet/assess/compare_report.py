"""Two bundles side by side on one HTML page, with the images that changed sides."""

from functools import partial

from scenelet.assess.compare import Compared
from scenelet.report.html import Card, Gallery, Section, page, thumbnail

MOST_CARDS = 36


def comparison_page(compared: Compared, names: tuple[str, str]) -> str:
    """The comparison as one HTML page.

    Args:
        compared: By `compare_bundles`.
        names: Of the bundles, as they were given.
    """
    figures, gain = compared.figures, compared.figures.difference
    table = [
        ("", "first", "second"),
        ("bundle", *names),
        ("accuracy", *(f"{value:.2%}" for value in figures.accuracies)),
        ("only this one right", f"{figures.only_first_right:,}", f"{figures.only_second_right:,}"),
        ("latency, one thread", *(f"{value:.2f} ms" for value in figures.latency_ms)),
    ]
    points = [
        (
            f"Difference {100 * (gain.value or 0):+.2f} points, 95 % interval {100 * gain.low:+.2f}"
            f" to {100 * gain.high:+.2f}; McNemar p = {figures.p_value:.3g}."
        ),
        (
            f"The second is {figures.size_ratio:.2f} times as large and takes"
            f" {figures.latency_ratio:.2f} times as long."
        ),
    ]
    if figures.looks:
        points.append(
            f"This test split has been looked at {figures.looks:,} times for this project."
        )
    galleries = [
        Gallery(f"Only the {word} is right", _changed(compared, second_right))
        for word, second_right in (("second", True), ("first", False))
    ]
    sections = [Section("Verdict on the second", figures.verdict, table=table, points=points)]
    sections.append(Section("Images that changed sides", galleries=galleries))
    return page("Two bundles compared", f"{figures.images:,} images, the same for both", sections)


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
                        f"labelled {row.label}",
                        note,
                        "good" if second_right else "bad",
                    )
                ]
            )
    return cards[:MOST_CARDS]
