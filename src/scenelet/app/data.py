"""The data, as the audit found it: balance, map, duplicates, and verdicts about doubtful labels."""

from collections import Counter
from pathlib import Path

import numpy as np
import streamlit as st

from scenelet.app import charts
from scenelet.app.sources import Sources, predictor, sources, thumbnail
from scenelet.app.verdicts import VERDICTS, give, given, undo
from scenelet.dataset.manifest import read_manifest
from scenelet.dataset.row import Row
from scenelet.errors import SceneletError
from scenelet.images import read, to_pixels
from scenelet.parallel import in_parallel

MAP_PICTURES = 600
PER_PAGE = 12
_WORDS = {"keep": "Keep", "exclude": "Leave out", "relabel": "Relabel"}


def page() -> None:
    """Draw the page."""
    asked = sources()
    st.title("Data")
    if not asked.data or not Path(asked.manifest).is_file():
        folder = asked.data or "photos"
        st.info(
            "No audited data set to show. Audit one, and start the app with it:",
            icon=":material/folder_off:",
        )
        st.code(
            f"scenelet data audit {folder}\nscenelet app --data {folder} --manifest"
            " audit/manifest.csv",
            language="sh",
        )
        return
    try:
        rows = read_manifest(Path(asked.manifest))
    except SceneletError as error:
        st.error(f"{error}", icon=":material/error:")
        return
    _overview(rows, asked)
    doubts, twins, where = st.tabs(["Doubtful labels", "Other findings", "Map"])
    with doubts:
        _doubts(rows, asked)
    with twins:
        _findings(rows, asked)
    with where:
        _map(rows, asked)


def _overview(rows: list[Row], asked: Sources) -> None:
    used = [row for row in rows if not row.excluded]
    with st.container(horizontal=True, gap="large"):
        st.metric("Pictures", f"{len(rows):,}", width="content")
        st.metric("Classes", len({row.label for row in used}), width="content")
        st.metric("Left out", f"{len(rows) - len(used):,}", width="content")
        st.metric(
            "Doubtful labels", f"{sum(1 for row in used if row.suggested_label):,}", width="content"
        )
    counts = Counter((row.label, row.split or "not split") for row in used)
    values = [
        {"label": label, "split": split, "images": count}
        for (label, split), count in sorted(counts.items())
    ]
    alt = "Images by class: " + ", ".join(f"{value['label']} {value['images']}" for value in values)
    st.vega_lite_chart(spec=charts.class_balance(values), width="stretch", alt=alt)
    st.caption(f"{asked.data}, as {asked.manifest} says")


def _doubts(rows: list[Row], asked: Sources) -> None:
    manifest = Path(asked.manifest)
    done = given(manifest)
    left, right = st.columns([3, 1], vertical_alignment="center")
    left.caption(
        "The audit doubts these labels. A verdict is written into the manifest at once, and nothing"
        " else is changed."
    )
    if right.button(
        f"Undo ({len(done)})",
        disabled=not done,
        width="stretch",
        icon=":material/undo:",
        key="undo",
    ):
        _try(lambda: undo(manifest))
        st.rerun()
    if done:
        last = done[-1]
        st.success(f"{last.before.path}: {_WORDS[last.verdict].lower()}", icon=":material/check:")
    doubtful = sorted(
        (row for row in rows if row.suggested_label and not row.excluded),
        key=lambda row: row.label_quality or 0.0,
    )
    if not doubtful:
        st.info(
            "No label is in doubt. `scenelet data audit FOLDER` looks for such.",
            icon=":material/verified:",
        )
        return
    for start in range(0, min(len(doubtful), PER_PAGE), 3):
        for column, row in zip(st.columns(3), doubtful[start : start + 3], strict=False):
            with column, st.container(border=True):
                _judge(row, asked, manifest)
    if len(doubtful) > PER_PAGE:
        st.caption(f"{len(doubtful) - PER_PAGE:,} more follow as you go.")


