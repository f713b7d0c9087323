import json
import re
import shutil

import numpy as np
import pytest

from scenelet.assess.ceiling import noise_ceiling

pytestmark = pytest.mark.pipeline

SECTIONS = (
    "In short", "Classes", "Confusions", "Reliability", "When not to answer", "Prediction sets", "Strangers",
    "Labels and their noise", "Robustness", "Explanations",
)  # fmt: skip


def reported(scenelet, tmp_path, *arguments):
    done = scenelet(
        "evaluate",
        *arguments,
        "--report",
        tmp_path / "r" / "report.html",
        "--ledger",
        tmp_path / "l.jsonl",
    )
    assert done.code == 0, done.err
    return (tmp_path / "r" / "report.html").read_text(), json.loads(
        (tmp_path / "r" / "report.json").read_text()
    )


def test_the_report_holds_every_section_and_asks_nothing_of_the_network(
    bundle, painted, tmp_path, scenelet
):
    page, figures = reported(scenelet, tmp_path, bundle, painted, "--robustness")
    for title in SECTIONS:
        assert f"<h2>{title}</h2>" in page
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert "Grad-CAM" in page
    assert "looked at once for this project" in page
    assert figures["images"] == 36
    assert figures["robustness"]["images"] == 36
    assert figures["strangers"]["score"] in ("feature distance", "energy", "distance and energy")
    errors = 36 - sum(figures["confusion_matrix"][n][n] for n in range(6))
    assert sum(pair["errors"] for pair in figures["confusable_pairs"]) == errors


def test_of_validation_images_the_promises_are_cross_fitted(bundle, painted, tmp_path, scenelet):
    _, figures = reported(scenelet, tmp_path, bundle, painted / "seg_train")
    assert figures["part"] == "val"
    recorded = json.loads((bundle / "bundle.json").read_text())["promises"]
    assert figures["held_out"].keys() == recorded.keys()
    for name in ("images", "expected_calibration_error", "answered"):
        assert figures["held_out"][name] == pytest.approx(recorded[name], abs=1e-4)


def few(painted, tmp_path, names, count):
    for name in names:
        (tmp_path / "few" / name).mkdir(parents=True)
        for source in sorted((painted / "seg_test" / name).iterdir())[:count]:
            shutil.copy(source, tmp_path / "few" / name)
    return tmp_path / "few"


def test_three_images_make_a_report_with_wide_intervals(bundle, painted, tmp_path, scenelet):
    page, figures = reported(
        scenelet, tmp_path, bundle, few(painted, tmp_path, ("sea", "forest", "street"), 1)
    )
    assert "Only 3 images: look at the intervals" in page
    assert "No image of buildings, glacier, mountain is here" in page
    assert "Too few images a class, or too weak a model, to judge the labels" in page
    assert figures["top1_accuracy"]["high"] - figures["top1_accuracy"]["low"] > 0.4
    assert figures["noise_ceiling"] is None


def test_one_class_only_is_measured_and_the_gap_said(bundle, painted, tmp_path, scenelet):
    for name in ("forest", "sea"):
        (tmp_path / "few" / name).mkdir(parents=True)
    few_sea = few(painted, tmp_path / "x", ("sea", "forest"), 4)
    (few_sea / "forest" / "broken.jpg").write_text("no picture")
    for file in (few_sea / "forest").glob("*.jpg"):
        if file.name != "broken.jpg":
            file.unlink()
    page, figures = reported(scenelet, tmp_path, bundle, few_sea)
    assert figures["images"] == 4
    assert figures["per_class"]["forest"]["recall"]["value"] is None
    assert "forest/broken.jpg" in page


def test_answers_that_are_no_numbers_are_refused(bundle, painted, tmp_path, scenelet, monkeypatch):
    from scenelet.bundle.runtime import LiteRTModel

    honest = LiteRTModel.answer

    def broken(self, pixels):
        logits, features = honest(self, pixels)
        return np.asarray(logits) * np.nan, features

    monkeypatch.setattr(LiteRTModel, "answer", broken)
    done = scenelet("evaluate", bundle, painted, "--ledger", tmp_path / "l.jsonl")
    assert done.code == 1
    assert (
        "answers 36 of 36 images with something that is not a number" in done.err.splitlines()[-1]
    )
    assert not (tmp_path / "l.jsonl").exists()


def test_the_noise_ceiling_finds_flipped_labels():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 2000)
    logits = 4.0 * np.eye(4)[truth] + rng.normal(0, 1, (2000, 4))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels, flipped = truth.copy(), rng.choice(2000, 100, replace=False)
    labels[flipped] = (labels[flipped] + 1) % 4
    ceiling = noise_ceiling(labels, probabilities)
    assert len(set(ceiling.doubtful[:100]) & set(flipped.tolist())) > 85
    assert 0.93 < ceiling.accuracy < 0.95 < ceiling.accuracy_if_right
    assert noise_ceiling(labels[:3], probabilities[:3]) is None
