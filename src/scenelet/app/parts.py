"""What pages share: how an error is told, and which pictures a model is measured on.

The test part is locked; a person's click opens it.
"""

from pathlib import Path
from typing import Literal

import streamlit as st

from scenelet.app.sources import Sources, stamp
from scenelet.bundle.figures import Interval
from scenelet.dataset.dataset import Dataset
from scenelet.errors import SceneletError
from scenelet.report.dots import Hundred, dots_uri
from scenelet.text import markdown, without_flags

Part = Literal["val", "test", "auto"]
_WORDS = {
    "val": "Held out in training",
    "test": "Test part (locked)",
    "auto": "What it has not seen",
}


def refused(error: SceneletError, icon: str) -> None:
    """Why something can't be done; what to type at a terminal is of no use here."""
    st.error(markdown(without_flags(str(error))), icon=icon)


def between(value: Interval) -> str:
    """An interval in words."""
    return f"95 % interval {value.low:.1%} to {value.high:.1%}"


def dots(shown: Hundred) -> None:
    """What becomes of a hundred pictures, drawn and said."""
    st.html(
        f'<img src="{dots_uri(shown)}" alt="" style="display:block;max-width:100%">'
        f'<div style="margin-top:.5rem">{shown.words}</div>'
    )


def part_chosen(asked: Sources) -> Part | None:
    """What a person wants to measure on; None while the test part is locked.

    Raises:
        DataError: The folder can't be read, or the manifest is of another one.
    """
    part: Part = st.segmented_control(
        "Measured on",
        ["val", "test" if has_test_part(asked) else "auto"],
        format_func=_WORDS.__getitem__,
        default="val",
        required=True,
        key="part",
    )
    return None if part == "test" and not unlocked(asked) else part


def has_test_part(asked: Sources) -> bool:
    """Whether the folder, or its manifest, has a part that is locked."""
    return _has_test(asked.data, asked.manifest, stamp(asked.manifest_file))


def unlocked(asked: Sources) -> bool:
    """Whether a person has asked for the test part in this session."""
    key = ("unlocked", asked.bundle, asked.data)
    opened = st.session_state.setdefault("opened", set())
    if key in opened:
        return True
    st.info(
        "The test part is for one last look, when nothing is to be decided any more. Each look is"
        " written down and counted.",
        icon=":material/lock:",
    )
    if st.button("Look at the test part: it will be counted", key="unlock"):
        opened.add(key)
        st.rerun()
    return False


@st.cache_data(max_entries=8, show_spinner=False)
def _has_test(data: str, manifest: str, stamp: int) -> bool:
    listed = Dataset.open(data, Path(manifest) if stamp else None)
    return any(row.split == "test" for row in listed.rows)
