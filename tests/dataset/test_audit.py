"""A data set spoilt on purpose.

Every fault is found with its reason, and nothing sound is left out.
"""

import io
import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from servers import wait_until

from scenelet.dataset.audit import _with_odd_sizes, audit, look_at_all
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.duplicates import exact_groups, joined, near_groups
from scenelet.dataset.faults import look_at
from scenelet.dataset.manifest import read_manifest
from scenelet.dataset.paint import paint_data_set
from scenelet.dataset.row import Row
from scenelet.dataset.scenes import jpeg, paint_scene
from scenelet.export.golden import rotated_jpeg


def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def out_of_focus(seed=0):
    """Soft patches in many tones, as a lens far out of focus gives them."""
    patches = np.clip(np.random.default_rng(seed).normal(85, 40, (5, 5)), 0, 255).astype(np.uint8)
    return Image.fromarray(patches).resize((150, 150), Image.Resampling.BICUBIC).convert("RGB")


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory):
    """Painted scenes with one of each fault; returns (folder, what was done to which file)."""
    root = tmp_path_factory.mktemp("spoilt") / "scenes"
    paint_data_set(root, 16)
    shutil.rmtree(root / "seg_pred")
    train, test = root / "seg_train", root / "seg_test"
    scene = paint_scene("sea", 999)
    content = {
        "sea/empty.jpg": (b"", "empty: 0 bytes"),
        "sea/cut.jpg": (jpeg(scene)[:2500], "damaged JPEG"),
        "sea/garbled.png": (png(scene)[:200] + b"\0" * 500 + png(scene)[700:], "damaged PNG"),
        "sea/text.jpg": (b"no picture", "not an image"),
        "forest/really-png.jpg": (png(paint_scene("forest", 998)), "wrong extension"),
        "forest/turned.jpg": (rotated_jpeg(paint_scene("forest", 997), 6), "EXIF-rotated"),
        "forest/palette.png": (png(paint_scene("forest", 996).convert("P")), "odd mode"),
        "street/wide.jpg": (jpeg(paint_scene("street", 995).resize((900, 150))), "odd aspect"),
        "street/large.jpg": (jpeg(paint_scene("street", 994).resize((700, 700))), "odd size"),
        "street/night.jpg": (
            jpeg(ImageEnhance.Brightness(paint_scene("street", 993)).enhance(0.12)),
            "dark",
        ),
        "glacier/white.jpg": (jpeg(Image.new("RGB", (150, 150), (251, 251, 252))), "bright"),
        "glacier/flat.jpg": (jpeg(Image.new("RGB", (150, 150), (90, 120, 140))), "low information"),
        "mountain/soft.jpg": (
            jpeg(out_of_focus(4)),
            "blurred",
        ),
    }
    for name, (data, _) in content.items():
        (train / name).write_bytes(data)
    first = sorted((train / "sea").glob("0*.jpg"))[0]
    shutil.copy(first, train / "sea" / "copy.jpg")
    shutil.copy(sorted((train / "forest").glob("0*.jpg"))[0], train / "street" / "conflict.jpg")
    shutil.copy(sorted((test / "mountain").glob("0*.jpg"))[0], train / "mountain" / "leak.jpg")
    Image.open(sorted((train / "buildings").glob("0*.jpg"))[0]).save(
        train / "buildings" / "again.jpg", quality=60
    )
    shutil.rmtree(test / "glacier")
    (train / "empty-class").mkdir()
    (train / ".ipynb_checkpoints").mkdir()
    (train / "sea" / "notes.txt").write_text("x")
    return root, {f"seg_train/{name}": fault for name, (_, fault) in content.items()}


@pytest.fixture(scope="module")
def found(spoilt):
    return audit(Dataset.open(spoilt[0]))


def rows_of_split(folder, split):
    return [
        row
        for row in read_manifest(folder / "manifest.csv")
        if row.split == split and not row.excluded
    ]


def row(found, name):
    return next(row for row in found.rows if row.path == f"seg_train/{name}")


def test_each_spoilt_image_is_found_with_its_reason(found, spoilt):
    for path, fault in spoilt[1].items():
        entry = next(row for row in found.rows if row.path == path)
        assert fault in f"{entry.excluded}; {entry.issues}", path


def test_duplicates_conflicts_and_leakage_are_told_apart(found):
    assert "duplicate" in row(found, "sea/copy.jpg").issues
    assert row(found, "sea/copy.jpg").excluded == ""
    assert row(found, "street/conflict.jpg").excluded.startswith(
        "the same picture under another label: seg_train/forest/"
    )
    assert row(found, "mountain/leak.jpg").excluded.startswith(
        "the same picture in another split: seg_test/mountain/"
    )
    assert "near-duplicate" in row(found, "buildings/again.jpg").issues


