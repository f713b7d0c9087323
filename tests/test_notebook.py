"""The notebook runs, once; and what is committed are outputs of the code that stands there."""

import ast
import base64
import importlib.util
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from commands import REPOSITORY
from PIL import Image

from scenelet.dataset.paint import paint_data_set

NOTEBOOK = REPOSITORY / "notebooks" / "intel-scenes.ipynb"
SCRIPT = REPOSITORY / "scripts" / "run_notebook.py"


def cells_of(path):
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def pictures_of(cell):
    """Its pictures, decoded."""
    found = [output.get("data", {}).get("image/png") for output in cell["outputs"]]
    return [Image.open(io.BytesIO(base64.b64decode(png))) for png in found if png]


def text_of(cell):
    return "".join("".join(output.get("text", [])) for output in cell["outputs"])


def shows_something(cell):
    """Whether its code prints, or ends in a value."""
    last = ast.parse("".join(cell["source"])).body[-1]
    return "print(" in "".join(cell["source"]) or isinstance(last, ast.Expr)


def check(cells):
    """What is to be seen is there.

    Pictures that are not blank, figures, an answer of the handler.
    """
    assert [bool(cell["outputs"]) for cell in cells] == [shows_something(cell) for cell in cells]
    pictures = [picture for cell in cells for picture in pictures_of(cell)]
    assert len(pictures) >= 6
    assert [np.asarray(picture.convert("L")).std() > 5 for picture in pictures] == [True] * len(
        pictures
    )
    status, _, body = text_of(cells[-1]).partition(" ")
    answer = json.loads(body)
    assert status == "200"
    assert answer["label"] == max(answer["probabilities"], key=answer["probabilities"].get)
    assert set(answer["probabilities"]) == set(ast.literal_eval(text_of(cells[1]).splitlines()[0]))


@pytest.mark.pipeline
def test_the_notebook_runs_top_to_bottom_on_painted_scenes(tmp_path):
    """It paints scenes where none lie; here fewer do, and its trainings take a third of the time."""
    paint_data_set(tmp_path / "notebook-work" / "painted", per_class=16)
    command = [sys.executable, SCRIPT, NOTEBOOK, "--out", tmp_path / "executed.ipynb"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    check(cells_of(tmp_path / "executed.ipynb"))


def test_the_committed_outputs_are_of_the_code_that_stands_there():
    spec = importlib.util.spec_from_file_location("run_notebook", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    cells = cells_of(NOTEBOOK)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert [cell["metadata"].get(script.EXECUTED) for cell in cells] == [
        script.fingerprint("".join(cell["source"])) for cell in cells
    ]
    check(cells)


def test_real_data_needs_one_changed_line():
    source = ["".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text())["cells"]]
    assert sum("DATA = None" in text for text in source) == 1
