import json
import os
import random
import shutil
import subprocess
import sys
import time

import optuna
import pytest
import yaml
from servers import wait_until

from scenelet.runs.recipe import resolve
from scenelet.tune.search import Search, next_trial
from scenelet.tune.space import search_space
from scenelet.tune.study import SearchConfig, open_study

pytestmark = pytest.mark.pipeline

SEARCH = {
    "learning_rate": {"low": 0.0005, "high": 0.02, "log": True},
    "min_crop_area": {"low": 0.2, "high": 0.9},
    "widths": {"choices": [[8, 16], [16, 32]]},
}
RECIPE = {
    "epochs": 3,
    "train_sizes": [32],
    "input_size": 32,
    "storage_size": 40,
    "widths": [8, 16],
    "depths": [1, 1],
    "batch_size": 16,
    "ema_decay": 0.9,
    "threads": 1,
    "search": SEARCH,
}


@pytest.fixture
def recipe(tmp_path):
    """A recipe whose trials take a second."""
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(RECIPE))
    return path


def tune(scenelet, painted, recipe, runs, *flags):
    done = scenelet("tune", painted, "--recipe", recipe, "--runs", runs, "--name", "s", *flags)
    assert done.code == 0, done.err
    return done


def trials_of(runs):
    """What a search found, but for how long it took."""
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{runs / 's' / 'study.db'}")
    return [
        (t.number, t.state.name, t.params, t.values, t.intermediate_values) for t in study.trials
    ]


def trained_with(run):
    """The recipe of a trial's run."""
    return resolve(str(run / "config.yaml"), {})


def start(painted, recipe, runs, trials):
    code = "from scenelet.cli.main import main; main()"
    command = [
        "tune",
        painted,
        "--recipe",
        recipe,
        "--runs",
        runs,
        "--name",
        "s",
        "--trials",
        trials,
    ]
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, command)],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )


def test_killed_three_times_a_search_ends_with_the_same_trials_as_an_undisturbed_one(
    painted, recipe, tmp_path, scenelet
):
    tune(scenelet, painted, recipe, tmp_path / "undisturbed", "--trials", "11")
    runs, rng, kills = tmp_path / "killed", random.Random(3), 0
    for trials_more in (1, 4, 8):
        process = start(painted, recipe, runs, 11)
        marker = runs / "s" / "trials" / f"{trials_more:04d}"  # somewhere within this trial
        wait_until(lambda m=marker, p=process: m.exists() or p.poll() is not None, marker)
        time.sleep(rng.random())
        kills += process.poll() is None
        process.kill()
        process.wait()
        process.stderr.close()
    assert kills == 3
    tune(scenelet, painted, recipe, runs, "--trials", "11")
    assert trials_of(runs) == trials_of(tmp_path / "undisturbed")
    states = {state for _, state, *_ in trials_of(runs)}
    assert states <= {"COMPLETE", "PRUNED"}


def test_more_trials_add_to_a_search_and_the_same_command_adds_none(
    painted, recipe, tmp_path, scenelet
):
    done = tune(scenelet, painted, recipe, tmp_path, "--trials", "2")
    first = trials_of(tmp_path)
    assert first[0][2]["widths"] == "8,16"
    own = trained_with(tmp_path / "s" / "trials" / "0000")
    assert own.as_dict() == {**resolve(str(recipe), {}).as_dict(), "folds": 1}
    assert "the recipe itself" in done.out.lower()
    tune(scenelet, painted, recipe, tmp_path, "--trials", "2")
    assert trials_of(tmp_path) == first
    tune(scenelet, painted, recipe, tmp_path, "--trials", "3")
    assert trials_of(tmp_path)[:2] == first
    assert len(trials_of(tmp_path)) == 3


def test_the_saved_recipe_is_what_train_takes_and_gives_the_same_accuracy(
    painted, recipe, tmp_path, scenelet
):
    saved = tmp_path / "mine.yaml"
    done = tune(scenelet, painted, recipe, tmp_path, "--trials", "2", "--save", saved, "--json")
    summary = json.loads(done.out)
    best = summary["trials"][summary["best"]]
    config = resolve(str(saved), {})
    assert config.learning_rate == best["dials"]["learning_rate"]
    trained = scenelet(
        "train",
        painted,
        "--recipe",
        saved,
        "--threads",
        "1",
        "--runs",
        tmp_path,
        "--name",
        "r",
        "--json",
    )
    assert json.loads(trained.out)["val_top1_accuracy"] == best["values"][0]


