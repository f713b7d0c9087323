import random

import optuna
import pytest

from scenelet.errors import DataError
from scenelet.runs.search import Trial, best, front, read_trials


def done(number, accuracy, size_mb, log_loss=0.5):
    return Trial(number, "complete", {}, accuracy, log_loss, size_mb=size_mb, latency_ms=1.0)


def test_the_best_is_the_most_accurate_and_of_equals_the_surest():
    trials = [done(0, 0.8, 1), done(1, 0.9, 1), done(2, 0.9, 1, 0.4), Trial(3, "pruned")]
    assert best(trials).number == 2
    assert best([Trial(0, "fail"), Trial(1, "running")]) is None


@pytest.mark.parametrize("seed", range(20))
def test_no_trial_on_the_front_is_beaten_and_every_other_is(seed):
    rng = random.Random(seed)
    trials = [done(n, rng.randint(1, 9) / 10, rng.randint(1, 9)) for n in range(12)]
    unbeaten = front([*trials, Trial(99, "running")], "size_mb")

    def beats(one, other):
        better = (one.accuracy, -one.size_mb), (other.accuracy, -other.size_mb)
        return better[0] != better[1] and all(a >= b for a, b in zip(*better, strict=True))

    for trial in trials:
        beaten = any(beats(other, trial) for other in trials)
        equal = any((o.accuracy, o.size_mb) == (trial.accuracy, trial.size_mb) for o in unbeaten)
        assert equal != beaten
    assert unbeaten == sorted(unbeaten, key=lambda trial: trial.size_mb)


def test_trials_are_read_from_the_study_as_plain_values(tmp_path):
    folder = tmp_path / "s"
    folder.mkdir()
    study = optuna.create_study(
        storage=f"sqlite:///{folder / 'study.db'}", study_name="s", direction="maximize"
    )
    trial = study.ask()
    trial.suggest_float("learning_rate", 0.001, 0.001)
    trial.report(0.5, 0)
    trial.set_user_attr("cost", [1.5, 2.5])
    trial.set_user_attr("val_log_loss", 0.25)
    study.tell(trial, 0.75)
    failed = study.ask()
    failed.set_user_attr("why", "too deep")
    study.tell(failed, state=optuna.trial.TrialState.FAIL)
    first, second = read_trials(folder)
    assert first == Trial(
        0, "complete", {"learning_rate": 0.001}, 0.75, 0.25, {0: 0.5}, size_mb=1.5, latency_ms=2.5
    )
    assert second == Trial(1, "fail", why="too deep")


@pytest.mark.parametrize("content", [b"", b"no database" * 100])
def test_what_is_no_study_is_one_line(tmp_path, content):
    (tmp_path / "study.db").write_bytes(content)
    with pytest.raises(DataError, match="can't be read as a search"):
        read_trials(tmp_path)
