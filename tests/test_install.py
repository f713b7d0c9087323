"""`pip install .` without extras, in an environment of its own."""

import json
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest
from commands import REPOSITORY, run_process

pytestmark = pytest.mark.pipeline


def built(folder):
    """A wheel of this repository."""
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", folder]
    subprocess.run([*command, REPOSITORY], check=True, capture_output=True)
    return next(folder.glob("scenelet-*.whl"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def core_python(tmp_path_factory, wheel):
    folder = tmp_path_factory.mktemp("core") / "venv"
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", wheel], check=True, capture_output=True)
    return python


def test_two_builds_of_a_wheel_have_the_same_bytes(wheel, tmp_path):
    assert built(tmp_path).read_bytes() == wheel.read_bytes()


def test_a_wheel_holds_what_it_needs_at_run_time(wheel):
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    assert {
        "scenelet/py.typed",
        "scenelet/__init__.pyi",
        "scenelet/serve/page.html",
        "scenelet/export/site/picture.js",
        "scenelet/models/intel-scenes/bundle.json",
        "scenelet/recipes/quick.yaml",
    } <= names


def test_an_installed_command_predicts_and_names_its_parts(core_python, tmp_path, shipped_bundle):
    shutil.copy(shipped_bundle / "golden" / "buildings.jpg", tmp_path / "photo.jpg")
    scenelet = core_python.with_name("scenelet")
    told = [
        subprocess.run([scenelet, *words], cwd=tmp_path, capture_output=True, text=True, check=True)
        for words in (("predict", "photo.jpg"), ("--version",))
    ]
    assert "buildings" in told[0].stdout
    assert told[1].stdout.startswith("scenelet ")
    assert "train: not installed; pip install 'scenelet[train]'" in told[1].stdout


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
    assert not names & {
        *("torch", "lightning", "transformers", "pandas", "pyyaml", "onnxruntime", "ray"),
    }
    picture = shipped_bundle / "golden" / "forest-large.jpg"
    done = run_process("predict", picture, "--json", cwd=tmp_path, python=core_python)
    assert done.code == 0, done.err
    assert json.loads(done.out)["bundle"] == "intel-scenes"


def test_an_extra_alone_does_what_it_claims_in_an_environment_of_its_own(wheel):
    """The others: scripts/install_matrix.sh without names, which takes minutes and gigabytes."""
    here = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "WHEEL": str(wheel),
    }
    done = subprocess.run(
        [REPOSITORY / "scripts" / "install_matrix.sh", "heic"],
        env=os.environ | here,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " heic: ok (" in done.stdout


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
