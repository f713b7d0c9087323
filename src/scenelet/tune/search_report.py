"""The search on one HTML page: how it went, which dials mattered, and what accuracy costs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.exceptions import OptunaError
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from scenelet.report.charts import COLOURS, GREY, LINE, blank, legend_above, styled
from scenelet.report.html import Section, following, page, svg
from scenelet.runs.search import Axis, Trial, best, complete, front, gain, ranked, trials_of
from scenelet.tune.study import asked_of

_STATES = {
    "complete": "trials complete",
    "pruned": "stopped early",
    "running": "under way",
    "fail": "failed",
    "waiting": "to come",
}
_AXES: dict[Axis, str] = {
    "size_mb": "LiteRT float model, MB",
    "latency_ms": "latency, ms (one image, one thread)",
}
_MUTED = "#59636e"


def search_page(study: Study, commands: Sequence[str] = ()) -> str:
    """The report as one HTML page; parts that have nothing to show yet are left out.

    Args:
        study: Of the search.
        commands: What to do next.
    """
    trials = trials_of(study)
    done = complete(trials)
    sections = [_overview(trials), _history(trials)]
    if len(done) >= 2:
        sections += [_importance(study), _parallel(done, _spreads(study)), _pareto(done)]
    sections.append(_table(trials))
    if commands:
        sections.append(following(commands))
    return page(f"Search {study.study_name}", _counts(trials), sections)


def search_summary(study: Study) -> dict[str, Any]:
    """The search in plain values, for JSON."""
    trials = trials_of(study)
    leader = best(trials)
    frozen = study.get_trials(deepcopy=False)  # there may be more of them by now
    return {
        "name": study.study_name,
        "search": asked_of(study),
        "trials": [_told(*each) for each in zip(trials, frozen, strict=False)],
        "best": leader.number if leader else None,
    }


def _told(trial: Trial, frozen: FrozenTrial) -> dict[str, Any]:
    """A trial, and what was noted of it."""
    return {
        "number": trial.number,
        "state": trial.state,
        "values": frozen.values,
        "dials": trial.dials,
        **frozen.user_attrs,
    }


def _counts(trials: Sequence[Trial]) -> str:
    counted = {state: sum(trial.state == state for trial in trials) for state in _STATES}
    return ", ".join(f"{counted[state]:,} {words}" for state, words in _STATES.items())


def _overview(trials: Sequence[Trial]) -> Section:
    leader = best(trials)
    if leader is None:
        return Section("Best", points=["No trial is complete yet."])
    dials = ", ".join(f"{name} {_short(value)}" for name, value in leader.dials.items())
    flatters = (
        f"The best of {len(complete(trials))} figures on the same images flatters; only images"
        " that no trial saw tell the truth."
    )
    lead = f"Trial {leader.title}: validation accuracy {leader.accuracy:.2%}."
    points = [gain(trials), f"Its dials: {dials}.", flatters]
    return Section("Best", lead, points=[point for point in points if point])


def _charted(title: str, text: str, chart: Figure, wide: bool = False) -> Section:
    """A section of one chart, with what it shows."""
    return Section(title, text, figures=[(svg(chart), text)], wide=wide)


def _history(trials: Sequence[Trial]) -> Section:
    text = "Each trial by its number; the line is the best up to then."
    return _charted("History", text, _by_number(trials), wide=True)


@styled
def _by_number(trials: Sequence[Trial]) -> Figure:
    done = complete(trials)
    cut = [trial for trial in trials if trial.state == "pruned" and trial.epochs]
    reached = [max(trial.epochs.values()) for trial in cut]
    record = [max(_accuracies(done[: place + 1])) for place in range(len(done))]
    figure, axes = blank(3.6, 9.6)
    axes.scatter(_numbers(cut), reached, color=GREY, s=22, label="stopped early")
    axes.scatter(_numbers(done), _accuracies(done), color=COLOURS[0], s=28, label="complete")
    axes.step(_numbers(done), record, where="post", color=COLOURS[4], label="best so far")
    axes.set(xlabel="trial", ylabel="validation accuracy")
    axes.xaxis.set_major_locator(mpl.ticker.MaxNLocator(integer=True))
    legend_above(axes, 1.16, 3)
    return figure


def _importance(study: Study) -> Section:
    title, evaluator = "Which dials mattered", FanovaImportanceEvaluator(seed=0)
    try:
        weights = get_param_importances(
            study,
            evaluator=evaluator,
            params=list(_spreads(study)),
            target=lambda trial: trial.values[0],
        )
    except (OptunaError, RuntimeError, ValueError):  # all trials alike, or too few
        return Section(title)
    text = (
        "How much of the difference between the trials each dial explains. With few trials this is"
        " a hint, not a finding."
    )
    return _charted(title, text, _weights(weights))


@styled
def _weights(weights: Mapping[str, float]) -> Figure:
    names = list(weights)[::-1]
    figure, axes = blank(0.36 * len(names) + 1.0)
    axes.barh(names, [weights[name] for name in names], color=COLOURS[0], height=0.65)
    axes.set_xlabel("share of the accuracy's variance (fANOVA)")
    return figure


def _spreads(study: Study) -> dict[str, BaseDistribution]:
    """Where each dial may lie."""
    done = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return {name: spread for trial in done for name, spread in trial.distributions.items()}


def _parallel(done: Sequence[Trial], spreads: Mapping[str, BaseDistribution]) -> Section:
    text = "Each line is a trial, from dial to dial; dark ones are the most accurate."
    done = [trial for trial in done if trial.dials.keys() == spreads.keys()]
    if not done:  # the recipe itself, one of whose dials lies where the search may not go
        return Section("Parallel coordinates")
    return _charted("Parallel coordinates", text, _lines(done, spreads), wide=True)


@styled
def _lines(done: Sequence[Trial], spreads: Mapping[str, BaseDistribution]) -> Figure:
    """A line a trial, from one dial's axis to the next."""
    figure, axes = blank(4.2, 11.0)
    shade = mpl.colors.Normalize(min(_accuracies(done)), max(_accuracies(done)) + 1e-9)
    for trial in sorted(done, key=lambda trial: trial.accuracy or 0):
        heights = [_height(trial.dials[name], spread) for name, spread in spreads.items()]
        colour = mpl.colormaps["viridis_r"](shade(trial.accuracy or 0))
        axes.plot(range(len(heights)), heights, color=colour, alpha=0.8)
    _dial_axes(axes, spreads)
    bar = figure.colorbar(mpl.cm.ScalarMappable(shade, "viridis_r"), ax=axes, pad=0.12)
    bar.set_label("validation accuracy")
    return figure


