"""The search on one HTML page: how it went, which dials mattered, and what accuracy costs."""

import json
import math
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.figure import Figure
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.exceptions import OptunaError
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from scenelet.report.charts import CHART_STYLE, COLOURS, GREY, blank
from scenelet.report.html import Section, page, svg
from scenelet.tune.search import best_trial


def search_page(study: Study) -> str:
    """The report as one HTML page; parts that have nothing to show yet are left out."""
    trials = study.get_trials(deepcopy=False)
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    subtitle = ", ".join(
        f"{sum(1 for trial in trials if trial.state == state):,} {word}"
        for state, word in (
            (TrialState.COMPLETE, "trials complete"),
            (TrialState.PRUNED, "stopped early"),
            (TrialState.RUNNING, "under way"),
            (TrialState.FAIL, "failed"),
        )
    )
    sections = [_overview(study, done), _history(trials, done)]
    if len(done) >= 2:
        sections += [_importance(study), _parallel(done), _pareto(done)]
    sections.append(_table(trials))
    return page(f"Search {study.study_name}", subtitle, sections)


def _overview(study: Study, done: list[FrozenTrial]) -> Section:
    best = best_trial(study)
    if best is None:
        return Section("Best", points=["No trial is complete yet."])
    dials = ", ".join(f"{name} {_short(value)}" for name, value in best.params.items())
    return Section(
        "Best",
        f"Trial {best.number}: validation accuracy {best.values[0]:.2%}.",
        points=[
            f"Its dials: {dials}.",
            (
                f"The best of {len(done)} figures on the same images flatters; only images that no"
                " trial saw tell the truth."
            ),
        ],
    )


def _history(trials: list[FrozenTrial], done: list[FrozenTrial]) -> Section:
    with mpl.rc_context(CHART_STYLE):
        figure, axes = blank(3.6, 9.6)
        best, record = 0.0, []
        for trial in done:
            best = max(best, trial.values[0])
            record.append(best)
        cut = [t for t in trials if t.state == TrialState.PRUNED and t.intermediate_values]
        axes.scatter(
            [t.number for t in cut],
            [max(t.intermediate_values.values()) for t in cut],
            color=GREY,
            s=22,
            label="stopped early",
        )
        axes.scatter(
            [t.number for t in done],
            [t.values[0] for t in done],
            color=COLOURS[0],
            s=28,
            label="complete",
        )
        axes.step(
            [t.number for t in done], record, where="post", color=COLOURS[4], label="best so far"
        )
        axes.set(xlabel="trial", ylabel="validation accuracy")
        axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
        axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.16), ncols=3)
    text = "Each trial by its number; the line is the best up to then."
    return Section("History", text, figures=[(svg(figure), text)], wide=True)


def _importance(study: Study) -> Section:
    try:
        weights = get_param_importances(
            study, evaluator=FanovaImportanceEvaluator(seed=0), target=lambda trial: trial.values[0]
        )
    except (OptunaError, RuntimeError, ValueError):  # all trials alike, or too few
        return Section("Which dials mattered")
    names = list(weights)[::-1]
    with mpl.rc_context(CHART_STYLE):
        figure, axes = blank(0.36 * len(names) + 1.0)
        axes.barh(names, [weights[name] for name in names], color=COLOURS[0], height=0.65)
        axes.set_xlabel("share of the accuracy's variance (fANOVA)")
    text = (
        "How much of the difference between the trials each dial explains. With few trials this is"
        " a hint, not a finding."
    )
    return Section("Which dials mattered", text, figures=[(svg(figure), text)])


def _parallel(done: list[FrozenTrial]) -> Section:
    names = list(done[0].params)
    with mpl.rc_context(CHART_STYLE):
        figure, axes = blank(4.2, 11.0)
        accuracy = [trial.values[0] for trial in done]
        shade = mpl.colors.Normalize(min(accuracy), max(accuracy) + 1e-9)
        for trial in sorted(done, key=lambda trial: trial.values[0]):
            heights = [_height(trial, name) for name in names]
            axes.plot(
                range(len(names)),
                heights,
                color=mpl.colormaps["viridis_r"](shade(trial.values[0])),
                alpha=0.8,
            )
        axes.set_xticks(range(len(names)), [name.replace("_", "\n") for name in names])
        axes.set_yticks([])
        axes.grid(axis="x", color="#d8dee4")
        axes.spines[["left", "bottom"]].set_visible(False)
        for place, name in enumerate(names):
            for height, text in _marks(done[0].distributions[name]):
                axes.annotate(
                    text,
                    (place, height),
                    (4, 0),
                    textcoords="offset points",
                    fontsize=8,
                    color="#59636e",
                    va="center",
                )
        bar = figure.colorbar(mpl.cm.ScalarMappable(shade, "viridis_r"), ax=axes, pad=0.12)
        bar.set_label("validation accuracy")
    text = "Each line is a trial, from dial to dial; dark ones are the most accurate."
    return Section("Parallel coordinates", text, figures=[(svg(figure), text)], wide=True)


