"""Trainings and searches, live while they work; and the recipes that come along."""

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st

from scenelet.app import charts
from scenelet.app.parts import refused
from scenelet.app.sources import sources
from scenelet.app.works import newest_first
from scenelet.errors import DataError, SceneletError
from scenelet.runs.history import Epoch, chosen
from scenelet.runs.run import Result, Run
from scenelet.runs.search import STUDY, Axis, Trial, complete, front, ranked, read_trials
from scenelet.shipped import shipped_folder
from scenelet.text import counted, one_line

EVERY_S = 3
MOST_CURVES = 4
LONG_S = 120.0  # without a sign, besides three epochs
_LOSSES = {"train_loss": "training loss", "val_log_loss": "validation log loss"}
_AXES: dict[Axis, str] = {"size_mb": "model, MB", "latency_ms": "latency, ms"}


def page() -> None:
    """Draw the page."""
    st.title("Runs")
    trainings, searches, recipes = st.tabs(["Trainings", "Searches", "Recipes"])
    with trainings:
        _trainings()
    with searches:
        _searches()
    with recipes:
        _recipes()


@st.fragment(run_every=EVERY_S)
def _trainings() -> None:
    folders = _with(Path(sources().runs), "config.yaml")
    if not folders:
        _none_yet("training", "its curves grow", "scenelet train photos --recipe quick")
        return
    if len(folders) > 1:
        _side_by_side(folders)
    run = Run(_picked("Training", folders))
    try:
        asked = run.config().as_dict()
    except SceneletError as error:
        refused(error, ":material/error:")
        return
    epochs = run.history()
    _standing(run, epochs, asked["epochs"])
    if epochs:
        _figures(run, epochs)
        _curves(epochs)
    with st.expander("Its recipe"):
        st.json(asked)


def _side_by_side(folders: list[Path]) -> None:
    """All trainings in a table; the curves of those picked, over one another."""
    runs = {folder.name: Run(folder) for folder in folders}
    histories = {name: run.history() for name, run in runs.items()}
    table = [_row(name, run, histories[name]) for name, run in runs.items()]
    share = st.column_config.NumberColumn(format="percent")
    st.dataframe(table, hide_index=True, column_config={"accuracy": share}, key="all-runs")
    newest = list(runs)[:MOST_CURVES]
    picked = st.multiselect("Curves over one another", list(runs), newest, key="curves")
    values = [
        {"epoch": epoch.number, "value": epoch.val_top1_accuracy, "of": charts.shown(name)}
        for name in picked
        for epoch in histories[name]
        if epoch.val_top1_accuracy is not None
    ]
    if values:
        spec = charts.lines(values, "epoch", "value", "of", ("epoch", "validation accuracy"))
        spec["encoding"]["y"] |= {"axis": {"format": "%"}}
        _chart(spec, "validation accuracy by epoch, a line a training", "curves-together")


def _row(name: str, run: Run, epochs: list[Epoch]) -> dict[str, Any]:
    best = _by_folds(run) or chosen(epochs)
    figures = {"accuracy": best.val_top1_accuracy, "log loss": best.val_log_loss} if best else {}
    return {
        "training": one_line(name),
        "state": "complete" if run.is_complete else "under way or stopped",
        "epochs": len(epochs),
        **_known(figures),
        "minutes": round(sum(epoch.epoch_s for epoch in epochs) / 60, 1),
    }


def _standing(run: Run, epochs: list[Epoch], asked: int) -> None:
    best = chosen(epochs)
    if run.is_complete and best:
        st.success(f"Complete: {_kept(run, best, epochs)}", icon=":material/check_circle:")
        return
    far = f"{len(epochs)} of {asked} epochs"
    silent_s = _silent_s(run)
    if silent_s < LONG_S + 3 * max((epoch.epoch_s for epoch in epochs), default=0.0):
        st.info(f"Under way: {far}{_left(epochs, asked)}.", icon=":material/hourglass_top:")
        return
    said = f"Stopped, by the look of it: {far}, the last {_ago(silent_s)} ago."
    st.warning(f"{said} The same command goes on.", icon=":material/pause_circle:")


def _kept(run: Run, best: Epoch, epochs: list[Epoch]) -> str:
    """What of a complete training went into its model, and who judged it."""
    if not run.config().epochs:
        kept = "a linear head alone, on a network that was trained before"
    elif best.val_log_loss is None:
        kept = f"{counted(len(epochs), 'epoch')} on all pictures"
    else:
        kept = f"epoch {best.number} of {len(epochs)} chosen, of lowest log loss"
    return f"{kept}, judged in {len(run.folds)} folds" if run.folds else kept


def _silent_s(run: Run) -> float:
    """Since it wrote something."""
    written = run.metrics_csv if run.metrics_csv.is_file() else run.folder
    return max(0.0, time.time() - written.stat().st_mtime)


def _ago(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:.0f} minutes" if minutes < 100 else f"{minutes / 60:.0f} hours"