def _dial_axes(axes: Axes, spreads: Mapping[str, BaseDistribution]) -> None:
    """An upright axis for each dial, in place of one at the left."""
    axes.set_xticks(range(len(spreads)), [name.replace("_", "\n") for name in spreads])
    axes.set_yticks([])
    axes.grid(axis="x", color=LINE)
    axes.spines[["left", "bottom"]].set_visible(False)
    for place, spread in enumerate(spreads.values()):
        _mark(axes, place, spread)


def _mark(axes: Axes, place: int, spread: BaseDistribution) -> None:
    """Write the values at a dial's axis."""
    for height, text in _marks(spread):
        point = (place, height)
        style: dict[str, Any] = {"fontsize": 8, "color": _MUTED, "va": "center"}
        axes.annotate(text, point, (4, 0), textcoords="offset points", **style)


def _height(value: Any, spread: BaseDistribution) -> float:
    """Place of a value on its axis, 0-1."""
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


def _pareto(done: Sequence[Trial]) -> Section:
    figures = [
        (svg(_front(done, axis, words)), f"Accuracy against {words}; the front is joined by a line")
        for axis, words in _AXES.items()
        if len({trial.cost(axis) for trial in done} - {None}) > 1
    ]
    text = (
        "No trial on the line is beaten in both. What costs more for the same accuracy lies right"
        " of it."
    )
    return Section("Accuracy and its cost", text, figures=figures)


@styled
def _front(done: Sequence[Trial], axis: Axis, words: str) -> Figure:
    costed = [trial for trial in done if trial.cost(axis) is not None]
    unbeaten = front(costed, axis)
    figure, axes = blank(4.0)
    axes.scatter(_costs(costed, axis), _accuracies(costed), color=GREY, s=24)
    axes.plot(_costs(unbeaten, axis), _accuracies(unbeaten), "o-", color=COLOURS[0])
    for trial in unbeaten:
        point = (trial.cost(axis), trial.accuracy)
        name = f"trial {trial.number}"
        axes.annotate(name, point, (5, -11), textcoords="offset points", fontsize=9)
    axes.set(xlabel=words, ylabel="validation accuracy")
    axes.margins(0.15)
    return figure


def _table(trials: Sequence[Trial]) -> Section:
    names = sorted({name for trial in trials for name in trial.dials})
    rows = [_cells(trial, names) for trial in ranked(trials)]
    heading = ["trial", "accuracy", "epochs", "state", *names]
    return Section("All trials", "The best first.", table=[heading, *rows])


def _cells(trial: Trial, names: Sequence[str]) -> list[str]:
    accuracy = "·" if trial.accuracy is None else f"{trial.accuracy:.2%}"
    epochs = str(max(trial.epochs) + 1) if trial.epochs else "·"
    dials = [_short(trial.dials.get(name, "·")) for name in names]
    return [trial.title, accuracy, epochs, trial.why or trial.state, *dials]


def _numbers(trials: Sequence[Trial]) -> list[int]:
    return [trial.number for trial in trials]


def _accuracies(trials: Sequence[Trial]) -> list[float]:
    return [trial.accuracy or 0.0 for trial in trials]


def _costs(trials: Sequence[Trial], axis: Axis) -> list[float]:
    return [trial.cost(axis) or 0.0 for trial in trials]


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
