"""Which place a command is about: the same options wherever labels are read."""

import json
import shutil

import pytest

from scenelet.dataset.paint import paint_data_set

NATURE = ("forest", "glacier", "mountain", "sea")


@pytest.fixture(scope="module")
def nested(tmp_path_factory):
    """Scenes that the tiny bundle has not seen, each class folder in one of two others."""
    home = tmp_path_factory.mktemp("nested")
    paint_data_set(home / "scenes", 4, seed=5)
    for folder in sorted((home / "scenes" / "seg_train").iterdir()):
        above = "nature" if folder.name in NATURE else "built"
        shutil.copytree(folder, home / "photos" / above / folder.name)
    return home / "photos"


def test_a_bundle_is_judged_on_nested_folders_by_the_level_that_it_learned_from(
    nested, bundle, scenelet, tmp_path
):
    ledger = ("--ledger", tmp_path / "ledger.jsonl")
    refused = scenelet("evaluate", bundle, nested, *ledger)
    assert refused.code == 1
    assert "say by --label-level which of nested folders name the classes" in refused.err
    done = scenelet("evaluate", bundle, nested, "--label-level", "leaf", *ledger, "--json")
    assert json.loads(done.out)["images"] == 24, done.err


def test_bundles_are_compared_on_nested_folders_and_on_a_table_whose_columns_are_named(
    nested, bundle, scenelet, tmp_path
):
    ledger = ("--ledger", tmp_path / "ledger.jsonl", "--json")
    by_level = scenelet("compare", bundle, bundle, nested, "--label-level", "leaf", *ledger)
    paths = sorted(nested.rglob("*.jpg"))
    assert len(paths) == 24
    lines = [f"{path.relative_to(nested)},{path.parent.name}" for path in paths]
    (tmp_path / "t.csv").write_text("\n".join(["bild,art", *lines]))
    named = ("--images", nested, "--column", "path=bild", "--column", "label=art")
    by_table = scenelet("compare", bundle, bundle, tmp_path / "t.csv", *named, *ledger)
    assert [json.loads(each.out)["images"] for each in (by_level, by_table)] == [24, 24]


def test_the_page_of_a_nested_folder_goes_by_the_level_and_names_it_in_what_is_next(
    nested, scenelet, tmp_path
):
    done = scenelet("explore", nested, "--label-level", "leaf", "--out", tmp_path / "page.html")
    assert done.code == 0, done.err
    assert f"next: scenelet data audit {nested} --label-level leaf" in done.out + done.err
    assert "mountain" in (tmp_path / "page.html").read_text()
    assert "24 files: 24 used, 0 left out, 0 passed over" in done.err


def test_what_a_manifest_leaves_out_is_in_the_account_of_a_page_and_of_a_comparison(
    nested, bundle, scenelet, tmp_path
):
    paths = sorted(nested.rglob("*.jpg"))
    lines = [
        f"{path.relative_to(nested)},{path.parent.name},{'' if number else 'blurred'}"
        for number, path in enumerate(paths)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["path,label,excluded", *lines]))
    chosen = (nested, "--manifest", tmp_path / "t.csv")
    page = scenelet("explore", *chosen, "--out", tmp_path / "page.html")
    judged = scenelet("compare", bundle, bundle, *chosen, "--ledger", tmp_path / "ledger.jsonl")
    assert "24 files: 23 used, 0 left out, 1 passed over (1 blurred)" in page.err
    assert "24 files: 23 used, 0 left out, 1 passed over (1 blurred)" in judged.out


@pytest.mark.parametrize("command", [("data", "audit"), ("predict",)])
def test_the_whole_machine_is_no_place_of_pictures(command, scenelet):
    refused = scenelet(*command, "/")
    assert refused.code == 1
    assert "/: all of this machine. Give the folder that holds the pictures." in refused.err


def test_a_home_folder_is_told_as_that(nested, bundle, scenelet, monkeypatch):
    monkeypatch.setenv("HOME", str(nested))
    done = scenelet("predict", nested, "--bundle", bundle)
    assert done.code == 0, done.err
    assert f"{nested}: your home folder, with all that is in it." in done.err
