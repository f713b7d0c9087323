import json
import re
from dataclasses import replace

import numpy as np
import pytest

from scenelet.answers import ask, open_bundle
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.manifest import read_manifest, write_manifest
from scenelet.dataset.row import Row
from scenelet.dataset.scenes import SCENES, jpeg, paint_scene
from scenelet.dataset.sources import Folder
from scenelet.explore.labels import doubt_labels, out_of_fold_probabilities, ranked
from scenelet.explore.layout import flat_map, grid_size, on_grid

pytestmark = pytest.mark.pipeline


def test_a_report_is_one_file_that_asks_nothing_of_the_network(painted, bundle, tmp_path, scenelet):
    out = tmp_path / "explore.html"
    done = scenelet("explore", painted / "seg_train", "--bundle", bundle, "--out", out)
    assert done.code == 0, done.err
    text = out.read_text()
    sections = re.findall(r"<h2>(.*?)</h2>", text)
    for title in (
        "Class balance",
        "Sizes",
        "Mean images",
        "At random",
        "Typical and atypical",
        "Map",
        "Neighbours across classes",
    ):
        assert title in sections
    assert not re.findall(r'(?:src|href)="(?!data:|#)', text)
    assert text.count("<script") == 1  # the page's own, known by its hash
    assert len(text) < 6_000_000
    pictures = re.findall(r"<img [^>]*>", text)
    assert len(pictures) > 20
    assert [each for each in pictures if not re.search(r'alt="[^"]+"', each)] == []


def test_a_report_beyond_its_size_limit_is_refused(painted, bundle, tmp_path, scenelet):
    done = scenelet(
        "explore",
        painted / "seg_train",
        "--bundle",
        bundle,
        "--out",
        tmp_path / "e.html",
        "--max-mb",
        "0.1",
    )
    assert done.code == 1
    assert "at most 0.1 allowed" in done.err
    assert not list(tmp_path.iterdir())


def test_file_names_cannot_smuggle_markup_into_a_report(bundle, tmp_path, scenelet):
    for label in ("sea", "forest"):
        (tmp_path / "d" / label).mkdir(parents=True)
        for number in range(3):
            (tmp_path / "d" / label / f"<b onload=x>{number}.jpg").write_bytes(
                jpeg(paint_scene(label, number))
            )
    assert (
        scenelet("data", "audit", tmp_path / "d", "--out", tmp_path / "a", "--bundle", bundle).code
        == 0
    )
    done = scenelet("explore", tmp_path / "d", "--out", tmp_path / "e.html", "--bundle", bundle)
    assert done.code == 0, done.err
    assert (
        "<b onload"
        not in (tmp_path / "e.html").read_text() + (tmp_path / "a" / "audit.html").read_text()
    )


def test_flipped_labels_are_at_the_top_of_the_ranking(tmp_path, shipped_bundle):
    """2 % of labels flipped: at least 80 % of them in the top 4 %."""
    rng = np.random.default_rng(3)
    names, rows = sorted(SCENES), []
    for name in names:
        for number in range(100):
            path = tmp_path / f"{name}-{number}.jpg"
            path.write_bytes(jpeg(paint_scene(name, 40_000 + number)))
            rows.append(Row(path.name, name, pixel_hash=f"{name}{number}"))
    flipped = set(rng.choice(len(rows), 12, replace=False).tolist())
    wrong = [
        Row(
            row.path, names[(names.index(row.label) + 1 + place % 5) % 6], pixel_hash=row.pixel_hash
        )
        if place in flipped
        else row
        for place, row in enumerate(rows)
    ]
    pictures = Dataset(Folder(tmp_path), tuple(wrong), is_verified=True)
    model = open_bundle(shipped_bundle)
    embeddings = ask(model, pictures, model.contract.preprocess).features
    judged = doubt_labels(wrong, *out_of_fold_probabilities(embeddings, wrong))
    top = set(ranked(judged)[: int(0.04 * len(rows))])
    assert len(flipped & top) >= 0.8 * len(flipped)


def test_labels_are_judged_by_the_command(painted, shipped_bundle, tmp_path, scenelet):
    done = scenelet("data", "audit", painted / "seg_train", "--out", tmp_path, "--json")
    assert done.code == 0, done.err
    rows = read_manifest(tmp_path / "manifest.csv")
    assert all(0 <= row.label_quality <= 1 for row in rows)
    doubted = [row for row in rows if row.suggested_label]
    assert len(doubted) == json.loads(done.out)["findings"]["labels"]
    assert all(
        row.suggested_label != row.label and "doubtful label" in row.issues and not row.excluded
        for row in doubted
    )


def test_every_picture_gets_a_cell_of_its_own():
    points = np.random.default_rng(0).normal(size=(12, 2))
    assert sorted(on_grid(points, 4, 3)) == list(range(12))


def test_points_that_are_a_grid_already_stay_where_they_are():
    x, y = np.meshgrid(np.arange(5.0), np.arange(3.0))
    assert list(on_grid(np.stack([x.ravel(), y.ravel()], 1), 5, 3)) == list(range(15))


@pytest.mark.parametrize("count", [1, 2, 7, 50, 540, 10_000])
def test_a_grid_never_has_more_cells_than_pictures(count):
    columns, rows = grid_size(count)
    assert 1 <= columns * rows <= count


def test_the_map_keeps_clusters_apart():
    rng = np.random.default_rng(0)
    embeddings = np.concatenate([rng.normal(centre, 0.1, (30, 8)) for centre in (0, 5)]).astype(
        np.float32
    )
    points = flat_map(embeddings)
    inside = np.linalg.norm(points[:30] - points[:30].mean(0), axis=1).mean()
    assert np.linalg.norm(points[:30].mean(0) - points[30:].mean(0)) > 2 * inside


def test_the_report_takes_a_manifest_with_its_labels_and_exclusions(
    painted, bundle, tmp_path, scenelet
):
    part = painted / "seg_test"
    assert scenelet("data", "audit", part, "--out", tmp_path, "--no-labels").code == 0
    rows = read_manifest(tmp_path / "manifest.csv")
    changed = [replace(row, label="ocean") if row.label == "sea" else row for row in rows]
    changed = [
        replace(row, excluded="asked for") if row.label == "forest" else row for row in changed
    ]
    write_manifest(tmp_path / "mine.csv", changed)
    done = scenelet(
        "explore",
        part,
        "--manifest",
        tmp_path / "mine.csv",
        "--bundle",
        bundle,
        "--out",
        tmp_path / "e.html",
    )
    assert done.code == 0, done.err
    assert (
        "30 images of 5 classes: buildings, glacier, mountain, ocean, street"
        in (tmp_path / "e.html").read_text()
    )