def test_budgets_keep_costly_networks_from_being_trained(painted, recipe, tmp_path, scenelet):
    flags = ("--trials", "6", "--objectives", "accuracy,size", "--max-size-mb", "0.06", "--json")
    summary = json.loads(tune(scenelet, painted, recipe, tmp_path, *flags).out)
    costly = [trial for trial in summary["trials"] if trial["dials"]["widths"] == "16,32"]
    cheap = [trial for trial in summary["trials"] if trial["dials"]["widths"] == "8,16"]
    assert costly
    assert cheap
    assert all(
        trial["why"].startswith("over the budget") and trial["state"] == "pruned"
        for trial in costly
    )
    assert all(trial["state"] == "complete" and trial["values"][1] < 0.06 for trial in cheap)
    page = (tmp_path / "s" / "report.html").read_text()
    assert "over the budget" in page
    assert "What to do next" in page


def test_several_workers_share_the_trials(painted, recipe, tmp_path, scenelet):
    tune(scenelet, painted, recipe, tmp_path, "--trials", "4", "--workers", "2")
    assert [(number, state) for number, state, *_ in trials_of(tmp_path)] == [
        (n, "COMPLETE") for n in range(4)
    ]


def test_a_search_stops_in_time_and_goes_on_later(painted, recipe, tmp_path, scenelet):
    tune(scenelet, painted, recipe, tmp_path, "--trials", "3", "--timeout", "0.0001")
    assert not [state for _, state, *_ in trials_of(tmp_path) if state == "COMPLETE"]
    tune(scenelet, painted, recipe, tmp_path, "--trials", "3")
    assert [state for _, state, *_ in trials_of(tmp_path)] == ["COMPLETE"] * 3


def test_other_settings_in_the_same_search_are_refused(painted, recipe, tmp_path, scenelet):
    tune(scenelet, painted, recipe, tmp_path, "--trials", "1")
    done = scenelet(
        "tune", painted, "--recipe", recipe, "--runs", tmp_path, "--name", "s", "--set", "epochs=2"
    )
    assert done.code == 1
    assert "holds a search with other settings (recipe)" in done.err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--objectives", "speed"), "--objectives: found 'speed'"),
        (("--storage", "nosuch://x"), "the study can't be opened"),
        (("--recipe", "nonesuch"), "recipe nonesuch: not found"),
    ],
)
def test_bad_input_is_one_line(painted, tmp_path, scenelet, flags, message):
    done = scenelet("tune", painted, "--runs", tmp_path, "--trials", "1", *flags)
    assert done.code == 1
    assert message in done.err.splitlines()[-1]
    assert done.err.count("scenelet: ") == 1
    assert "examining" not in done.err


def test_a_trial_that_fails_says_why_and_three_in_a_row_end_the_search(
    painted, recipe, tmp_path, scenelet
):
    recipe.write_text(
        yaml.safe_dump({**RECIPE, "search": {"depths": {"choices": [[1], [1, 1, 1]]}}})
    )
    flags = ("--runs", tmp_path, "--name", "s", "--epochs", "1")
    done = scenelet("tune", painted, "--recipe", recipe, *flags)
    assert done.code == 1
    assert trained_with(tmp_path / "s" / "trials" / "0000").epochs == 1
    assert "3 trials in a row failed" in done.err.splitlines()[-1]
    # the recipe itself, which has other depths, does not fail
    assert [state for _, state, *_ in trials_of(tmp_path)] == ["COMPLETE", *["FAIL"] * 3]


@pytest.mark.parametrize("change", ["another class", "other pixels under the same names"])
def test_a_search_does_not_go_on_with_other_images(painted, recipe, tmp_path, scenelet, change):
    data = shutil.copytree(painted / "seg_train", tmp_path / "photos")
    tune(scenelet, data, recipe, tmp_path, "--trials", "1")
    if change == "another class":
        shutil.copytree(data / "sea", data / "lake")
    else:
        for path in (data / "sea").iterdir():
            shutil.copy(data / "street" / path.name, path)
    command = ("tune", data, "--recipe", recipe, "--runs", tmp_path, "--name", "s", "--trials", "2")
    done = scenelet(*command)
    assert done.code == 1
    assert "other images, labels or split" in done.err.splitlines()[-1]
    assert len(trials_of(tmp_path)) == 1


def test_a_trial_of_another_folder_under_the_same_host_name_is_not_taken(painted, tmp_path):
    base = resolve(None, {})
    space = search_space({"learning_rate": {"low": 0.001, "high": 0.01}}, base, "x")
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    config = SearchConfig(painted, base, space, trials=5, storage=url)
    here, there = tmp_path / "one" / "s", tmp_path / "two" / "s"
    study = open_study(here, config)
    with next_trial(Search(here, config, study)) as trial:
        other = Search(there, config, open_study(there, config))
        with next_trial(other) as second:
            assert second.number != trial.number
    with next_trial(Search(here, config, study)) as again:
        assert again.number == trial.number
