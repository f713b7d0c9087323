"""The search space: the `search:` part of a recipe as Optuna's distributions.

Knows nothing of trials.
"""

from collections.abc import Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial

from scenelet.errors import ConfigError
from scenelet.runs.dial import dials_of
from scenelet.runs.recipe import SEARCH, TrainConfig, from_values, read_recipe
from scenelet.runs.search import RECIPE

DEFAULT_SEARCH: dict[str, Any] = {
    "learning_rate": {"low": 0.0005, "high": 0.01, "log": True},
    "weight_decay": {"low": 0.005, "high": 0.2, "log": True},
    "min_crop_area": {"low": 0.2, "high": 0.7},
    "colour_jitter": {"low": 0.0, "high": 0.5},
    "distortion": {"low": 0.0, "high": 0.6},
    "mix_probability": {"low": 0.0, "high": 0.8},
    "widths": {
        "choices": [[16, 32, 64, 96], [24, 48, 96, 128], [32, 64, 128, 192], [48, 96, 176, 224]]
    },
}

STARTED_SEARCH: dict[str, Any] = {
    "learning_rate": {"low": 0.0001, "high": 0.003, "log": True},
    "early_rate": {"low": 0.03, "high": 1.0, "log": True},
    "batch_norm": {"choices": ["held", "trained"]},
    "label_smoothing": {"low": 0.0, "high": 0.1},
    "min_crop_area": {"low": 0.2, "high": 0.8},
    "colour_jitter": {"low": 0.0, "high": 0.5},
    "mix_probability": {"low": 0.0, "high": 0.8},
}


def space_of(
    recipe: str | None, fixed: Mapping[str, Any], base: TrainConfig
) -> dict[str, BaseDistribution]:
    """The search of a recipe, or the default one, less the dials that are fixed.

    Args:
        recipe: Name or path; None for the defaults.
        fixed: Dials given on the command line.
        base: The resolved recipe.

    Raises:
        ConfigError: See `search_space`.
    """
    usual = STARTED_SEARCH if base.start else DEFAULT_SEARCH
    wish = (read_recipe(recipe).get(SEARCH) if recipe else None) or usual
    if not isinstance(wish, dict):
        wish = {str(wish): None}
    varied = {key: value for key, value in wish.items() if key not in fixed}
    return search_space(varied, base, recipe or "default recipe")


def search_space(
    search: Mapping[str, Any], base: TrainConfig, origin: str
) -> dict[str, BaseDistribution]:
    """Check a search and turn it into distributions.

    Args:
        search: Dial -> `{low, high}` (and `log: true`), or `{choices: [...]}`.
        base: The recipe that the dials change.
        origin: For messages.

    Raises:
        ConfigError: Unknown dials, bounds that make no sense, values that the recipe can't take;
            all in one message.
    """
    known = dials_of(TrainConfig)
    faults, space = [], dict[str, BaseDistribution]()
    for name, wish in search.items():
        try:
            if name not in known:
                raise ValueError("unknown dial")
            space[name] = _distribution(wish, known[name].kind)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            faults.append(f"{name}: found {wish!r}, expected low and high or choices ({error})")
    faults += [
        fault
        for name, spread in space.items()
        for value in _ends(spread)
        for fault in _faults(base, name, value)
    ]
    if faults or not space:
        raise ConfigError(
            f"{origin}: search: " + ("; ".join(faults) or "empty; name at least one dial")
        )
    return space


def _faults(base: TrainConfig, name: str, value: Any) -> list[str]:
    if name in ("widths", "depths"):  # these two fit one another only in some combinations
        return []
    try:
        from_values({**base.as_dict(), name: value}, name)
    except ConfigError as error:
        return [str(error)]
    return []


def own_values(base: TrainConfig, space: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    """The recipe's own value of each dial, where the search may take it."""
    own = {name: _plain(value) for name, value in base.as_dict().items() if name in space}
    return {name: value for name, value in own.items() if _holds(space[name], value)}


def _holds(spread: BaseDistribution, value: Any) -> bool:
    if isinstance(spread, CategoricalDistribution):
        return value in spread.choices
    if isinstance(spread, FloatDistribution | IntDistribution):
        return isinstance(value, int | float) and spread.low <= value <= spread.high
    return False


def suggest(trial: Trial, space: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    """The trial's value of each dial; those that it already has are kept.

    The trial that is the recipe itself has its own values, and none where the search may not take
    them.
    """
    values: dict[str, Any] = {}
    own = trial.user_attrs.get(RECIPE)
    for name, spread in space.items():
        if own is not None and name not in own:
            continue
        if isinstance(spread, FloatDistribution):
            values[name] = trial.suggest_float(name, spread.low, spread.high, log=spread.log)
        elif isinstance(spread, IntDistribution):
            values[name] = trial.suggest_int(name, spread.low, spread.high, log=spread.log)
        elif isinstance(spread, CategoricalDistribution):
            values[name] = trial.suggest_categorical(name, spread.choices)
    return values


def _distribution(wish: Mapping[str, Any], kind: type) -> BaseDistribution:
    unknown = set(wish) - {"low", "high", "log", "choices"}
    if unknown:
        raise ValueError(f"unknown key {', '.join(sorted(unknown))}")
    if "choices" in wish:
        return CategoricalDistribution([_plain(choice) for choice in wish["choices"]])
    if kind is int:
        return IntDistribution(
            int(wish["low"]), int(wish["high"]), log=bool(wish.get("log", False))
        )
    if kind is float:
        return FloatDistribution(
            float(wish["low"]), float(wish["high"]), log=bool(wish.get("log", False))
        )
    raise ValueError("give choices")


def _plain(choice: Any) -> Any:
    """Lists as the command line writes them: Optuna takes no lists."""
    return ",".join(str(part) for part in choice) if isinstance(choice, list | tuple) else choice


def _ends(distribution: BaseDistribution) -> list[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    if isinstance(distribution, FloatDistribution | IntDistribution):
        return [distribution.low, distribution.high]
    return []
