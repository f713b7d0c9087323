"""The model: how good it is, where it fails, when it should not answer.

And another one beside it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from scenelet.app import charts, tiles
from scenelet.app.compare import compare_tab
from scenelet.app.kept import bundle_stamp, predictor, thumbnail
from scenelet.app.parts import Part, between, dots, has_test_part, part_chosen, refused
from scenelet.app.sources import Sources, sources, stamp
from scenelet.assess.evaluate import PART_NAMES, evaluate_bundle
from scenelet.assess.ledger import told
from scenelet.assess.robustness import measure_robustness
from scenelet.assess.thresholds import risk_coverage
from scenelet.assess.trust import trust
from scenelet.bundle.cautions import cautions
from scenelet.bundle.contract import Contract
from scenelet.bundle.figures import Figures, StrangerFigures
from scenelet.bundle.metrics import calibration_bins, wilson_interval
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.row import Row
from scenelet.dataset.sources import source_of
from scenelet.errors import DataError, NothingHeldOutError, SceneletError
from scenelet.report.dots import hundred
from scenelet.text import markdown, one_line

SHOWN = 24
WHOLE_MATRIX = 12  # classes; of more, the pairs that are confused most
PAIRS = 30
ROBUSTNESS_PICTURES = 60


@dataclass(frozen=True)
class Seen:
    """An evaluation, in plain values that survive between clicks."""

    part: str
    place: str
    rows: tuple[Row, ...]
    labels: np.ndarray
    probabilities: np.ndarray
    names: tuple[str, ...]
    figures: Figures
    looks: int

    @property
    def answers(self) -> np.ndarray:
        """(n,) index of the likeliest class."""
        return np.asarray(self.probabilities.argmax(1))

    @property
    def confidence(self) -> np.ndarray:
        """(n,) probability of that class."""
        return np.asarray(self.probabilities.max(1))


def page() -> None:
    """Draw the page."""
    asked = sources()
    st.title("Model")
    try:
        contract = predictor(asked.bundle).model.contract
    except SceneletError as error:
        refused(error, ":material/inventory_2:")
        return
    st.caption(f"{markdown(contract.name)}, made {contract.created[:10]}")
    _weak(contract)
    if not asked.data:
        st.info(
            "No labelled pictures to measure it on. Start the app with some:",
            icon=":material/folder_off:",
        )
        st.code("scenelet app --data FOLDER", language=None, wrap_lines=True)
        _recorded(contract)
        return
    seen = _measured(asked)
    if seen is None:
        _recorded(contract)
    else:
        _tabs(seen, contract, asked)


def _weak(contract: Contract) -> None:
    told = [markdown(line) for line in cautions(contract)]
    if told:
        lines = told if len(told) == 1 else [f"- {line}" for line in told]
        st.warning("\n".join(lines), icon=":material/warning:")


def _measured(asked: Sources) -> Seen | None:
    try:
        part = part_chosen(asked)
        if part is None:
            return None
        with st.spinner("Asking the model about every picture"):
            return _of_part(asked, part)
    except NothingHeldOutError:
        return None  # the page goes on with what the folds said
    except SceneletError as error:
        refused(error, ":material/error:")
        return None


def _of_part(asked: Sources, part: Part) -> Seen:
    """Measured on a part. Of a folder without a locked one, where nothing was held out: on all."""
    stamps = (bundle_stamp(asked.bundle), stamp(asked.manifest_file))
    try:
        return _evaluated(asked, part, stamps)
    except DataError:
        if part == "val" and not has_test_part(asked):
            return _evaluated(asked, "auto", stamps)
        raise


@st.cache_data(show_spinner=False)  # all are kept: to look at a test part again would be counted
def _evaluated(asked: Sources, part: Part, stamps: tuple[int, int]) -> Seen:  # noqa: ARG001
    """Measured on one part. The stamps are the key: another bundle, other labels."""
    bundle, place, ledger = Path(asked.bundle), Path(asked.data), Path(asked.ledger)
    found = evaluate_bundle(bundle, place, part, ledger, manifest=asked.manifest_file)
    return Seen(
        part=found.part,
        place=asked.data,
        rows=found.chosen.rows,
        labels=found.labels,
        probabilities=found.probabilities,
        names=found.bundle.contract.class_names,
        figures=found.figures,
        looks=found.looks,
    )


def _tabs(seen: Seen, contract: Contract, asked: Sources) -> None:
    _headline(seen)
    confusion, classes, trust, errors, robust, other = st.tabs(
        ["Confusion", "Classes", "Trust", "Errors", "Robustness", "Compare"]
    )
    with confusion:
        _confusion(seen)
    with classes:
        _classes(seen.figures)
    with trust:
        _trust(seen, contract.abstain_below)
    with errors:
        _errors(seen)
    with robust:
        _robustness(seen, asked)
    with other:
        compare_tab(asked)


def _recorded(contract: Contract) -> None:
    """What the bundle itself knows: figures of its own held-out images, when it was exported."""
    figures = contract.figures
    st.subheader("Recorded when it was exported", anchor=False)
    accuracy = figures.top1_accuracy
    with st.container(horizontal=True, gap="large"):
        st.metric("Accuracy", accuracy.value_percent, help=between(accuracy), width="content")
        st.metric("Held-out pictures", f"{figures.images:,}", width="content")
    st.caption(f"{_judges(contract)}; {between(accuracy)}.")
    dots(trust(contract))
    confusion, classes, promises = st.tabs(["Confusion", "Classes", "Promises"])
    with confusion:
        _recorded_confusion(figures)
    with classes:
        _classes(figures)
    with promises:
        _promises(contract)


def _judges(contract: Contract) -> str:
    """On which pictures the recorded figures were measured."""
    folds = contract.training.folds
    if folds == 1:
        return "On its own validation pictures"
    return (
        f"Of all its pictures, each answered by one of {folds} models that had not seen it; then"
        " the bundle learned from all of them. For figures of its own, give pictures that are new"
    )


def _recorded_confusion(figures: Figures) -> None:
    """The matrix, or of many classes the pairs confused most; the pictures are not at hand."""
    names = figures.class_names
    if len(names) > WHOLE_MATRIX:
        rows = [
            {"pictures": count, "of": markdown(true), "answered": markdown(answer)}
            for true, answer, count in figures.errors[:PAIRS]
        ]
        st.table(rows, hide_index=True, border="horizontal")
        return
    matrix = figures.confusion_matrix
    st.vega_lite_chart(
        spec=charts.confusion(matrix, names),
        width=charts.matrix_width(names),
        alt=_said(matrix, names),
    )


def _promises(contract: Contract) -> None:
    """What it keeps on pictures that its thresholds were not fitted on."""
    held, sets = contract.promises, contract.promises.sets
    told = [f"Calibration error {held.calibration}: how far stated probabilities lie off."]
    if contract.abstain_below <= 1:
        wished = f"{held.wished.accuracy:.0%} of the answers right"
        told.append(f"Under {contract.abstain_below:.0%} it abstains, to keep {wished}.")
    if sets:
        told.append(
            f"Its prediction sets hold the true class for {sets.coverage.percent}, with"
            f" {sets.mean_set_size:.1f} classes on average."
        )
    told.append(_of_strangers(contract.strangers[0]))
    st.markdown("\n".join(f"- {markdown(line)}" for line in told))


def _of_strangers(stranger: StrangerFigures) -> str:
    told = sum(stranger.told.values()) / len(stranger.told)
    return (
        f"Of painted pictures of none of its classes {told:.0%} are told as strangers, and"
        f" {stranger.false_alarms:.0%} of its own pictures by mistake."
    )


def _headline(seen: Seen) -> None:
    figures = seen.figures
    accuracy, f1 = figures.top1_accuracy, figures.macro_f1
    with st.container(horizontal=True, gap="large"):
        st.metric("Accuracy", accuracy.value_percent, help=between(accuracy), width="content")
        st.metric("Macro F1", f1.value_percent, help=between(f1), width="content")
        st.metric("Calibration error", f"{figures.expected_calibration_error:.1%}", width="content")
        st.metric("Pictures", f"{figures.images:,}", width="content")
    looks = f" {told(seen.looks)}" if seen.looks else ""
    st.caption(f"{PART_NAMES.get(seen.part, seen.part)}; {between(accuracy)}.{looks}")


def _classes(figures: Figures) -> None:
    """Of every class, the worst first."""
    rows = sorted(figures.per_class.items(), key=lambda named: named[1].f1)
    table = [
        {
            "class": one_line(name),
            "pictures": each.images,
            "recall": _hundredths(each.recall.value),
            "precision": _hundredths(each.precision.value),
            "F1": 100 * each.f1,
        }
        for name, each in rows
    ]
    share = st.column_config.NumberColumn(format="%.0f %%")
    columns = {"recall": share, "precision": share, "F1": share}
    st.dataframe(table, hide_index=True, column_config=columns, width="stretch")


def _hundredths(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _confusion(seen: Seen) -> None:
    matrix = np.array(seen.figures.confusion_matrix)
    wrong = matrix - np.diag(np.diag(matrix))
    row, column = np.unravel_index(wrong.argmax(), wrong.shape)
    st.session_state.setdefault("true", int(row))
    st.session_state.setdefault("answer", int(column))
    if len(seen.names) <= WHOLE_MATRIX:
        _matrix(seen, matrix)
    else:
        _pairs(seen, wrong)
    left, right = st.columns(2)
    places, named = range(len(seen.names)), lambda place: one_line(seen.names[place])
    true = left.selectbox("True class", places, key="true", format_func=named)
    answer = right.selectbox("Answer", places, key="answer", format_func=named)
    chosen = np.flatnonzero((seen.labels == true) & (seen.answers == answer))
    st.markdown(_counted(len(chosen), *(markdown(seen.names[place]) for place in (true, answer))))
    _gallery(seen, chosen)


def _counted(count: int, true: str, answer: str) -> str:
    if count == 1:
        return f"**1** picture of {true} was answered {answer}."
    return f"**{count}** pictures of {true} were answered {answer}."


def _matrix(seen: Seen, matrix: np.ndarray) -> None:
    st.caption("Click a cell, or choose below, to see its pictures.")
    event = st.vega_lite_chart(
        spec=charts.confusion(matrix.tolist(), seen.names),
        width=charts.matrix_width(seen.names),
        on_select="rerun",
        selection_mode="cell",
        key="matrix",
        alt=_said(matrix.tolist(), seen.names),
    )
    clicked = (event.selection.get("cell") or [{}])[0]
    if clicked and clicked != st.session_state.get("clicked"):
        true, answer = int(clicked["row"]), int(clicked["column"])
        st.session_state.update(clicked=clicked, true=true, answer=answer)


def _said(matrix: Sequence[Sequence[int]], names: Sequence[str]) -> str:
    """A matrix in words, for those who can't see it."""
    rows = enumerate(zip(names, matrix, strict=True))
    right = (f"{name} right {row[place]} of {sum(row)}" for place, (name, row) in rows)
    return one_line(f"Confusion matrix: {'; '.join(right)}")


