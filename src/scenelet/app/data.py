"""The data, as the audit found it: balance, map, duplicates, and verdicts about doubtful labels."""

import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import streamlit as st

from scenelet.answers import ask
from scenelet.app import charts, tiles
from scenelet.app.kept import bundle_stamp, predictor, thumbnail
from scenelet.app.parts import refused
from scenelet.app.sources import Sources, sources, stamp
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.row import Row
from scenelet.dataset.sources import source_of
from scenelet.dataset.verdicts import VERDICTS, give, given, undo
from scenelet.errors import SceneletError
from scenelet.text import markdown, one_line

MAP_PICTURES = 600
PER_PAGE = 12
FINDINGS_A_PAGE = 24
CLASSES_SHOWN = 30
_WORDS = {"keep": "Keep", "exclude": "Leave out", "relabel": "Relabel"}
_LEFT_OUT = "left out"


def page() -> None:
    """Draw the page."""
    asked = sources()
    st.title("Data")
    if not asked.data or asked.manifest_file is None:
        _nothing_yet(asked.data or "photos", asked.manifest)
        return
    try:
        rows, account = _opened(asked.data, asked.manifest, stamp(asked.manifest_file))
    except SceneletError as error:  # also a manifest of other pictures: verdicts would harm it
        refused(error, ":material/error:")
        return
    _overview(rows, asked)
    st.caption(markdown(account))
    doubts, twins, where = st.tabs(["Doubtful labels", "Other findings", "Map"])
    with doubts:
        _doubts(rows, asked, asked.manifest_file)
    with twins:
        _findings(rows, asked)
    with where:
        _map(rows, asked)


@st.cache_data(max_entries=4, show_spinner="Reading the manifest")
def _opened(data: str, manifest: str, stamp: int) -> tuple[tuple[Row, ...], str]:  # noqa: ARG001
    """The rows, and one line about every file of the folder."""
    dataset = Dataset.open(data, Path(manifest))
    return dataset.rows, dataset.account()


def _nothing_yet(folder: str, manifest: str) -> None:
    st.info(
        "No audited data set to show. Audit one, and start the app with it:",
        icon=":material/folder_off:",
    )
    audit = ("scenelet", "data", "audit", folder, "--out", str(Path(manifest).parent))
    app = ("scenelet", "app", "--data", folder, "--manifest", manifest)
    st.code("\n".join(map(shlex.join, (audit, app))), language=None, wrap_lines=True)


def _overview(rows: tuple[Row, ...], asked: Sources) -> None:
    used = [row for row in rows if not row.excluded]
    doubted = sum(1 for row in used if row.suggested_label)
    with st.container(horizontal=True, gap="large"):
        st.metric("Pictures", f"{len(rows):,}", width="content")
        st.metric("Classes", len({row.label for row in used}), width="content")
        st.metric("Left out", f"{len(rows) - len(used):,}", width="content")
        st.metric("Doubtful labels", f"{doubted:,}", width="content")
    _balance(used)
    st.caption(f"{markdown(asked.data)}, as {markdown(asked.manifest)} says")


def _balance(used: list[Row]) -> None:
    sizes = Counter(row.label for row in used).most_common()
    half = CLASSES_SHOWN // 2
    several = len(sizes) > CLASSES_SHOWN
    names = {name for name, _ in (sizes[:half] + sizes[-half:] if several else sizes)}
    counts = Counter((row.label, row.split or "not split") for row in used if row.label in names)
    values = [
        {"label": label, "split": split, "images": count}
        for (label, split), count in sorted(counts.items())
    ]
    alt = "Images by class: " + ", ".join(
        f"{one_line(label)} {count}" for (label, _), count in counts.items()
    )
    st.vega_lite_chart(spec=charts.class_balance(values), width="stretch", alt=alt)
    if several:
        st.caption(f"The {half} largest and the {half} smallest of {len(sizes)} classes.")


def none_in_doubt(rows: Sequence[Row]) -> str:
    """Why no doubtful label is shown: none was found, or nobody looked."""
    used = [row for row in rows if not row.excluded]
    judged = sum(1 for row in used if row.label_quality is not None)
    if not judged:
        return (
            "No label was judged. `scenelet data audit` does, where two classes have enough"
            " pictures."
        )
    left = len(used) - judged
    return "No label is in doubt" + (
        f"; {left:,} of {len(used):,} were not judged." if left else "."
    )


def _doubts(rows: tuple[Row, ...], asked: Sources, manifest: Path) -> None:
    _undoing(manifest)
    doubtful = _doubtful(rows)
    if not doubtful:
        st.info(none_in_doubt(rows), icon=":material/info:")
        return
    for start in range(0, min(len(doubtful), PER_PAGE), 4):
        for column, row in zip(st.columns(4), doubtful[start : start + 4], strict=False):
            with column, st.container(border=True):
                _judge(row, asked, manifest)
    if len(doubtful) > PER_PAGE:
        st.caption(f"{len(doubtful) - PER_PAGE:,} more follow as you go.")


def _doubtful(rows: Sequence[Row]) -> list[Row]:
    """The least believable label first."""
    doubted = (row for row in rows if row.suggested_label and not row.excluded)
    return sorted(doubted, key=lambda row: row.label_quality or 0.0)


