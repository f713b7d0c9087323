"""The pages of docs/ become a site without a warning: every link, anchor and name of the API is there."""

import subprocess
import sys

import pytest
from commands import REPOSITORY

pytestmark = pytest.mark.pipeline


def test_the_pages_build_strictly_and_show_the_api(tmp_path):
    pytest.importorskip("mkdocstrings", reason="needs the extra docs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", tmp_path / "site"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "WARNING -" not in done.stderr
    api = (tmp_path / "site" / "api" / "index.html").read_text()
    assert all(
        f'id="scenelet.api.{name}"' in api
        for name in ("Bundle", "Bundle.export", "train", "evaluate")
    )
    assert "photo.jpg" in (tmp_path / "site" / "search" / "search_index.json").read_text()
    assert (tmp_path / "site" / "images" / "answers.png").is_file()