def _pairs(seen: Seen, wrong: np.ndarray) -> None:
    """The worst of many classes; a click on a row shows its pictures."""
    order = np.argsort(-wrong, axis=None, kind="stable")[:PAIRS]
    places = zip(*np.unravel_index(order, wrong.shape), strict=True)
    worst = [(row, column) for row, column in places if wrong[row, column]]
    st.caption(f"The {len(worst)} pairs confused most; choose below to see their pictures.")
    table = [
        {
            "pictures": int(wrong[row, column]),
            "of": one_line(seen.names[row]),
            "answered": one_line(seen.names[column]),
        }
        for row, column in worst
    ]
    event = st.dataframe(
        table, hide_index=True, on_select="rerun", selection_mode="single-row", key="pairs"
    )
    picked = event.selection.rows[:1]
    if picked and picked != st.session_state.get("picked"):
        row, column = worst[picked[0]]
        st.session_state.update(picked=picked, true=int(row), answer=int(column))


def _gallery(seen: Seen, places: np.ndarray) -> None:
    order = sorted(places, key=lambda place: -seen.confidence[place])[:SHOWN]
    tiles.show(_tile(seen, place) for place in order)
    if len(places) > SHOWN:
        st.caption(f"The {SHOWN} surest of {len(places)}.")


