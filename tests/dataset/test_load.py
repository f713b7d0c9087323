import numpy as np
import pytest

from scenelet.dataset.dataset import Dataset
from scenelet.dataset.load import load_pixels
from scenelet.dataset.manifest import read_manifest, write_manifest
from scenelet.dataset.row import Row
from scenelet.dataset.sources import Folder
from scenelet.errors import DataError, UnreadableImageError
from scenelet.images import PreprocessSpec, to_input


def test_an_image_that_cannot_be_used_is_a_row_with_its_reason(painted, tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    source = next((painted / "seg_train" / "sea").iterdir()).read_bytes()
    (folder / "1.jpg").write_bytes(source)
    (folder / "2.jpg").write_bytes(b"")
    (folder / "3.jpg").write_bytes(source[:900])
    (folder / "4.jpg").write_text("not a picture")
    rows = Dataset.open(tmp_path).examined().rows
    assert [row.excluded.split(":")[0] for row in rows] == [
        "",
        "empty",
        "damaged JPEG",
        "not an image",
    ]
    assert (rows[0].width, rows[0].height) == (150, 150)
    assert rows[1].pixel_hash == ""


def test_pixels_come_by_the_one_preprocessing(painted):
    found = Dataset.open(painted)
    found, spec = found.of(found.rows[:5]), PreprocessSpec(32, 48)
    pixels = load_pixels(found, found.class_names, spec)
    assert pixels.images.shape == (5, 48, 32, 3)
    for image, row in zip(pixels.images, found.rows, strict=True):
        assert np.array_equal(image, to_input((painted / row.path).read_bytes(), spec)[0])


def test_a_file_that_vanished_meanwhile_is_named(tmp_path):
    gone = Dataset(Folder(tmp_path), (Row("gone.jpg", "a"),))
    with pytest.raises(UnreadableImageError, match=r"gone\.jpg: can't be read"):
        load_pixels(gone, ["a"], PreprocessSpec(8, 8))


def test_a_manifest_reads_back_as_written(tmp_path):
    rows = [
        Row("a/1, ü.jpg", "a", "train", 150, 100, "ab" * 8, ""),
        Row("b/2.jpg", "b", excluded='empty: "0" bytes'),
    ]
    write_manifest(tmp_path / "m.csv", rows)
    assert read_manifest(tmp_path / "m.csv") == rows


@pytest.mark.parametrize(
    "text", ["path,name\n1,2\n", "path,label,split,width,height,pixel_hash,excluded\na,b,,x,1,,\n"]
)
def test_a_malformed_manifest_is_one_clear_line(tmp_path, text):
    (tmp_path / "m.csv").write_text(text)
    with pytest.raises(DataError, match=r"m\.csv: "):
        read_manifest(tmp_path / "m.csv")