def test_a_wrong_copy_in_training_costs_the_test_part_no_picture(painted, tmp_path):
    root = tmp_path / "scenes"
    shutil.copytree(painted, root)
    locked = sorted((root / "seg_test" / "sea").glob("*.jpg"))[0]
    shutil.copy(locked, root / "seg_train" / "forest" / "wrong.jpg")
    audited = audit(Dataset.open(root))
    excluded = {row.path for row in audited.rows if row.excluded}
    assert excluded == {"seg_train/forest/wrong.jpg"}


def test_an_audit_whose_workers_can_not_start_goes_on_by_itself(painted, monkeypatch):
    """As in a script without a main guard, or where the system ends a worker for its memory."""

    def broken(*_, **__):
        raise BrokenProcessPool

    monkeypatch.setattr("scenelet.engine.cores", lambda: 2)
    monkeypatch.setattr("scenelet.dataset.audit._CHUNK", 8)
    monkeypatch.setattr(ProcessPoolExecutor, "map", broken)
    dataset = Dataset.open(painted)
    told = []
    assert len(look_at_all(dataset, lambda: told.append(1))) == len(dataset) == len(told)


def test_a_picture_much_like_one_of_the_other_folder_is_marked_but_kept(painted, tmp_path):
    for label in ("street", "buildings"):
        (tmp_path / label).mkdir()
        source = sorted((painted / "seg_test" / label).iterdir())[0]
        Image.open(source).save(tmp_path / label / "again.jpg", quality=60)
    found = audit(Dataset.open(tmp_path), Dataset.open(painted / "seg_test"))
    assert all("near-leakage" in entry.issues and not entry.excluded for entry in found.rows)


def test_the_test_part_keeps_its_copy_of_a_leaked_picture(found):
    kept = [row for row in found.rows if row.split == "test"]
    assert any("leakage" in row.issues for row in kept)
    assert not any(row.excluded for row in kept)


def test_nothing_sound_is_left_out(found, spoilt):
    unusable = {
        path
        for path, fault in spoilt[1].items()
        if fault.split(":")[0].split()[0] in ("empty", "damaged", "not")
    }
    left_out = {row.path for row in found.rows if row.excluded}
    partner = next(row.path for row in found.rows if row.excluded and row.label == "forest")
    assert left_out == unusable | {
        "seg_train/street/conflict.jpg",
        "seg_train/mountain/leak.jpg",
        partner,
    }


def test_the_folders_own_faults_are_named(found):
    assert "class glacier: in another split but missing from test" in found.folder_faults
    assert any(
        "empty-class: class folder without an image" in fault for fault in found.folder_faults
    )
    passed_over = {entry.path: entry.reason for entry in found.dataset.passed_over}
    assert passed_over["seg_train/.ipynb_checkpoints"] == "litter of a system"
    assert passed_over["seg_train/sea/notes.txt"] == "not an image file"


def test_alike_pictures_share_a_group_that_a_split_keeps_together(found):
    again = row(found, "buildings/again.jpg")
    assert sum(1 for entry in found.rows if entry.group == again.group) == 2


def test_another_folder_is_compared(painted, tmp_path):
    (tmp_path / "sea").mkdir()
    (tmp_path / "forest").mkdir()
    leaked = next((painted / "seg_test" / "sea").iterdir())
    shutil.copy(leaked, tmp_path / "sea" / "leaked.jpg")
    (tmp_path / "forest" / "own.jpg").write_bytes(jpeg(paint_scene("forest", 5_000)))
    found = audit(Dataset.open(tmp_path), Dataset.open(painted / "seg_test"))
    assert [entry.path for entry in found.rows if entry.excluded] == ["sea/leaked.jpg"]
    assert found.counts()["leakage"] == 1


def test_auditing_alters_nothing(spoilt):
    before = {path: path.stat().st_mtime_ns for path in spoilt[0].rglob("*")}
    audit(Dataset.open(spoilt[0]))
    assert {path: path.stat().st_mtime_ns for path in spoilt[0].rglob("*")} == before


@pytest.mark.pipeline
def test_the_command_writes_manifest_summary_and_report_and_can_be_a_gate(
    spoilt, tmp_path, scenelet
):
    arguments = ("data", "audit", spoilt[0], "--out", tmp_path, "--no-labels")
    done = scenelet(*arguments, "--json")
    assert done.code == 0, done.err
    summary = json.loads(done.out)
    assert summary == json.loads((tmp_path / "audit.json").read_text())
    assert summary["findings"]["unreadable"] == 4
    assert len(read_manifest(tmp_path / "manifest.csv")) == summary["images"]
    assert "Label conflicts" in (tmp_path / "audit.html").read_text()
    gated = scenelet(*arguments, "--fail-on", "conflicts,leakage")
    assert gated.code == 1
    assert "found conflicts, leakage" in gated.err
    assert scenelet("data", "audit", spoilt[0], "--fail-on", "ghosts").code == 1


