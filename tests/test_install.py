"""`pip install .` without extras, in an environment of its own."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
from commands import REPOSITORY, run_process

pytestmark = pytest.mark.pipeline
LIGHT = ("serve", "app", "heic", "s3", "gs", "az", "hf", "aws", "phone")
INSTALLED_HERE = {"core", *LIGHT} - {"gs", "az"}  # the others are not in `dev`
UNKNOWN = "No matching distribution found"
HEAVY = (
    "train",
    "pretrained",
    "mlflow",
    "wandb",
    "ray",
    "docs",
)  # by the script alone: minutes and gigabytes


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


def matrix(wheel, *extras, **environment):
    """What scripts/install_matrix.sh tells of extras, each in an environment of its own."""
    here = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "WHEEL": str(wheel),
        **environment,
    }
    done = subprocess.run(
        [REPOSITORY / "scripts" / "install_matrix.sh", *extras],
        env=os.environ | here,
        capture_output=True,
        text=True,
        check=False,
    )
    if UNKNOWN in done.stdout and not {*extras} <= INSTALLED_HERE:
        pytest.skip(f"no package index here has all of {', '.join(extras)}")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("extra", LIGHT)
def test_an_extra_alone_does_what_it_claims_in_an_environment_of_its_own(extra, wheel):
    assert f" {extra}: ok (" in matrix(wheel, extra)


def test_every_extra_is_tried_here_or_is_too_heavy():
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert {*extras["optional-dependencies"]} == {*LIGHT, *HEAVY, "dev"}
    script = (REPOSITORY / "scripts" / "install_matrix.sh").read_text()
    default = re.search(r"extras=\((core .*)\)", script)
    assert {*default.group(1).split()} == {"core", *LIGHT, *HEAVY}


def newer_python():
    """The newest Python above this one that there is on this machine, pyenv's included."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    minors = range(sys.version_info.minor + 1, 20)
    found = [shutil.which(f"python3.{minor}", path=os.defpath) for minor in minors]
    found += [next(root.glob(f"versions/3.{minor}.*/bin/python"), None) for minor in minors]
    return max(filter(None, map(str, filter(None, found))), key=minor_of, default=None)


def minor_of(python):
    """11 of Python 3.11."""
    command = [python, "-c", "import sys; print(sys.version_info.minor)"]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_a_newer_python_takes_the_core_and_the_server(wheel):
    python = newer_python()
    if python is None:
        pytest.skip("no newer Python is here")
    told = matrix(wheel, "core", "serve", PYTHONS=python)
    assert " core: ok (" in told
    assert " serve: ok (" in told


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
    assert "this needs scenelet[train]" in done.err
    assert "pip install 'scenelet[train]'" in done.err
    assert len(done.err.splitlines()) == 1
