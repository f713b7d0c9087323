"""A sampler that draws by seed, number and finished trials alone: restarts change nothing."""

import zlib
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial


class RepeatableSampler(BaseSampler):
    """Optuna's multivariate TPE, freshly seeded for each draw instead of once for each process."""

    def __init__(self, seed: int, startup_trials: int, several_workers: bool) -> None:
        """Args: seed, how many trials to draw at random first, whether others draw meanwhile."""
        self.seed, self.startup_trials, self.several_workers = seed, startup_trials, several_workers

    def infer_relative_search_space(
        self, study: Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        """As TPE."""
        return self._seeded(trial, "").infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """As TPE."""
        return self._seeded(trial, "").sample_relative(study, trial, search_space)

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        """As TPE."""
        return self._seeded(trial, param_name).sample_independent(
            study, trial, param_name, param_distribution
        )

    def _seeded(self, trial: FrozenTrial, name: str) -> TPESampler:
        seed = zlib.crc32(f"{self.seed} {trial.number} {name}".encode())
        return TPESampler(
            seed=seed,
            n_startup_trials=self.startup_trials,
            multivariate=True,
            constant_liar=self.several_workers,
        )