def _tile(seen: Seen, place: int) -> tiles.Tile:
    row, answer = seen.rows[place], seen.names[seen.answers[place]]
    image = thumbnail(seen.place, row.path, row.pixel_hash)
    verb = "answered" if answer == row.label else "wrongly answered"
    words = f"{row.label}: {verb} {answer} {seen.confidence[place]:.0%}"
    return tiles.Tile(image, words, f"{row.path}: {words}")


def _trust(seen: Seen, abstain_below: float) -> None:
    confidence, coverage, accuracy = risk_coverage(seen.labels, seen.probabilities)
    start = min(1.0, abstain_below)
    threshold = st.slider("Answer only from this probability on", 0.0, 1.0, round(start, 2), 0.01)
    answered = int((confidence >= threshold).sum())
    right = round(float(accuracy[answered - 1]) * answered) if answered else 0
    _kept(answered, right, len(confidence))
    here = {
        "coverage": answered / len(confidence),
        "accuracy": right / answered if answered else 1.0,
    }
    st.vega_lite_chart(
        spec=charts.risk_coverage(_steps(coverage, accuracy), here),
        width="stretch",
        alt="Accuracy against the part that is answered",
    )
    st.subheader("Does it know how sure it is?", anchor=False)
    bins = calibration_bins(seen.labels, seen.probabilities)
    st.vega_lite_chart(
        spec=charts.reliability([asdict(each) for each in bins]),
        width="stretch",
        alt="Part that is right against the stated probability",
    )
    st.caption(
        "On the dashed line, of answers given with 80 % four in five are right. Above it, the model"
        " is too modest."
    )


