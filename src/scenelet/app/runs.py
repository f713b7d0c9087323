"""Trainings and searches, live while they work; and the recipes that come along."""

import csv
import json
from pathlib import Path
from typing import Any

import streamlit as st

from scenelet.app import charts
from scenelet.app.sources import sources
from scenelet.shipped import shipped_folder

EVERY_S = 3


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
        st.info(
            "No training yet. Begin one; its curves grow here while it works:",
            icon=":material/model_training:",
        )
        st.code("scenelet train photos --recipe quick", language="sh")
        return
    names = [folder.name for folder in folders]
    name = st.selectbox("Training", names, key="run")
    folder = folders[names.index(name)]
    rows = _metrics(folder / "metrics.csv")
    result = _json(folder / "result.json")
    asked = _config(folder / "config.yaml")
    epochs = asked.get("epochs", "?")
    if result:
        st.success(
            f"Complete: best epoch {result['best_epoch']} of {result['epochs']}",
            icon=":material/check_circle:",
        )
    else:
        st.warning(
            f"Under way or interrupted: {len(rows)} of {epochs} epochs. The same command goes on.",
            icon=":material/hourglass_top:",
        )
    if rows:
        best = max(rows, key=lambda row: row["val_top1_accuracy"])
        columns = st.columns(3)
        columns[0].metric("Best accuracy", f"{best['val_top1_accuracy']:.2%}")
        columns[1].metric("Log loss there", f"{best['val_log_loss']:.3f}")
        columns[2].metric(
            "Seconds an epoch", f"{sum(row['epoch_s'] for row in rows) / len(rows):.1f}"
        )
        losses = [
            {"epoch": row["epoch"], "value": row[key], "of": words}
            for row in rows
            for key, words in (
                ("train_loss", "training loss"),
                ("val_log_loss", "validation log loss"),
            )
        ]
        accuracies = [
            {"epoch": row["epoch"], "value": row["val_top1_accuracy"], "of": "validation"}
            for row in rows
        ]
        for values, title in ((losses, "loss"), (accuracies, "accuracy")):
            spec = charts.lines(values, "epoch", "value", "of", ("epoch", title))
            st.vega_lite_chart(
                spec=spec, width="stretch", alt=f"{title} by epoch", key=f"curve-{title}"
            )
    with st.expander("Its recipe"):
        st.json(asked)


@st.fragment(run_every=EVERY_S)
def _searches() -> None:
    folders = _with(Path(sources().searches), "study.db")
    if not folders:
        st.info(
            "No search yet. Begin one; its trials show here as they end:", icon=":material/tune:"
        )
        st.code("scenelet tune photos --recipe quick --trials 20", language="sh")
        return
    names = [folder.name for folder in folders]
    folder = folders[names.index(st.selectbox("Search", names, key="search"))]
    trials = _trials(folder)
    if trials is None:
        st.error(f"{folder / 'study.db'}: can't be read", icon=":material/error:")
        return
    done = [trial for trial in trials if trial["accuracy"] is not None]
    st.caption(f"{len(done)} of {len(trials)} trials complete")
    for axis, title in (("size_mb", "model, MB"), ("latency_ms", "latency, ms")):
        costed = [trial for trial in done if trial.get(axis) is not None]
        if len({trial[axis] for trial in costed}) > 1:
            spec = charts.pareto(_front(costed, axis), axis, title)
            st.vega_lite_chart(
                spec=spec,
                width="stretch",
                alt=f"accuracy against {title}; the front joined",
                key=f"pareto-{axis}",
            )
    st.dataframe(
        [{key: value for key, value in trial.items() if value is not None} for trial in trials],
        hide_index=True,
    )


def _recipes() -> None:
    st.caption("Known-good recipes; what each reaches, and in how long, says recipes/README.md.")
    for path in sorted(shipped_folder("recipes").glob("*.yaml")):
        with st.expander(path.stem):
            st.code(path.read_text(encoding="utf-8"), language="yaml")


def _with(folder: Path, name: str) -> list[Path]:
    """The folder itself or those in it that hold a file of this name, newest first."""
    if (folder / name).is_file():
        return [folder]
    found = [path.parent for path in folder.glob(f"*/{name}")] if folder.is_dir() else []
    return sorted(found, key=lambda path: -(path / name).stat().st_mtime)


def _metrics(path: Path) -> list[dict[str, Any]]:
    try:
        with open(path, newline="", encoding="utf-8") as file:
            return [
                {key: float(value) for key, value in row.items()} for row in csv.DictReader(file)
            ]
    except (OSError, ValueError, TypeError):  # not there yet, or a line is being written
        return []


def _json(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _config(path: Path) -> dict[str, Any]:
    import yaml

    try:
        return dict(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, TypeError):
        return {}


def _trials(folder: Path) -> list[dict[str, Any]] | None:
    """Trials of a study, read from its database, which Optuna may be writing."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.load_study(
            study_name=folder.resolve().name, storage=f"sqlite:///{(folder / 'study.db').resolve()}"
        )
        found = study.get_trials(deepcopy=False)
    except Exception:  # a database that is half written or of another version: a line on the page, and the app goes on
        return None
    return [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "accuracy": trial.values[0] if trial.values else None,
            "size_mb": trial.user_attrs.get("cost", [None, None])[0],
            "latency_ms": trial.user_attrs.get("cost", [None, None])[1],
            **trial.params,
        }
        for trial in found
    ]


def _front(trials: list[dict[str, Any]], axis: str) -> list[dict[str, Any]]:
    """Each trial with whether no other is both better and cheaper."""
    return [
        {
            "trial": trial["trial"],
            "accuracy": trial["accuracy"],
            axis: trial[axis],
            "front": not any(
                other["accuracy"] >= trial["accuracy"] and other[axis] <= trial[axis] and other is not trial
                and (other["accuracy"], other[axis]) != (trial["accuracy"], trial[axis])
                for other in trials
            ),
        }
        for trial in trials
    ]  # fmt: skip
