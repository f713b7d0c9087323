"""The audit's findings as sections with pictures, and the audit report made of them."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath

from scenelet.artefacts import make_folder, write_json, write_text
from scenelet.dataset.audit import Audit
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.manifest import read_manifest, write_manifest
from scenelet.dataset.row import Row
from scenelet.dataset.verdicts import again
from scenelet.errors import ConfigError
from scenelet.explore.findings import Findings
from scenelet.explore.labels import ranked
from scenelet.report.html import Card, Gallery, Headline, Section, following, page, thumbnail
from scenelet.text import counted, listed, shell

MOST_GROUPS = 40
MOST_DOUBTS = 60
MOST_FAULTS = 24
MANIFEST = "manifest.csv"


def audit_page(findings: Findings, manifest: Path = Path(MANIFEST)) -> str:
    """The audit report as one HTML page.

    Args:
        findings: Of the folder.
        manifest: Where its manifest lies.
    """
    return page(
        f"Audit of {title_of(findings)}",
        findings.audit.dataset.account(),
        [overview(findings), *finding_sections(findings), next_steps(findings, manifest)],
        headline(findings),
    )


def headline(findings: Findings) -> Headline:
    """How much was found, and what becomes of it."""
    found = {kind: count for kind, count in findings.audit.counts().items() if count}
    rows = findings.rows
    excluded = sum(1 for row in rows if row.excluded)
    told = "".join(f"{kind} {count:,}, " for kind, count in found.items())
    things = counted(sum(found.values()), "thing")
    return Headline(
        f"{things} to look at" if found else "Nothing was found",
        f"{told}in {len(rows):,} images; {excluded:,} left out in the manifest, none altered.",
    )


def write_audit(findings: Findings, out: Path, home: Path | None = None) -> int:
    """Write manifest, summary and page; verdicts given before are kept.

    Args:
        findings: Of the folder.
        out: Folder to write to.
        home: Where it will lie, if elsewhere.

    Returns:
        How many verdicts.

    Raises:
        ConfigError: The folder holds the audit of other pictures.
        ArtefactError: It can't be written.
    """
    manifest = out / MANIFEST
    _require_the_same_pictures(manifest, findings)
    make_folder(out)
    rows, kept = again(manifest, findings.rows)
    write_text(out / "audit.html", audit_page(findings, (home or out) / MANIFEST))
    write_json(out / "audit.json", findings.summary())
    write_manifest(manifest, rows)
    return kept


def _require_the_same_pictures(manifest: Path, findings: Findings) -> None:
    """Somebody's verdicts on other pictures lie there: they are not to be written over."""
    if not manifest.is_file():
        return
    here = {row.pixel_hash for row in findings.rows}
    there = {row.pixel_hash for row in read_manifest(manifest)} - {""}
    if there and not there & here:
        raise ConfigError(
            f"{manifest.parent}: holds the audit of other pictures. Give another --out, or remove"
            " the folder."
        )


def title_of(findings: Findings) -> str:
    """Name of the data set: of its folder."""
    return Path(findings.audit.dataset.source.name).resolve().name


def overview(findings: Findings) -> Section:
    """How many findings of each kind, and what becomes of them."""
    counts = findings.audit.counts()
    meaning = {
        "unreadable": ("images that can't be used", "left out"),
        "conflicts": (
            "pictures that stand under several labels",
            "left out: one label at least is wrong",
        ),
        "leakage": ("pictures that stand in several splits", "left out of training"),
        "duplicates": (
            "pictures that are there more than once",
            "kept, never torn apart by a split",
        ),
        "near-duplicates": ("groups of pictures that look alike", "kept; look at them"),
        "faults": ("images with something odd", "kept; look at them"),
        "labels": ("labels that confident learning doubts", "kept; look at them"),
        "classes": ("faults of the folder", "see below"),
    }
    found = {kind: words for kind, words in meaning.items() if counts[kind]}
    table = [
        ("found", "what", "what becomes of it"),
        *((f"{counts[kind]:,}", *words) for kind, words in found.items()),
    ]
    points = list(findings.audit.folder_faults)
    clean = [kind for kind in meaning if not counts[kind] and _was_judged(kind, findings)]
    if clean:
        points.append(f"{counted(len(clean), 'check')} found nothing: {', '.join(clean)}.")
    return Section("What was found", table=table, points=points)


def _was_judged(kind: str, findings: Findings) -> bool:
    """Of labels that were not all judged it can't be said that nothing was found."""
    return kind != "labels" or not findings.unjudged


