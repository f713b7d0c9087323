import shutil

import pytest

from scenelet.bundle.contract import read_contract
from scenelet.dataset.corrections import corrections
from scenelet.dataset.scenes import jpeg, paint_scene


def test_a_picture_is_corrected_by_a_command(tmp_path, scenelet):
    (tmp_path / "a.jpg").write_bytes(jpeg(paint_scene("sea", 1)))
    words = ("correct", tmp_path / "a.jpg", "--corrections", tmp_path / "kept")
    assert "what is it?" in scenelet(*words).err
    done = scenelet(*words, "--label", "sea")
    assert done.code == 0, done.err
    assert [each.label for each in corrections(tmp_path / "kept")] == ["sea"]


def test_without_a_correction_nothing_is_trained(run_of_nothing, tmp_path, scenelet, bundle):
    done = scenelet("improve", run_of_nothing, bundle, "--corrections", tmp_path / "none")
    assert done.code == 1
    assert "Traceback" not in done.err


@pytest.fixture
def run_of_nothing(tmp_path):
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


@pytest.mark.pipeline
def test_trained_again_with_corrections_the_bundle_is_replaced_where_it_is_not_worse(
    run_folder, exported, painted, tmp_path, scenelet
):
    kept, mine = tmp_path / "kept", shutil.copytree(exported, tmp_path / "mine")
    before = read_contract(mine).sha256
    for seed in range(5):
        (tmp_path / f"{seed}.jpg").write_bytes(jpeg(paint_scene("sea", 900 + seed)))
    pictures = [tmp_path / f"{seed}.jpg" for seed in range(5)]
    scenelet("correct", *pictures, "--label", "sea", "--corrections", kept)
    words = ("improve", run_folder, mine, "--corrections", kept, "--out", tmp_path / "improved")
    done = scenelet(*words)
    assert done.code == 0, done.err
    assert "5 pictures to add" in done.err
    is_worse = "the new one is: worse" in done.out
    assert (read_contract(mine).sha256 == before) == is_worse
    if not is_worse:
        assert _trained(mine) == 5 + _trained(exported)
        assert read_contract(tmp_path / "improved" / "before").sha256 == before


def _trained(bundle):
    return sum(read_contract(bundle).training.images["train"].values())
