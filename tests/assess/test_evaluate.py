import json
import shutil

import numpy as np
import pytest
from PIL import Image

from scenelet.answers import ask
from scenelet.bundle.runtime import BundleModel
from scenelet.bundle.training_data import read_training_data
from scenelet.dataset.dataset import Dataset
from scenelet.images import decode, pixel_hash

KEYS = {
    "bundle", "source", "part", "excluded", "seen_in_training", "looks_at_this_test_split", "images", "class_names",
    "top1_accuracy", "balanced_accuracy", "macro_f1", "log_loss", "expected_calibration_error", "per_class",
    "confusion_matrix", "by_chance",
}  # fmt: skip


def evaluated(scenelet, *arguments):
    done = scenelet("evaluate", *arguments, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_json_carries_the_houses_names(bundle, painted, scenelet):
    figures = evaluated(scenelet, bundle, painted)
    assert set(figures) == KEYS
    assert set(figures["top1_accuracy"]) == {"value", "low", "high"}
    assert (figures["part"], figures["images"]) == ("test", 36)


def test_accuracy_is_what_counting_by_hand_gives(bundle, painted, scenelet):
    model = BundleModel(bundle)
    found = Dataset.open(painted).part("test")
    answers = ask(model, found, model.contract.preprocess)
    labels = found.label_indices(model.contract.class_names)
    by_hand = float(np.mean(answers.logits.argmax(1) == labels))
    assert evaluated(scenelet, bundle, painted)["top1_accuracy"]["value"] == pytest.approx(by_hand)


def test_of_the_training_folder_only_the_held_out_part_is_taken(bundle, painted, scenelet):
    figures = evaluated(scenelet, bundle, painted / "seg_train")
    recorded = json.loads((bundle / "bundle.json").read_text())["figures"]
    assert figures["part"] == "val"
    assert figures["images"] == recorded["images"]
    assert figures["top1_accuracy"] == recorded["top1_accuracy"]
    assert figures["log_loss"]["value"] == pytest.approx(recorded["log_loss"]["value"], abs=1e-6)


def test_held_out_pictures_are_known_by_their_pixels_not_by_their_names(
    bundle, painted, tmp_path, scenelet
):
    for number, source in enumerate(sorted((painted / "seg_train").rglob("*.jpg"))):
        target = tmp_path / source.parent.name / f"renamed-{number}.png"
        target.parent.mkdir(exist_ok=True)
        decode(source.read_bytes()).save(target)
        assert pixel_hash(decode(target.read_bytes())) == pixel_hash(decode(source.read_bytes()))
    recorded = json.loads((bundle / "bundle.json").read_text())["figures"]
    assert evaluated(scenelet, bundle, tmp_path)["images"] == recorded["images"]


def test_a_flattering_figure_is_refused_unless_asked_for_by_name(bundle, painted, scenelet):
    done = scenelet("evaluate", bundle, painted / "seg_train", "--part", "all")
    assert done.code == 1
    assert "were trained on, so a figure on all would flatter" in done.err
    assert (
        "TRAINED ON" in scenelet("evaluate", bundle, painted / "seg_train", "--part", "train").out
    )


def test_a_test_part_is_measured_whole_and_its_overlap_with_training_is_said(
    bundle, painted, tmp_path, scenelet
):
    shutil.copytree(painted / "seg_test", tmp_path / "seg_test")
    trained = next(
        row for row in read_training_data(bundle / "training-data.csv").items() if row[1] == "train"
    )[0]
    rows = Dataset.open(painted).part("train").examined().rows
    leaked = next(row for row in rows if row.pixel_hash == trained)
    shutil.copy(painted / leaked.path, tmp_path / "seg_test" / leaked.label / "leaked.jpg")
    figures = evaluated(scenelet, bundle, tmp_path)
    assert (figures["part"], figures["images"], figures["seen_in_training"]) == ("test", 37, 1)
    assert "1 of them were trained on" in scenelet("evaluate", bundle, tmp_path).out


def test_elsewhere_what_was_trained_on_is_left_out_by_name(bundle, painted, tmp_path, scenelet):
    shutil.copytree(painted / "seg_test", tmp_path / "mine")
    known = read_training_data(bundle / "training-data.csv")
    rows = Dataset.open(painted).part("train").examined().rows
    leaked = [row for row in rows if known[row.pixel_hash] == "train"][:2]
    for number, row in enumerate(leaked):
        shutil.copy(painted / row.path, tmp_path / "mine" / row.label / f"leaked-{number}.jpg")
    figures = evaluated(scenelet, bundle, tmp_path / "mine")
    assert (figures["part"], figures["images"], figures["seen_in_training"]) == ("other", 36, 0)
    assert {record["error"].split(":")[0] for record in figures["excluded"]} == {"was trained on"}
    assert len(figures["excluded"]) == 2


def test_copies_that_were_saved_again_are_known_as_what_they_are(
    bundle, painted, tmp_path, scenelet
):
    recorded = evaluated(scenelet, bundle, painted / "seg_train")
    for path in (painted / "seg_train").rglob("*.jpg"):
        copy = tmp_path / "mine" / path.parent.name / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        Image.open(path).save(copy, quality=80)
    figures = evaluated(scenelet, bundle, tmp_path / "mine")
    assert (figures["part"], figures["images"]) == ("val", recorded["images"])
    done = scenelet("evaluate", bundle, tmp_path / "mine", "--part", "all")
    assert "were trained on, so a figure on all would flatter" in done.err


def test_unusable_images_are_counted_and_named(bundle, painted, tmp_path, scenelet):
    shutil.copytree(painted / "seg_test" / "sea", tmp_path / "sea")
    (tmp_path / "sea" / "cut.jpg").write_bytes(
        next((painted / "seg_test" / "sea").iterdir()).read_bytes()[:2000]
    )
    figures = evaluated(scenelet, bundle, tmp_path)
    assert [record["source"] for record in figures["excluded"]] == ["sea/cut.jpg"]
    assert figures["images"] == 6


def test_unknown_classes_are_refused_by_name(bundle, painted, tmp_path, scenelet):
    shutil.copytree(painted / "seg_test" / "sea", tmp_path / "ocean")
    done = scenelet("evaluate", bundle, tmp_path)
    assert done.code == 1
    assert "class ocean is not among the bundle's (buildings, forest" in done.err


def test_fewer_classes_than_the_bundles_are_fine(bundle, painted, tmp_path, scenelet):
    shutil.copytree(painted / "seg_test" / "sea", tmp_path / "sea")
    figures = evaluated(scenelet, bundle, tmp_path)
    assert figures["per_class"]["forest"]["recall"]["value"] is None


@pytest.mark.parametrize("part", ["validation", ""])
def test_an_unknown_part_is_refused(bundle, painted, scenelet, part):
    done = scenelet("evaluate", bundle, painted, "--part", part)
    assert done.code == 1
    assert "--part: found" in done.err


def test_the_table_shows_interval_and_confusion(bundle, painted, scenelet):
    out = scenelet("evaluate", bundle, painted).out
    assert "36 images: the test part" in out
    assert "top-1 accuracy" in out
    assert "true \\ answer" in out
