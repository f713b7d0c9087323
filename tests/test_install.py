"""`pip install .` without extras, in an environment of its own."""

import json
import subprocess
import venv

import pytest
from commands import REPOSITORY, run_process

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="module")
def core_python(tmp_path_factory):
    folder = tmp_path_factory.mktemp("core") / "venv"
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "-q", REPOSITORY], check=True, capture_output=True
    )
    return python


def test_the_core_installs_without_torch_and_predicts_offline(
    core_python, tmp_path, shipped_bundle
):
    listed = subprocess.run(
        [core_python, "-m", "pip", "list", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {package["name"].lower() for package in json.loads(listed.stdout)}
    assert "scenelet" in names
    assert not names & {"torch", "lightning", "transformers", "pandas", "pyyaml", "onnxruntime"}
    picture = shipped_bundle / "golden" / "forest-large.jpg"
    done = run_process("predict", picture, "--json", cwd=tmp_path, python=core_python)
    assert done.code == 0, done.err
    assert json.loads(done.out)["bundle"] == "intel-scenes"


def test_a_real_image_is_predicted_by_the_core(core_python, real_images, tmp_path):
    picture = next((real_images / "forest").iterdir())
    done = run_process("predict", picture, "--json", cwd=tmp_path, python=core_python)
    assert json.loads(done.out)["label"] in {
        "buildings",
        "forest",
        "glacier",
        "mountain",
        "sea",
        "street",
    }


@pytest.mark.parametrize("command", [("train", "."), ("export", ".")])
def test_what_needs_an_extra_says_how_to_install_it(core_python, tmp_path, command):
    done = run_process(*command, cwd=tmp_path, python=core_python)
    assert done.code == 1
    assert "this command needs scenelet[train]" in done.err
    assert "pip install 'scenelet[train]'" in done.err
    assert len(done.err.splitlines()) == 1
