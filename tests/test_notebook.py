import json
import subprocess
import sys

import pytest
from commands import REPOSITORY

pytestmark = pytest.mark.pipeline
NOTEBOOK = REPOSITORY / "notebooks" / "intel-scenes.ipynb"


def test_the_notebook_runs_top_to_bottom_on_painted_scenes(tmp_path):
    command = [
        sys.executable,
        REPOSITORY / "scripts" / "run_notebook.py",
        NOTEBOOK,
        "--out",
        tmp_path / "executed.ipynb",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    cells = json.loads((tmp_path / "executed.ipynb").read_text())["cells"]
    last = "".join(cells[-1]["outputs"][0]["text"])
    assert last.startswith("200 ")
    assert (
        sum(
            1
            for cell in cells
            for output in cell.get("outputs", [])
            if "image/png" in output.get("data", {})
        )
        >= 6
    )


def test_the_committed_notebook_has_its_outputs():
    cells = [
        cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"
    ]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))


def test_real_data_needs_one_changed_line():
    source = ["".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text())["cells"]]
    assert sum("DATA = None" in text for text in source) == 1
