"""Another bundle beside this one, on the very same pictures."""

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from scenelet.app import tiles
from scenelet.app.kept import bundle_stamp, thumbnail
from scenelet.app.parts import Part, between, refused
from scenelet.app.sources import Sources, stamp
from scenelet.assess.compare import Comparison, compare_bundles
from scenelet.assess.evaluate import PART_NAMES
from scenelet.assess.ledger import told
from scenelet.bundle.contract import CONTRACT
from scenelet.dataset.row import Row
from scenelet.errors import SceneletError
from scenelet.text import markdown

SHOWN = 24


@dataclass(frozen=True)
class Changed:
    """A picture that one of the two answers rightly and the other not."""

    row: Row
    first: str
    second: str


def compare_tab(asked: Sources) -> None:
    """Draw it: a list of bundles, the part, the verdict, the pictures that changed sides."""
    other = _other(asked.bundle)
    if not other:
        st.info(
            "Choose a second bundle to see which is better on the same pictures.",
            icon=":material/compare:",
        )
        return
    try:
        part: Part = st.session_state.get("part", "val")
        with st.spinner("Asking both"):
            stamps = (bundle_stamp(asked.bundle), bundle_stamp(other), stamp(asked.manifest_file))
            figures, changed = _compared(asked, other, part, stamps)
    except SceneletError as error:
        refused(error, ":material/error:")
        return
    _verdict(figures, Path(asked.bundle).name, Path(other).name)
    _changed(changed, asked)


def _other(bundle: str) -> str:
    """A bundle beside this one, or any folder."""
    beside = [str(path.parent) for path in Path(bundle).resolve().parent.glob(f"*/{CONTRACT}")]
    found = sorted(set(beside) - {str(Path(bundle).resolve())})
    left, right = st.columns(2)
    named = left.selectbox(
        "Another bundle",
        found,
        index=None,
        placeholder="none chosen",
        format_func=lambda path: Path(path).name,
        key="beside",
    )
    typed = right.text_input("or its folder", placeholder="bundles/other", key="other-bundle")
    return str(typed or named or "")


@st.cache_data(show_spinner=False)  # all are kept: to look at a test part again would be counted
def _compared(
    asked: Sources,
    other: str,
    part: Part,
    stamps: tuple[int, int, int],  # noqa: ARG001  (another bundle, other labels)
) -> tuple[Comparison, list[Changed]]:
    found = compare_bundles(
        (Path(asked.bundle), Path(other)),
        Path(asked.data),
        part,
        Path(asked.ledger),
        manifest=asked.manifest_file,
    )
    names = found.class_names
    answers = zip(found.first.logits.argmax(1), found.second.logits.argmax(1), strict=True)
    changed = [
        Changed(row, names[first], names[second])
        for row, (first, second) in zip(found.dataset.rows, answers, strict=True)
        if (names[first] == row.label) != (names[second] == row.label)
    ]
    return found.figures, changed


def _verdict(figures: Comparison, first: str, second: str) -> None:
    gain = figures.difference
    st.subheader(f"The second is: {figures.verdict}", anchor=False)
    left, middle, right = st.columns(3)
    left.metric(markdown(first), f"{figures.accuracies[0]:.1%}")
    middle.metric(markdown(second), f"{figures.accuracies[1]:.1%}")
    right.metric("Difference, points", f"{100 * (gain.value or 0):+.1f}", help=between(gain))
    looks = f" {told(figures.looks)}" if figures.looks else ""
    pictures = f"{figures.images:,} pictures: {PART_NAMES[figures.part]}"
    st.caption(f"{pictures}; difference {between(gain)}.{looks}")


def _changed(changed: list[Changed], asked: Sources) -> None:
    for words, better in (("Only the second is right", True), ("Only the first is right", False)):
        some = [each for each in changed if (each.second == each.row.label) == better]
        if some:
            st.markdown(f"**{words}**: {len(some)}")
            tiles.show(_tile(each, asked) for each in some[:SHOWN])


def _tile(each: Changed, asked: Sources) -> tiles.Tile:
    row = each.row
    image = thumbnail(asked.data, row.path, row.pixel_hash)
    return tiles.Tile(image, f"{each.first} → {each.second}", f"{row.path}, labelled {row.label}")
