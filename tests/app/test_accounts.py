"""Pages that take a folder of pictures account for every file, by Streamlit's own harness."""

import os
import shutil

import pytest
from streamlit.testing.v1 import AppTest

from scenelet.app.sources import Sources
from scenelet.text import markdown


@pytest.fixture
def folder(painted, tmp_path):
    """Twelve pictures, and what lies beside them on a server."""
    root = tmp_path / "photos"
    root.mkdir()
    for number, picture in enumerate(sorted((painted / "seg_pred").iterdir())[:12]):
        shutil.copy(picture, root / f"{number}.jpg")
    (root / "@eaDir").mkdir()
    for name in ("@eaDir/0.jpg", "._1.jpg", "notes.txt"):
        (root / name).write_bytes(b"words")
    (root / "empty.jpg").touch()
    (root / "broken.jpg").symlink_to("nowhere.jpg")
    (root / "0.jpg").rename(root / os.fsdecode(b"h\xfctte.jpg"))
    return root


@pytest.mark.parametrize("name", ["drift", "label"])
def test_every_file_is_accounted_for(name, folder, bundle, tmp_path, monkeypatch):
    asked = Sources(str(bundle), runs=str(tmp_path / "runs"))
    for variable, value in asked.to_environment().items():
        monkeypatch.setenv(variable, value)
    page = AppTest.from_string(f"from scenelet.app.{name} import page\npage()", default_timeout=60)
    page.run().text_input[0].set_value(str(folder)).run()
    assert not page.exception
    told = (
        "17 files: 12 used, 1 left out (1 empty), 4 passed over (2 litter of a system, 1 broken"
        " link, 1 not an image file)"
    )
    assert markdown(told) in [each.value for each in page.caption]