def finding_sections(findings: Findings) -> list[Section]:
    """One section a kind of finding, with pictures."""
    audit, rows = findings.audit, findings.rows
    return [
        Section("Unusable", "These can't be decoded and are left out.", table=_unusable(rows)),
        _groups(
            "Label conflicts",
            "The very same picture under different labels.",
            findings,
            audit.conflicts,
        ),
        _groups(
            "Leakage",
            "The very same picture in different splits: a test on it is no test.",
            findings,
            audit.leakage,
            splits=True,
        ),
        _doubts(findings),
        _groups("Duplicates", "The very same picture more than once.", findings, _equal(audit)),
        _groups(
            "Near-duplicates",
            "Pictures that look alike: frames of one scene, or edits.",
            findings,
            audit.near_duplicates,
        ),
        _faults(findings),
        Section("Passed over", "Not part of the data set.", table=_passed_over(findings)),
    ]


def _equal(audit: Audit) -> list[list[int]]:
    """Duplicates of which nothing worse is to be said."""
    worse = [*audit.conflicts, *audit.leakage]
    return [group for group in audit.duplicates if group not in worse]


def next_steps(findings: Findings, manifest: Path | None = None) -> Section:
    """What to do, in order; commands with the paths in use."""
    counts, source = findings.audit.counts(), findings.audit.dataset.source.name
    steps = []
    if counts["conflicts"] or counts["labels"]:
        steps.append(
            "Look at the label conflicts and doubtful labels above; give verdicts in the app, or"
            " correct the folders where you agree."
        )
    if counts["leakage"]:
        steps.append(
            "Remove from training what is also in the test part; until then the manifest leaves it"
            " out."
        )
    if counts["unreadable"]:
        steps.append(
            "Replace or remove the unusable files; until then the manifest leaves them out."
        )
    audited = ("--manifest", manifest) if manifest else ()
    commands = [
        shell("scenelet", "app", "--data", source, *audited),
        shell("scenelet", "train", source, *audited),
    ]
    return following(commands, steps)


def card(dataset: Dataset, row: Row, note: str = "", tone: str = "") -> Card:
    """A row's picture with the path of its file, and its label where that says another."""
    return Card(thumbnail(partial(dataset.read, row)), words_of(row), note, tone)


def words_of(row: Row) -> str:
    """The path of its file, and its label where that says another."""
    known = row.label in PurePosixPath(row.path).parent.parts
    return row.path if known else f"{row.path} ({row.label})"


def _groups(
    title: str, lead: str, findings: Findings, groups: list[list[int]], splits: bool = False
) -> Section:
    audit = findings.audit
    cards = []
    for group in groups[:MOST_GROUPS]:
        members = [audit.at(position) for position in group[:6]]
        cards.append([card(home, row, row.split if splits else "", "bad") for home, row in members])
    heading = _heading(len(groups), "groups", MOST_GROUPS)
    return Section(title, lead, galleries=[Gallery(heading, cards)])


def _heading(count: int, what: str, most: int) -> str:
    """Of a gallery: how many there are, and how many of them it shows."""
    return f"{count:,} {what}" + (f", the first {most} shown" if count > most else "")


def _doubts(findings: Findings) -> Section:
    ordered = (findings.rows[position] for position in ranked(findings.rows))
    doubted = [row for row in ordered if row.suggested_label]
    cards = [[_doubt(findings, row)] for row in doubted[:MOST_DOUBTS]]
    gallery = Gallery(_heading(len(doubted), "labels", MOST_DOUBTS), cards)
    return Section("Doubtful labels", _how_doubted(findings), galleries=[gallery])


def _doubt(findings: Findings, row: Row) -> Card:
    note = f"{row.suggested_label}? ({row.label_quality})"
    return card(findings.audit.dataset, row, note, "bad")


def _how_doubted(findings: Findings) -> str:
    lead = (
        "Ranked by how little a linear head that never saw the picture believes its label, with the"
        " label it would give. A doubt is a reason to look, not a verdict."
    )
    if not findings.unjudged:
        return lead
    return f"{lead} Not judged, for too few pictures: {listed(list(findings.unjudged))}."


def _faults(findings: Findings) -> Section:
    dataset, rows, looks = findings.audit.dataset, findings.rows, findings.audit.looks
    kinds = sorted({issue for look in looks for issue in look.issues} | {"odd size"})
    galleries = []
    for kind in kinds:
        found = [row for row in rows if kind in row.issues]
        cards = [[card(dataset, row, f"{row.width} x {row.height}")] for row in found[:MOST_FAULTS]]
        galleries.append(Gallery(f"{kind}: {len(found):,}", cards))
    return Section("Odd images", "Kept, but worth a look.", galleries=galleries)


def _unusable(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    return [
        ("file", "why"),
        *((row.path, row.excluded) for row in rows if row.excluded and not row.pixel_hash),
    ]


def _passed_over(findings: Findings) -> list[tuple[str, ...]]:
    return [
        ("path", "why"),
        *((entry.path, entry.reason) for entry in findings.audit.dataset.passed_over[:200]),
    ]