def _judge(row: Row, asked: Sources, manifest: Path) -> None:
    st.image(
        thumbnail(str(Path(asked.data) / row.path), 300),
        width="stretch",
        alt=f"{row.path}, labelled {row.label}",
    )
    st.markdown(f"**{row.label}**, or rather **{row.suggested_label}**?")
    st.caption(row.path)
    for verdict in VERDICTS:
        words = (
            f"{_WORDS[verdict]} {row.suggested_label}" if verdict == "relabel" else _WORDS[verdict]
        )
        if st.button(words, key=f"{verdict}-{row.path}", width="stretch") and _try(
            lambda wish=verdict: give(manifest, row.path, wish)
        ):
            st.rerun()


def _try(work) -> bool:  # type: ignore[no-untyped-def]  # noqa: ANN001
    try:
        work()
    except SceneletError as error:
        st.error(f"{error}", icon=":material/error:")
        return False
    return True


def _findings(rows: list[Row], asked: Sources) -> None:
    kinds = Counter(issue for row in rows for issue in row.issues)
    kinds.update("left out" for row in rows if row.excluded)
    if not kinds:
        st.info("The audit found nothing else.", icon=":material/verified:")
        return
    kind = st.selectbox(
        "Finding", list(kinds), format_func=lambda name: f"{name} ({kinds[name]:,})"
    )
    found = [row for row in rows if kind in row.issues or (kind == "left out" and row.excluded)]
    found.sort(key=lambda row: (row.group, row.path))
    pages = -(-len(found) // PER_PAGE)
    number = int(st.number_input("Page", 1, pages, 1)) if pages > 1 else 1
    shown = found[(number - 1) * PER_PAGE : number * PER_PAGE]
    for start in range(0, len(shown), 4):
        for column, row in zip(st.columns(4), shown[start : start + 4], strict=False):
            column.image(
                thumbnail(str(Path(asked.data) / row.path)),
                width="stretch",
                alt=f"{row.path}, labelled {row.label}",
            )
            column.caption(f"{row.path} · {row.excluded or '; '.join(row.issues)}")


def _map(rows: list[Row], asked: Sources) -> None:
    st.caption(
        f"Pictures that look alike to the model lie near each other; at most {MAP_PICTURES} of"
        " them. Point at one to see it."
    )
    if not st.toggle("Draw the map", help="Takes some seconds."):
        return
    used = [row for row in rows if row.pixel_hash and not row.excluded]
    some = used[:: max(1, -(-len(used) // MAP_PICTURES))]
    if len(some) < 4:
        st.info("Too few pictures for a map.")
        return
    with st.spinner(f"Looking at {len(some)} pictures"):
        points = _laid_out(asked.bundle, asked.data, tuple((row.path, row.label) for row in some))
    st.vega_lite_chart(
        spec=charts.picture_map(points),
        width="stretch",
        alt=f"Map of {len(points)} pictures by likeness, coloured by class",
    )


@st.cache_data(max_entries=4, show_spinner=False)
def _laid_out(
    bundle: str, data: str, pictures: tuple[tuple[str, str], ...]
) -> list[dict[str, object]]:
    model = predictor(bundle).model
    spec = model.contract.preprocess

    def features(picture: tuple[str, str]) -> np.ndarray:
        return np.asarray(
            model.answer(to_pixels(read(Path(data) / picture[0]), spec))[1], np.float32
        )

    table = np.stack(list(in_parallel(features, pictures)))
    places = _flat(table)
    return [
        {
            "x": float(x),
            "y": float(y),
            "label": label,
            "path": path,
            "image": thumbnail(str(Path(data) / path), 96),
        }
        for (path, label), (x, y) in zip(pictures, places, strict=True)
    ]


def _flat(table: np.ndarray) -> np.ndarray:
    """(n, features) to (n, 2): t-SNE where scikit-learn is, else the two main directions."""
    try:
        from scenelet.explore.layout import flat_map

        return flat_map(table)
    except ImportError:
        centred = table - table.mean(0)
        return np.asarray(centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T)