def _undoing(manifest: Path) -> None:
    done = given(manifest)
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.caption(
        "The audit doubts these labels. A verdict is written into the manifest at once, and nothing"
        " else is changed."
    )
    with right:
        words, icon = f"Undo ({len(done)})", ":material/undo:"
        if st.button(words, disabled=not done, width="stretch", icon=icon, key="undo"):
            _try(lambda: undo(manifest))
            st.rerun()
    if done:
        last = done[-1]
        told = f"{markdown(last.before.path)}: {_WORDS[last.verdict].lower()}"
        st.success(told, icon=":material/check:")


def _judge(row: Row, asked: Sources, manifest: Path) -> None:
    image = thumbnail(asked.data, row.path, row.pixel_hash, 300)
    tiles.show([tiles.Tile(image, row.path, f"{row.path}, labelled {row.label}")], height_px=180)
    label, suggested = markdown(row.label), markdown(row.suggested_label)
    st.markdown(f"**{label}**, or rather **{suggested}**?")
    named = {"relabel": suggested, "keep": label}
    for verdict in VERDICTS:
        words = f"{_WORDS[verdict]} {named.get(verdict, '')}".strip()
        pressed = st.button(words, key=f"{verdict}-{row.path}", width="stretch")
        if pressed and _try(partial(give, manifest, row.path, verdict)):
            st.rerun()


def _try(work: Callable[[], object]) -> bool:
    try:
        work()
    except SceneletError as error:
        refused(error, ":material/error:")
        return False
    return True


def _findings(rows: tuple[Row, ...], asked: Sources) -> None:
    kinds = _kinds(rows)
    if not kinds:
        st.info("The audit found nothing else.", icon=":material/verified:")
        return
    kind = st.selectbox(
        "Finding", list(kinds), format_func=lambda name: f"{name} ({kinds[name]:,})"
    )
    found = [row for row in rows if kind in row.issues or (kind == _LEFT_OUT and row.excluded)]
    found.sort(key=lambda row: (row.group, row.path))
    pages = -(-len(found) // FINDINGS_A_PAGE)
    number = int(st.number_input("Page", 1, pages, 1)) if pages > 1 else 1
    first = (number - 1) * FINDINGS_A_PAGE
    tiles.show(_tile(row, asked) for row in found[first : first + FINDINGS_A_PAGE])


def _kinds(rows: Sequence[Row]) -> Counter[str]:
    """How many pictures there are of each finding."""
    kinds = Counter(issue for row in rows for issue in row.issues)
    kinds.update(_LEFT_OUT for row in rows if row.excluded)
    return kinds


def _tile(row: Row, asked: Sources) -> tiles.Tile:
    image = thumbnail(asked.data, row.path, row.pixel_hash)
    words = f"{row.path} · {row.excluded or ', '.join(row.issues)}"
    return tiles.Tile(image, words, f"{row.path}, labelled {row.label}")


def _map(rows: tuple[Row, ...], asked: Sources) -> None:
    st.caption(
        f"Pictures that look alike to the model lie near each other; at most {MAP_PICTURES} of"
        " them. Point at one to see it."
    )
    if not st.toggle("Draw the map", help="Takes some seconds."):
        return
    some = _some(rows)
    if len(some) < 4:
        st.info("Too few pictures for a map.")
        return
    try:
        with st.spinner(f"Looking at {len(some)} pictures"):
            points = _laid_out(asked.bundle, bundle_stamp(asked.bundle), asked.data, some)
    except SceneletError as error:
        refused(error, ":material/error:")
        return
    st.vega_lite_chart(
        spec=charts.picture_map(points),
        width="stretch",
        alt=f"Map of {len(points)} pictures by likeness, coloured by class",
    )


def _some(rows: Sequence[Row]) -> tuple[Row, ...]:
    """As many as a map has room for, evenly from all."""
    used = [row for row in rows if row.pixel_hash and not row.excluded]
    return tuple(used[:: max(1, -(-len(used) // MAP_PICTURES))])


@st.cache_data(max_entries=4, show_spinner=False)
def _laid_out(
    bundle: str,
    stamp: int,  # noqa: ARG001  (another bundle, another stamp)
    data: str,
    rows: tuple[Row, ...],
) -> list[dict[str, object]]:
    """A point a picture. The rows, with hashes of pixels, are the key: a verdict makes others."""
    model = predictor(bundle).model
    answers = ask(model, Dataset(source_of(data), rows), model.contract.preprocess)
    places = _flat(answers.features)
    return [
        {
            "x": float(x),
            "y": float(y),
            "label": charts.shown(row.label),
            "path": charts.shown(row.path),
            "image": thumbnail(data, row.path, row.pixel_hash, 96),
        }
        for row, (x, y) in zip(rows, places, strict=True)
    ]


def _flat(table: np.ndarray) -> np.ndarray:
    """(n, features) to (n, 2): t-SNE where scikit-learn is, else the two main directions."""
    try:
        from scenelet.explore.layout import flat_map

        return flat_map(table)
    except ImportError:
        centred = table - table.mean(0)
        return np.asarray(centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T)