def _left(epochs: list[Epoch], asked: int) -> str:
    """How long the rest takes, if it goes on as it did."""
    if not epochs:
        return ""
    left_s = (asked - len(epochs)) * sum(epoch.epoch_s for epoch in epochs) / len(epochs)
    return f", about {left_s:.0f} s left" if left_s < 100 else f", about {left_s / 60:.0f} min left"


def _figures(run: Run, epochs: list[Epoch]) -> None:
    """Of the epoch that training chose, or would choose now; with folds, what these said."""
    best = chosen(epochs)
    if best is None:
        return
    with st.container(horizontal=True):
        if judged := _by_folds(run):
            st.metric("Accuracy, out of fold", f"{judged.val_top1_accuracy:.1%}", width="content")
            st.metric("Log loss there", f"{judged.val_log_loss:.2f}", width="content")
        if best.val_top1_accuracy is not None and best.val_log_loss is not None:
            name, value = f"Accuracy, epoch {best.number}", f"{best.val_top1_accuracy:.1%}"
            st.metric(name, value, width="content")
            st.metric("Log loss there", f"{best.val_log_loss:.2f}", width="content")
        mean_s = sum(epoch.epoch_s for epoch in epochs) / len(epochs)
        if len(epochs) > 1:
            st.metric("Seconds an epoch", f"{mean_s:.1f}", width="content")


def _by_folds(run: Run) -> Result | None:
    """What the folds of a complete training said; None where there are none."""
    with suppress(DataError):  # not complete, or of another version
        found = run.result()
        return found if found.folds > 1 else None
    return None


def _curves(epochs: list[Epoch]) -> None:
    """What there is of them: one epoch is no curve, and where nothing validates there is one."""
    if len(epochs) < 2:
        return
    losses = [
        {"epoch": epoch.number, "value": value, "of": words}
        for epoch in epochs
        for name, words in _LOSSES.items()
        if (value := getattr(epoch, name)) is not None
    ]
    accuracies = [
        {"epoch": epoch.number, "value": epoch.val_top1_accuracy, "of": "validation"}
        for epoch in epochs
        if epoch.val_top1_accuracy is not None
    ]
    for values, title in ((losses, "loss"), (accuracies, "accuracy")):
        if not values:
            continue
        spec = charts.lines(values, "epoch", "value", "of", ("epoch", title))
        if title == "accuracy":
            spec["encoding"]["y"] |= {"axis": {"format": "%"}}
        _chart(spec, f"{title} by epoch", f"curve-{title}")


@st.fragment(run_every=EVERY_S)
def _searches() -> None:
    folders = _with(Path(sources().searches), STUDY)
    if not folders:
        _none_yet("search", "its trials show", "scenelet tune photos --recipe quick --trials 20")
        return
    try:
        trials = read_trials(_picked("Search", folders))
    except SceneletError as error:  # half written: a line on the page, and the app goes on
        refused(error, ":material/error:")
        return
    done = complete(trials)
    st.caption(f"{len(done)} of {len(trials)} trials complete")
    for axis, title in _AXES.items():
        if len({trial.cost(axis) for trial in done} - {None}) > 1:
            _pareto(done, axis, title)
    st.dataframe([_cells(trial) for trial in ranked(trials)], hide_index=True)


def _pareto(done: list[Trial], axis: Axis, title: str) -> None:
    unbeaten = front(done, axis)
    points = [
        {
            "trial": trial.number,
            "accuracy": trial.accuracy,
            axis: trial.cost(axis),
            "front": trial in unbeaten,
        }
        for trial in done
    ]
    spec = charts.pareto(points, axis, title)
    _chart(spec, f"accuracy against {title}; the front joined", f"pareto-{axis}")


def _cells(trial: Trial) -> dict[str, Any]:
    """A row of the table; figures that the trial has not are left empty."""
    figures = {
        "accuracy": trial.accuracy,
        "size_mb": trial.size_mb,
        "latency_ms": trial.latency_ms,
    }
    return {"trial": trial.title, "state": trial.state, **_known(figures), **trial.dials}


def _known(figures: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if value is not None}


def _recipes() -> None:
    st.caption("Known-good recipes; what each reaches, and in how long, says recipes/README.md.")
    for path in sorted(shipped_folder("recipes").glob("*.yaml")):
        with st.expander(path.stem):
            st.code(path.read_text(encoding="utf-8"), language="yaml", wrap_lines=True)


def _none_yet(what: str, shows: str, command: str) -> None:
    said = f"No {what} yet. Begin one; {shows} here while it works:"
    st.info(said, icon=":material/model_training:")
    st.code(command, language=None, wrap_lines=True)


def _picked(what: str, folders: list[Path]) -> Path:
    names = [folder.name for folder in folders]
    return folders[names.index(st.selectbox(what, names, key=what.lower()))]


def _chart(spec: charts.Spec, alt: str, key: str) -> None:
    st.vega_lite_chart(spec=spec, width="stretch", alt=alt, key=key)


def _with(folder: Path, name: str) -> list[Path]:
    """The folder itself or those in it that hold a file of this name, newest first."""
    if (folder / name).is_file():
        return [folder]
    return [file.parent for file in newest_first(folder.glob(f"*/{name}"))]