def _kept(answered: int, right: int, images: int) -> None:
    """Of a hundred pictures like these, as dots and in words."""
    sure = wilson_interval(right, answered)
    dots(hundred(answered / images, sure))


def _steps(coverage: np.ndarray, accuracy: np.ndarray) -> list[dict[str, float]]:
    """Enough points of the curve to draw it."""
    steps = np.unique(np.linspace(0, len(coverage) - 1, 160).astype(int))
    return [
        {"coverage": float(coverage[step]), "accuracy": float(accuracy[step])}
        for step in steps
        if coverage[step] >= 0.02
    ]


def _errors(seen: Seen) -> None:
    wrong = np.flatnonzero(seen.answers != seen.labels)
    if not len(wrong):
        st.info("No error among these pictures.", icon=":material/verified:")
        return
    st.caption(f"{len(wrong)} errors, the surest first: wrong labels often stand among the first.")
    _gallery(seen, wrong)


def _robustness(seen: Seen, asked: Sources) -> None:
    st.caption(
        "How accuracy falls when pictures are blurred, noisy, dark, compressed ... in five"
        " strengths."
    )
    some = seen.rows[:: max(1, -(-len(seen.rows) // ROBUSTNESS_PICTURES))]
    if not st.toggle(f"Measure on {len(some)} pictures", help="Takes some ten seconds."):
        return
    try:
        with st.spinner("Spoiling pictures in 45 ways"):
            rows, mean = _spoilt(asked.bundle, bundle_stamp(asked.bundle), seen.place, some)
    except SceneletError as error:
        refused(error, ":material/error:")
        return
    titles = ("strength (0: as it is)", "accuracy")
    st.vega_lite_chart(
        spec=charts.lines(rows, "strength", "accuracy", "corruption", titles),
        width="stretch",
        alt=f"Accuracy by strength; mean over all corruptions {mean:.1%}",
    )


@st.cache_data(max_entries=4, show_spinner=False)
def _spoilt(
    bundle: str,
    stamp: int,  # noqa: ARG001  (another bundle, another stamp)
    place: str,
    rows: tuple[Row, ...],
) -> tuple[list[dict[str, Any]], float]:
    found = measure_robustness(predictor(bundle).model, Dataset(source_of(place), rows))
    values = [
        {"corruption": name, "strength": strength, "accuracy": value.value}
        for name, intervals in found.by_corruption.items()
        for strength, value in enumerate([found.clean, *intervals])
    ]
    return values, float(found.mean_accuracy)
