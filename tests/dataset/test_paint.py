import hashlib
from collections import Counter

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from scenelet.dataset.paint import count_painted, paint_data_set
from scenelet.dataset.scenes import SCENES, paint_scene
from scenelet.errors import ArtefactError


def hashes(folder):
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*.jpg")
    }


def test_painting_is_deterministic_and_seeded(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        paint_data_set(tmp_path / name, 3, seed)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")
    assert not set(hashes(tmp_path / "a").values()) & set(hashes(tmp_path / "c").values())


def test_the_layout_is_intels(tmp_path):
    counts = paint_data_set(tmp_path / "x", 8)
    assert counts == {"seg_train": 48, "seg_test": 12, "seg_pred": 6}
    assert sum(counts.values()) == count_painted(8) == len(set(hashes(tmp_path / "x").values()))
    assert Counter(
        path.parent.name for path in (tmp_path / "x" / "seg_train").rglob("*.jpg")
    ) == dict.fromkeys(SCENES, 8)
    assert all(
        path.parent.name == "seg_pred" for path in (tmp_path / "x" / "seg_pred").rglob("*.jpg")
    )


def test_a_folder_with_something_in_it_is_not_painted_over(tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(ArtefactError, match="is not empty"):
        paint_data_set(tmp_path, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.pipeline
def test_a_linear_model_on_raw_pixels_does_not_solve_it():
    def table(count, start):
        pictures = [
            (paint_scene(label, start + n), label) for label in sorted(SCENES) for n in range(count)
        ]
        small = [
            np.asarray(p.resize((20, 20), Image.Resampling.BILINEAR), float).ravel() / 255
            for p, _ in pictures
        ]
        return np.array(small), [label for _, label in pictures]

    model = LogisticRegression(C=0.1, max_iter=60).fit(*table(100, 0))
    assert model.score(*table(30, 10_000)) < 0.8
