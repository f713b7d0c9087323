import json
from base64 import b64encode

import pytest

from scenelet.dataset.corrections import (
    TABLE,
    bring,
    checked,
    correct,
    corrections,
    take_back,
)
from scenelet.dataset.dataset import Dataset
from scenelet.dataset.row import Row
from scenelet.dataset.scenes import jpeg, paint_scene
from scenelet.errors import DataError, ImageError


@pytest.fixture(scope="module")
def picture():
    return jpeg(paint_scene("sea", 1))


def test_a_picture_is_kept_once_by_its_pixels_and_the_last_word_counts(picture, tmp_path):
    correct(tmp_path, picture, "forest", "sea", "mine")
    kept = correct(tmp_path, picture, "glacier", "sea", "mine")
    assert corrections(tmp_path) == [kept]
    assert (tmp_path / kept.path).read_bytes() == picture
    assert (kept.label, kept.is_right) == ("glacier", False)
    take_back(tmp_path, kept.pixels)
    assert corrections(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".jpg"] == []


def test_the_folder_is_a_data_set_for_every_command(picture, tmp_path):
    correct(tmp_path, picture, "glacier", "sea", "mine")
    correct(tmp_path, jpeg(paint_scene("sea", 2)), "sea", "sea", "mine")
    assert Dataset.open(tmp_path).class_names == ("glacier", "sea")


def test_what_is_no_picture_or_has_no_label_is_not_kept(picture, tmp_path):
    with pytest.raises(ImageError):
        correct(tmp_path, b"hello", "sea", "", "")
    with pytest.raises(DataError, match="needs a label"):
        correct(tmp_path, picture, " ", "", "")
    assert not (tmp_path / TABLE).exists()


def test_what_the_page_of_a_service_saved_is_brought(picture, tmp_path):
    line = {"label": "sea", "answered": "forest", "picture": b64encode(picture).decode()}
    saved = tmp_path / "corrections.jsonl"
    saved.write_text(f"{json.dumps(line)}\n{json.dumps(line)}\n")
    assert bring(tmp_path / "kept", saved) == 1
    saved.write_text('{"label": "sea"}\n')
    with pytest.raises(DataError, match="line 1: no correction"):
        bring(tmp_path / "kept", saved)


def test_what_can_not_be_learned_from_is_told(picture, tmp_path):
    kept = correct(tmp_path, picture, "sea", "forest", "mine")
    assert checked([kept], ["sea"], []) == ([kept], [])
    for names, rows, why in (
        (["forest"], [], "none of its classes"),
        (["sea"], [Row("a.jpg", "sea", pixel_hash=kept.pixels)], "in the data set already"),
        (["sea"], [Row("a.jpg", "forest", pixel_hash=kept.pixels)], "labelled forest there"),
    ):
        found, told = checked([kept], names, rows)
        assert found == []
        assert why in told[0]