@pytest.mark.pipeline
def test_the_manifest_is_taken_by_train_and_evaluate(spoilt, bundle, tmp_path, scenelet):
    assert scenelet("data", "audit", spoilt[0], "--out", tmp_path / "a", "--no-labels").code == 0
    manifest = ("--manifest", tmp_path / "a" / "manifest.csv")
    flags = (
        "--recipe",
        "quick",
        "--epochs",
        "1",
        "--threads",
        "1",
        "--runs",
        tmp_path,
        "--name",
        "r",
    )
    trained = scenelet("train", spoilt[0], *manifest, *flags)
    assert trained.code == 0, trained.err
    rows = read_manifest(tmp_path / "r" / "manifest.csv")
    assert next(row for row in rows if row.path.endswith("conflict.jpg")).split == "train"
    assert next(row for row in rows if row.path.endswith("conflict.jpg")).excluded
    done = scenelet("evaluate", bundle, spoilt[0], *manifest, "--json")
    assert done.code == 0, done.err
    figures = json.loads(done.out)
    assert (figures["part"], figures["images"]) == (
        "test",
        sum(1 for row in rows_of_split(tmp_path / "a", "test")),
    )
    wrong = scenelet("train", tmp_path, *manifest, *flags)
    assert wrong.code == 1
    assert re.search(r"of its [\d,]+ images are not in", wrong.err)


@pytest.mark.pipeline
@pytest.mark.parametrize("kind", ["dark", "blurry", "low_information", "light"])
def test_image_faults_agree_with_cleanvision(tmp_path, kind):
    from cleanvision import Imagelab

    pictures = [
        paint_scene(label, seed) for label in ("sea", "forest", "street") for seed in range(8)
    ]
    spoil = {
        "dark": lambda image: ImageEnhance.Brightness(image).enhance(0.1),
        "light": lambda image: Image.fromarray((250 + np.asarray(image) // 50).astype(np.uint8)),
        "blurry": lambda image: out_of_focus(image.getpixel((3, 3))[0]),
        "low_information": lambda image: image.quantize(3).convert("RGB"),
    }[kind]
    names = {
        "dark": "dark",
        "light": "bright",
        "blurry": "blurred",
        "low_information": "low information",
    }
    for number, picture in enumerate(pictures):
        (spoil(picture) if number % 2 else picture).save(tmp_path / f"{number:02d}.png")
    lab = Imagelab(data_path=str(tmp_path))
    lab.find_issues({kind: {}}, n_jobs=1, verbose=False)
    theirs = {path.rsplit("/", 1)[-1] for path in lab.issues.index[lab.issues[f"is_{kind}_issue"]]}
    ours = {
        path.name
        for path in tmp_path.iterdir()
        if names[kind] in look_at(path.read_bytes(), path.name).issues
    }
    assert theirs
    assert len(ours ^ theirs) <= 1  # a picture at the threshold may fall on either side


def test_groups_join_across_pairs():
    assert joined([(1, 2), (5, 6), (2, 3)]) == [[1, 2, 3], [5, 6]]
    assert exact_groups(["a", "", "b", "a", ""]) == [[0, 3]]


def test_different_flat_pictures_are_not_alike():
    looks = [
        look_at(png(Image.new("RGB", (150, 150), colour)), "x.png")
        for colour in ("white", "black", "navy")
    ]
    assert near_groups(looks) == []


def read_whole(folder):
    """Read what an audit has written so far: a file that was cut short makes this fail."""
    page, summary, manifest = (
        folder / name for name in ("audit.html", "audit.json", "manifest.csv")
    )
    assert not page.exists() or page.read_text().rstrip().endswith("</html>")
    assert not summary.exists() or json.loads(summary.read_text())["images"] == 180
    assert not manifest.exists() or len(read_manifest(manifest)) == 180


@pytest.mark.pipeline
@pytest.mark.parametrize("begun", ["audit.html", "audit.json", "manifest.csv"])
def test_killed_while_it_writes_the_audit_leaves_no_half_file_and_starts_clean(
    begun, painted, tmp_path, scenelet
):
    out = tmp_path / "a"
    arguments = ["data", "audit", str(painted), "--out", str(out), "--no-labels"]
    process = subprocess.Popen(
        [sys.executable, "-m", "scenelet", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: process.poll() is not None or list(out.glob(f"*{begun}*")), begun)
    process.kill()
    process.wait()
    assert list(out.glob(f"*{begun}*"))  # itself, or what was being written
    read_whole(out)
    assert scenelet(*arguments).code == 0
    read_whole(out)
    assert {path.name for path in out.iterdir()} == {"audit.html", "audit.json", "manifest.csv"}


def test_where_most_pictures_have_one_size_not_every_other_size_is_odd():
    sizes = [(400, 533)] * 20 + [(400, 400), (400, 712), (533, 400)] * 3 + [(40, 53), (1600, 2132)]
    rows = [
        Row(f"{number}.jpg", "hat", width=width, height=height)
        for number, (width, height) in enumerate(sizes)
    ]
    odd = [(row.width, row.height) for row in _with_odd_sizes(rows) if row.issues]
    assert odd == [(40, 53), (1600, 2132)]
