"""Several processes on one search: each a `run_search` of its own; they meet in the study."""

import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

from optuna.study import Study

from scenelet.progress import SILENT, ConsoleProgress, Progress
from scenelet.tune.search import looked_at, run_search
from scenelet.tune.study import SearchConfig


def run_workers(folder: Path, config: SearchConfig, progress: Progress = SILENT) -> Study:
    """Work on the search with `config.workers` processes, this one among them.

    The cores are shared out. The data is decoded once here; a search that was begun with other
    images is refused.

    Raises:
        ConfigError: See `looked_at` and `run_search`.
        DataError: The folder can't be trained on.
    """
    config = looked_at(folder, config, progress)
    if config.workers == 1:
        return run_search(folder, config, progress)
    threads = config.base.threads or max(1, (os.cpu_count() or 1) // config.workers)
    config = replace(config, base=replace(config.base, threads=threads))
    context = multiprocessing.get_context("spawn")
    helpers = [
        context.Process(target=_help, args=(folder, config), daemon=True)
        for _ in range(config.workers - 1)
    ]
    for helper in helpers:
        helper.start()
    study = run_search(folder, config, progress)
    for helper in helpers:
        helper.join()
    return study


def _help(folder: Path, config: SearchConfig) -> None:
    run_search(folder, config, ConsoleProgress())
