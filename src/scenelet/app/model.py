"""The model: how good it is, where it fails, when it should not answer.

And another one beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from scenelet.app import charts
from scenelet.app.sources import Sources, predictor, sources, thumbnail
from scenelet.assess.compare import Compared, compare_bundles
from scenelet.assess.evaluate import PART_NAMES, Evaluated, evaluate_bundle
from scenelet.assess.metrics import CALIBRATION_BINS, wilson_interval
from scenelet.assess.robustness import measure_robustness
from scenelet.assess.thresholds import risk_coverage
from scenelet.bundle.contract import CONTRACT
from scenelet.bundle.figures import Figures, Interval
from scenelet.errors import DataError, SceneletError
from scenelet.progress import SILENT

SHOWN = 24
ROBUSTNESS_PICTURES = 60


@dataclass(frozen=True)
class Seen:
    """An evaluation, in plain values that survive between clicks."""

    part: str
    root: str
    paths: list[str]
    labels: np.ndarray
    probabilities: np.ndarray
    names: tuple[str, ...]
    figures: Figures
    looks: int

    @property
    def answers(self) -> np.ndarray:
        """(n,) index of the likeliest class."""
        return np.asarray(self.probabilities.argmax(1))


def page() -> None:
    """Draw the page."""
    asked = sources()
    st.title("Model")
    try:
        contract = predictor(asked.bundle).model.contract
    except SceneletError as error:
        st.error(f"{error}", icon=":material/inventory_2:")
        return
    st.caption(f"{contract.name}, made {contract.created[:10]}")
    if not asked.data:
        st.info(
            "No labelled pictures to measure it on. Start the app with some:",
            icon=":material/folder_off:",
        )
        st.code("scenelet app --data FOLDER", language="sh")
        _recorded(contract.figures)
        return
    try:
        with st.spinner("Asking the model about every picture"):
            seen = _evaluated(asked, (Path(asked.bundle) / CONTRACT).stat().st_mtime_ns)
    except SceneletError as error:
        st.error(f"{error}", icon=":material/error:")
        _recorded(contract.figures)
        return
    _headline(seen)
    confusion, trust, errors, robust, other = st.tabs(
        ["Confusion", "Trust", "Errors", "Robustness", "Compare"]
    )
    with confusion:
        _confusion(seen)
    with trust:
        _trust(seen, contract.abstain_below)
    with errors:
        _errors(seen)
    with robust:
        _robustness(seen, asked)
    with other:
        _compare(asked)


def _recorded(figures: Figures) -> None:
    accuracy = figures.top1_accuracy
    st.metric(
        "Accuracy, recorded when it was exported",
        f"{accuracy.value:.1%}",
        help=_between(accuracy),
    )


@st.cache_data(max_entries=6, show_spinner=False)
def _evaluated(asked: Sources, stamp: int) -> Seen:  # noqa: ARG001  (another bundle, another stamp)
    found: Evaluated = _held_out(evaluate_bundle, Path(asked.bundle), asked)
    chosen = found.chosen
    paths, names = [row.path for row in chosen.rows], found.bundle.contract.class_names
    return Seen(
        chosen.part,
        str(chosen.root),
        paths,
        found.answers.labels,
        found.probabilities,
        names,
        found.figures,
        found.looks,
    )


def _held_out(
    measure: Callable[..., Any], folders: Path | tuple[Path, Path], asked: Sources
) -> Any:
    """Measured on the held-out part of the bundle's own data.

    A test split is looked at only where there is no such part.
    """
    manifest = Path(asked.manifest) if Path(asked.manifest).is_file() else None
    others = (Path(asked.ledger), SILENT, manifest)
    try:
        return measure(folders, Path(asked.data), "val", *others)
    except DataError:
        return measure(folders, Path(asked.data), "auto", *others)


def _between(value: Interval) -> str:
    return f"95 % interval {value.low:.1%} to {value.high:.1%}"


def _headline(seen: Seen) -> None:
    figures = seen.figures
    with st.container(horizontal=True, gap="large"):
        st.metric(
            "Accuracy",
            f"{figures.top1_accuracy.value:.1%}",
            help=_between(figures.top1_accuracy),
            width="content",
        )
        st.metric(
            "Macro F1",
            f"{figures.macro_f1.value:.1%}",
            help=_between(figures.macro_f1),
            width="content",
        )
        st.metric("Calibration error", f"{figures.expected_calibration_error:.1%}", width="content")
        st.metric("Pictures", f"{figures.images:,}", width="content")
    looks = f" This test split has been looked at {seen.looks} times." if seen.looks else ""
    st.caption(f"{PART_NAMES.get(seen.part, seen.part)}; {_between(figures.top1_accuracy)}.{looks}")


def _confusion(seen: Seen) -> None:
    matrix = seen.figures.confusion_matrix
    st.caption("Click a cell, or choose below, to see its pictures.")
    alt = "Confusion matrix: " + "; ".join(
        f"{name} right {row[place]} of {sum(row)}"
        for place, (name, row) in enumerate(zip(seen.names, matrix, strict=True))
    )
    event = st.vega_lite_chart(
        spec=charts.confusion(matrix, seen.names),
        width="stretch",
        on_select="rerun",
        selection_mode="cell",
        key="matrix",
        alt=alt,
    )
    clicked = (event.selection.get("cell") or [{}])[0]
    if clicked and clicked != st.session_state.get("clicked"):
        st.session_state.update(clicked=clicked, true=clicked["true"], answer=clicked["answer"])
    off = np.array(matrix) - np.diag(np.diag(matrix))
    worst = np.unravel_index(off.argmax(), off.shape)
    st.session_state.setdefault("true", seen.names[worst[0]])
    st.session_state.setdefault("answer", seen.names[worst[1]])
    left, right = st.columns(2)
    true = left.selectbox("True class", seen.names, key="true")
    answer = right.selectbox("Answer", seen.names, key="answer")
    chosen = np.flatnonzero(
        (seen.labels == seen.names.index(true)) & (seen.answers == seen.names.index(answer))
    )
    st.markdown(f"**{len(chosen)}** pictures of {true} were answered {answer}.")
    _gallery(seen, chosen)


def _gallery(seen: Seen, places: np.ndarray) -> None:
    order = sorted(places, key=lambda place: -seen.probabilities[place].max())[:SHOWN]
    for start in range(0, len(order), 6):
        for column, place in zip(st.columns(6), order[start : start + 6], strict=False):
            label, answer = seen.names[seen.labels[place]], seen.names[seen.answers[place]]
            path = seen.paths[place]
            column.image(
                thumbnail(str(Path(seen.root) / path)),
                width="stretch",
                alt=f"{path}: {label}, answered {answer}",
            )
            column.caption(f"{answer} {seen.probabilities[place].max():.0%}")
    if len(places) > SHOWN:
        st.caption(f"The {SHOWN} surest of {len(places)}.")


def _trust(seen: Seen, abstain_below: float) -> None:
    confidence, coverage, accuracy = risk_coverage(seen.labels, seen.probabilities)
    start = min(1.0, abstain_below)
    threshold = st.slider("Answer only from this probability on", 0.0, 1.0, round(start, 2), 0.01)
    answered = int((confidence >= threshold).sum())
    right = round(float(accuracy[answered - 1]) * answered) if answered else 0
    if answered:
        told = (
            f"**{answered / len(confidence):.1%}** are answered, and **{right / answered:.1%}** of"
            " these rightly"
        )
        st.markdown(f"{told} ({_between(wilson_interval(right, answered))}).")
    else:
        st.markdown("Nothing is answered.")
    steps = np.unique(np.linspace(0, len(coverage) - 1, 160).astype(int))
    points = [
        {"coverage": float(coverage[step]), "accuracy": float(accuracy[step])}
        for step in steps
        if coverage[step] >= 0.02
    ]
    here = {
        "coverage": answered / len(confidence),
        "accuracy": right / answered if answered else 1.0,
    }
    st.vega_lite_chart(
        spec=charts.risk_coverage(points, here),
        width="stretch",
        alt="Accuracy against the part that is answered",
    )
    st.subheader("Does it know how sure it is?", anchor=False)
    st.vega_lite_chart(
        spec=charts.reliability(_bins(seen)),
        width="stretch",
        alt="Part that is right against the stated probability",
    )
    st.caption(
        "On the dashed line, of answers given with 80 % four in five are right. Above it, the model"
        " is too modest."
    )


def _bins(seen: Seen) -> list[dict[str, Any]]:
    confidence, right = seen.probabilities.max(1), seen.answers == seen.labels
    places = np.minimum((confidence * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [
        {
            "confidence": float(confidence[mask].mean()),
            "accuracy": float(right[mask].mean()),
            "images": int(mask.sum()),
        }
        for mask in (places == place for place in range(CALIBRATION_BINS))
        if mask.any()
    ]


def _errors(seen: Seen) -> None:
    wrong = np.flatnonzero(seen.answers != seen.labels)
    if not len(wrong):
        st.info("No error among these pictures.", icon=":material/verified:")
        return
    st.caption(f"{len(wrong)} errors, the surest first: wrong labels often stand among the first.")
    for start in range(0, min(len(wrong), SHOWN), 6):
        order = sorted(wrong, key=lambda place: -seen.probabilities[place].max())
        for column, place in zip(st.columns(6), order[start : start + 6], strict=False):
            label, answer = seen.names[seen.labels[place]], seen.names[seen.answers[place]]
            column.image(
                thumbnail(str(Path(seen.root) / seen.paths[place])),
                width="stretch",
                alt=f"{label}, wrongly answered {answer}",
            )
            column.caption(f"is {label}, said {answer} {seen.probabilities[place].max():.0%}")


def _robustness(seen: Seen, asked: Sources) -> None:
    st.caption(
        "How accuracy falls when pictures are blurred, noisy, dark, compressed ... in five"
        " strengths."
    )
    if not st.toggle(
        f"Measure on {min(ROBUSTNESS_PICTURES, len(seen.paths))} pictures",
        help="Takes some ten seconds.",
    ):
        return
    with st.spinner("Spoiling pictures in 45 ways"):
        rows, strengths = _spoilt(
            asked,
            seen.root,
            tuple(zip(seen.paths, (seen.names[label] for label in seen.labels), strict=True)),
        )
    titles = ("strength (0: as it is)", "accuracy")
    st.vega_lite_chart(
        spec=charts.lines(rows, "strength", "accuracy", "corruption", titles),
        width="stretch",
        alt=strengths,
    )


@st.cache_data(max_entries=4, show_spinner=False)
def _spoilt(
    asked: Sources, root: str, pictures: tuple[tuple[str, str], ...]
) -> tuple[list[dict[str, Any]], str]:
    from scenelet.dataset.row import Row

    some = pictures[:: max(1, -(-len(pictures) // ROBUSTNESS_PICTURES))]
    rows = [Row(path, label) for path, label in some]
    found = measure_robustness(predictor(asked.bundle).model, Path(root), rows)
    values = [
        {"corruption": name, "strength": strength, "accuracy": value.value}
        for name, intervals in found.by_corruption.items()
        for strength, value in enumerate([found.clean, *intervals])
    ]
    return values, f"Accuracy by strength; mean over all corruptions {found.mean_accuracy:.1%}"


def _compare(asked: Sources) -> None:
    folder = st.text_input(
        "Folder of another bundle", placeholder="bundles/other", key="other-bundle"
    )
    if not folder:
        st.info(
            "Name a second bundle to see which is better on the same pictures.",
            icon=":material/compare:",
        )
        return
    try:
        with st.spinner("Asking both"):
            found = _compared(asked, folder)
    except SceneletError as error:
        st.error(f"{error}", icon=":material/error:")
        return
    first, second, told, changed, pictures = found
    left, right = st.columns(2)
    left.metric("This bundle", f"{first:.1%}")
    right.metric(Path(folder).name, f"{second:.1%}", f"{100 * (second - first):+.2f} points")
    st.markdown(
        f"The second is: **{told}**. They answer {changed} of {pictures} pictures differently"
        " right."
    )


@st.cache_data(max_entries=4, show_spinner=False)
def _compared(asked: Sources, other: str) -> tuple[float, float, str, int, int]:
    found: Compared = _held_out(compare_bundles, (Path(asked.bundle), Path(other)), asked)
    figures = found.figures
    only = figures.only_first_right + figures.only_second_right
    return *figures.accuracies, figures.verdict, only, len(found.rows)
