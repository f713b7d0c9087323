"""`scenelet drift` on pictures themselves."""

import json
import shutil

import pytest

from scenelet.dataset.strangers import paint_strangers


@pytest.fixture(scope="module")
def strange(tmp_path_factory):
    """Sixty pictures of none of the classes, and a broken one."""
    folder = tmp_path_factory.mktemp("strange")
    for kind, pictures in paint_strangers(12).items():
        (folder / kind).mkdir()
        for number, content in enumerate(pictures):
            (folder / kind / f"{number}.jpg").write_bytes(content)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff" + b"x" * 3000)
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_a_folder_of_other_pictures_is_told_as_drift_and_the_strangest_are_shown(
    strange, shipped_bundle, scenelet, tmp_path
):
    report = tmp_path / "drift.html"
    words = ("drift", strange, "--bundle", shipped_bundle, "--report", report, "--fail")
    done = scenelet(*words)
    assert done.code == 1
    assert "60 answers" in done.out
    assert "62 files: 60 used, 1 left out" in done.err
    assert done.out.startswith("changed: ")
    page = report.read_text()
    assert "Least like the bundle" in page
    assert page.count("data:image/jpeg") == 24


def test_pictures_like_those_of_the_bundle_are_no_drift_by_what_they_show(
    painted, bundle, scenelet
):
    done = scenelet("drift", painted / "seg_train", "--bundle", bundle, "--json")
    assert done.code == 0, done.err
    told = {shift["name"]: shift["verdict"] for shift in json.loads(done.out)["shifts"]}
    assert told["brightness"] == told["sharpness"] == "no drift shown"


def test_too_few_pictures_and_none_are_one_line(strange, bundle, scenelet, tmp_path):
    shutil.copytree(strange / "noise", tmp_path / "few")
    done = scenelet("drift", tmp_path / "few", "--bundle", bundle)
    assert done.code == 1
    assert "found 12 answers of tiny" in done.err
    assert "more pictures" in done.err
    (tmp_path / "none").mkdir()
    assert "no image in it" in scenelet("drift", tmp_path / "none", "--bundle", bundle).err
