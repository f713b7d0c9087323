import json
import re
from dataclasses import replace

import numpy as np
import pytest

from scenelet.assess.drift import Logged, measure_drift, read_logs
from scenelet.bundle.contract import read_contract
from scenelet.bundle.logline import DIGITS
from scenelet.bundle.profile import profile_of
from scenelet.errors import DataError
from scenelet.serve.metrics import metric_line
from scenelet.serve.predictor import Predictor

MEASURES = ("brightness", "sharpness", "feature_distance", "confidence")


def lines_like_the_profile(contract, count, seed, brighter=0.0):
    """Log lines of pictures drawn from the bundle's own profile, some brighter."""
    rng = np.random.default_rng(seed)
    profile = contract.training.profile.measures

    def draw(name):
        edges = [0.0, *profile[name].edges, 1.0 if name in ("brightness", "confidence") else 3.0]
        place = rng.choice(
            len(profile[name].shares),
            p=np.array(profile[name].shares) / sum(profile[name].shares),
        )
        return float(rng.uniform(edges[place], edges[place + 1]))

    answers = np.array(contract.figures.confusion_matrix).sum(0)
    for _ in range(count):
        brightness, sharpness, distance, confidence = (draw(name) for name in MEASURES)
        row = {
            "_aws": {}, "Bundle": contract.name, "Version": contract.created, "Label": str(rng.choice(contract.class_names, p=answers / answers.sum())),
            "Answers": 1, "Abstained": 0, "Strangers": 0, "Confidence": confidence, "Brightness": min(1, brightness + brighter),
            "Sharpness": sharpness, "FeatureDistance": distance, "DecodeMs": 1, "InferenceMs": 3,
        }  # fmt: skip
        yield json.dumps(row)


def verdicts(shipped_bundle, tmp_path, **changes):
    contract = read_contract(shipped_bundle)
    log = tmp_path / "log"
    log.write_text("\n".join(lines_like_the_profile(contract, **changes)))
    return {
        shift.name: shift.verdict for shift in measure_drift(contract, read_logs([log], contract))
    }


def test_pictures_like_the_validation_images_show_no_drift(shipped_bundle, tmp_path):
    found = [verdicts(shipped_bundle, tmp_path, count=400, seed=seed) for seed in range(20)]
    alarms = sum(verdict != "no drift shown" for each in found for verdict in each.values())
    assert alarms <= 3  # of 100 comparisons at the 1 % level


@pytest.mark.parametrize("sureness", [3, 5, 7])
def test_confident_models_show_no_drift_in_the_very_images_of_their_profile(sureness):
    rng = np.random.default_rng(sureness)
    confidence = 1 - 10.0 ** -rng.uniform(1, sureness, 1400)
    then = profile_of({"confidence": confidence.tolist()})["confidence"]
    logged = np.round(confidence, DIGITS["confidence"])
    counts = np.bincount(
        np.searchsorted(then.edges, logged, side="right"), minlength=len(then.shares)
    )
    assert counts / 1400 == pytest.approx(np.array(then.shares), abs=1e-5)


@pytest.mark.parametrize(("seen", "answers"), [(36, 200), (100, 60), (1400, 50), (1400, 2000)])
def test_chance_alone_is_rarely_called_drift_however_few_images_there_are(
    seen, answers, shipped_bundle
):
    rng, alarms = np.random.default_rng(seen + answers), 0
    contract = read_contract(shipped_bundle)
    for _ in range(60):
        then, now = ({name: rng.beta(5, 5, n) for name in MEASURES} for n in (seen, answers))
        profile = replace(contract.training.profile, measures=profile_of(then))
        figures = replace(contract.figures, images=seen)
        known = replace(
            contract, training=replace(contract.training, profile=profile), figures=figures
        )
        labels = rng.choice(contract.class_names, answers, p=shares_of_answers(contract)).tolist()
        logged = Logged(
            labels, {name: each.round(4).tolist() for name, each in now.items()}, 0, 0, answers, 0
        )
        alarms += any(each.verdict != "no drift shown" for each in measure_drift(known, logged))
    assert alarms <= 3


def shares_of_answers(contract):
    answers = np.array(contract.figures.confusion_matrix).sum(0)
    return answers / answers.sum()


def test_answers_of_an_older_model_of_the_same_name_are_not_counted(shipped_bundle, tmp_path):
    contract = read_contract(shipped_bundle)
    older = replace(contract, created="2020-01-01T00:00:00+00:00")
    lines = [*lines_like_the_profile(contract, 60, 0), *lines_like_the_profile(older, 70, 0)]
    (tmp_path / "log").write_text("\n".join(lines))
    assert len(read_logs([tmp_path / "log"], contract).labels) == 60
    with pytest.raises(DataError, match=r"found 0 answers .* \(130 of other versions of it\)"):
        read_logs([tmp_path / "log"], replace(contract, created="2031-01-01T00:00:00+00:00"))


def test_brighter_pictures_are_told_and_nothing_else_is(shipped_bundle, tmp_path):
    found = verdicts(shipped_bundle, tmp_path, count=600, seed=1, brighter=0.2)
    assert found["brightness"] == "drift"
    assert [name for name, verdict in found.items() if verdict != "no drift shown"] == [
        "brightness"
    ]


@pytest.mark.pipeline
def test_real_answers_to_strangers_are_told_as_drift(shipped_bundle, tmp_path, scenelet):
    from scenelet.dataset.strangers import paint_strangers

    predictor = Predictor(shipped_bundle)
    log, report = tmp_path / "handler.log", tmp_path / "drift.html"
    lines = [
        metric_line(predictor.predict(data, measured=True))
        for pictures in paint_strangers(15).values()
        for data in pictures
    ]
    text = (
        "START RequestId: 1\n"
        + "\n".join(f"2026-11-23T10:00:00Z {line}" for line in lines)
        + "\n{broken\nEND\n"
    )
    log.write_text(text)
    done = scenelet("drift", log, "--report", report, "--fail")
    assert done.code == 1
    assert "75 answers" in done.out
    assert re.search(r"feature_distance +drift", done.out)
    assert "3 of 78 lines were passed over" in report.read_text()
    assert "scenelet collect" in report.read_text()
    assert done.out.splitlines()[-1].startswith("next: scenelet app --bundle ")


def test_too_few_answers_are_one_line(tmp_path, bundle, scenelet):
    (tmp_path / "log").write_text("hello\n")
    done = scenelet("drift", tmp_path / "log", "--bundle", bundle)
    assert done.code == 1
    assert "found 0 answers of tiny in 1 lines" in done.err
    done = scenelet("drift", tmp_path / "nothing", "--bundle", bundle)
    assert "can't be read" in done.err


@pytest.mark.parametrize("key", ["Brightness", "Label", "Bundle"])
def test_a_line_that_lacks_something_is_passed_over(key, shipped_bundle, tmp_path):
    contract = read_contract(shipped_bundle)
    lines = list(lines_like_the_profile(contract, 60, 0))
    spoilt = json.loads(lines[0])
    del spoilt[key]
    (tmp_path / "log").write_text(
        "\n".join([json.dumps(spoilt), *lines[1:], "[1]", "{}", '{"_aws": 5}'])
    )
    logged = read_logs([tmp_path / "log"], contract)
    assert (len(logged.labels), logged.passed_over) == (59, 4)
