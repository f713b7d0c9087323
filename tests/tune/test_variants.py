import json

import pytest
import yaml
from commands import REPOSITORY

from scenelet.errors import ConfigError
from scenelet.runs.recipe import from_values, resolve
from scenelet.tune.variants import read_variants, with_runs

TINY = (
    "epochs=1", "train_sizes=32", "input_size=32", "storage_size=40", "widths=8,16", "depths=1,1", "batch_size=16", "threads=1",
)  # fmt: skip


@pytest.mark.pipeline
def test_variants_are_compared_on_the_same_images_and_done_once(painted, tmp_path, scenelet):
    changes = {"first": {}, "plain": {"network": "plain"}, "depthwise": {"network": "depthwise"}}
    (tmp_path / "v.yaml").write_text(yaml.safe_dump(changes, sort_keys=False))
    flags = [part for dial in TINY for part in ("--set", dial)]
    command = ("variants", painted, "--of", tmp_path / "v.yaml", "--out", tmp_path / "out", *flags)
    done = scenelet(*command, "--json")
    assert done.code == 0, done.err
    table = json.loads(done.out)
    assert [row["name"] for row in table] == list(changes)
    assert len({row["images"] for row in table}) == 1
    assert table[0]["gain"] == 0
    for row in table:
        assert row["low"] <= row["top1_accuracy"] <= row["high"]
        assert row["gain"] == pytest.approx(row["top1_accuracy"] - table[0]["top1_accuracy"])
        assert row["gain_low"] <= row["gain"] <= row["gain_high"]
    assert table[2]["parameters"] < table[1]["parameters"]
    assert table[2]["size_mb"] < table[1]["size_mb"]
    again = scenelet(*command)
    assert again.code == 0
    assert "epoch" not in again.err
    assert json.loads((tmp_path / "out" / "variants.json").read_text()) == table
    page = (tmp_path / "out" / "variants.html").read_text()
    assert "depthwise" in page
    assert f"scenelet export {tmp_path / 'out'}/" in page
    other = scenelet(*command, "--set", "seed=7")
    assert other.code == 1
    assert "other images, labels or split" in other.err.splitlines()[-1]


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "recipes" / "variants").glob("*.yaml")), ids=lambda path: path.stem
)
def test_the_lists_that_come_along_are_valid(path):
    for name, part in read_variants(path.stem, []).items():
        from_values({**resolve("small", {}).as_dict(), **part}, name)


def test_a_variant_may_learn_from_another_wherever_the_runs_lie(tmp_path):
    changes = read_variants("ingredients", ["distilled"])
    assert with_runs(changes["distilled"], changes, tmp_path) == {
        "teacher": str(tmp_path / "recipe")
    }
    with pytest.raises(ConfigError, match=r"--teacher \{nonesuch\}: no variant of this name"):
        with_runs({"teacher": "{nonesuch}"}, changes, tmp_path)


def test_a_list_that_makes_no_sense_is_refused(tmp_path):
    (tmp_path / "one.yaml").write_text("only: {}")
    for of, only, message in (
        ("nonesuch", [], "give ingredients, networks"),
        (str(tmp_path / "one.yaml"), [], "at least two names"),
        ("networks", ["nonesuch"], "--only nonesuch"),
    ):
        with pytest.raises(ConfigError, match=message):
            read_variants(of, only)


def test_a_folder_that_is_not_there_leaves_nothing_behind(tmp_path, scenelet):
    out = tmp_path / "variants" / "mine"
    done = scenelet("variants", tmp_path / "nowhere", "--out", out)
    assert done.code == 1
    assert not out.parent.exists()