def _height(trial: FrozenTrial, name: str) -> float:
    """Place of a value on its axis, 0-1."""
    spread, value = trial.distributions[name], trial.params[name]
    if isinstance(spread, CategoricalDistribution):
        return spread.choices.index(value) / max(1, len(spread.choices) - 1)
    low, high = float(spread.low), float(spread.high)  # type: ignore[attr-defined]
    if spread.log:  # type: ignore[attr-defined]
        return math.log(value / low) / math.log(high / low)
    return float((value - low) / max(1e-12, high - low))


def _marks(spread: Any) -> list[tuple[float, str]]:
    if isinstance(spread, CategoricalDistribution):
        count = max(1, len(spread.choices) - 1)
        return [(place / count, str(choice)) for place, choice in enumerate(spread.choices)]
    return [(0.0, _short(spread.low)), (1.0, _short(spread.high))]


class Costed(NamedTuple):
    """A trial with its accuracy and what its model costs."""

    number: int
    accuracy: float
    size_mb: float
    latency_ms: float


def _pareto(done: list[FrozenTrial]) -> Section:
    costs = [
        Costed(trial.number, trial.values[0], *trial.user_attrs["cost"])
        for trial in done
        if "cost" in trial.user_attrs
    ]
    figures: list[tuple[str, str]] = []
    for axis, what in (
        ("size_mb", "LiteRT float model, MB"),
        ("latency_ms", "latency, ms (one image, one thread)"),
    ):
        if len({getattr(each, axis) for each in costs}) > 1:
            figures.append(
                (
                    svg(_front(costs, axis, what)),
                    f"Accuracy against {what}; the front is joined by a line",
                )
            )
    text = (
        "No trial on the line is beaten in both. What costs more for the same accuracy lies right"
        " of it."
    )
    return Section("Accuracy and its cost", text, figures=figures)


def _front(costs: list[Costed], axis: str, what: str) -> Figure:
    with mpl.rc_context(CHART_STYLE):
        figure, axes = blank(4.0)
        front: list[Costed] = []
        for each in sorted(costs, key=lambda each: (getattr(each, axis), -each.accuracy)):
            if not front or each.accuracy > front[-1].accuracy:
                front.append(each)
        axes.scatter(
            [getattr(each, axis) for each in costs],
            [each.accuracy for each in costs],
            color=GREY,
            s=24,
        )
        axes.plot(
            [getattr(each, axis) for each in front],
            [each.accuracy for each in front],
            "o-",
            color=COLOURS[0],
        )
        for each in front:
            point = (getattr(each, axis), each.accuracy)
            axes.annotate(
                f"trial {each.number}", point, (5, -11), textcoords="offset points", fontsize=9
            )
        axes.set(xlabel=what, ylabel="validation accuracy")
        axes.margins(0.15)
        return figure


def _table(trials: list[FrozenTrial]) -> Section:
    names = sorted({name for trial in trials for name in trial.params})
    rows = [["trial", "accuracy", "epochs", "state", *names]]
    order = sorted(
        trials,
        key=lambda t: (t.state != TrialState.COMPLETE, -t.values[0] if t.values else 0, t.number),
    )
    for trial in order:
        accuracy = f"{trial.values[0]:.2%}" if trial.values else "·"
        epochs = str(max(trial.intermediate_values) + 1) if trial.intermediate_values else "·"
        dials = [_short(trial.params.get(name, "·")) for name in names]
        state = trial.user_attrs.get("why") or trial.state.name.lower()
        rows.append([str(trial.number), accuracy, epochs, state, *dials])
    return Section("All trials", "The best first.", table=rows)


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, FloatDistribution | float) else str(value)


def search_summary(study: Study) -> dict[str, Any]:
    """The search in plain values, for JSON."""
    best = best_trial(study)
    return {
        "name": study.study_name,
        "search": json.loads(study.user_attrs["search"]),
        "trials": [
            {
                "number": t.number,
                "state": t.state.name.lower(),
                "values": t.values,
                "dials": t.params,
                **t.user_attrs,
            }
            for t in study.get_trials(deepcopy=False)
        ],
        "best": best.number if best else None,
    }
