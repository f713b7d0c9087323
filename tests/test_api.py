"""The few names that Python has of the whole: as documented, typed, and light to import."""

import ast
import doctest
import io
import shutil
import subprocess
import sys

import pytest
from commands import REPOSITORY
from PIL import Image
from test_imports import HEAVY, modules_after

import scenelet
from scenelet import api
from scenelet.errors import ImageError, SceneletError

HOUSE = {"PIL", "ai_edge_litert", *HEAVY}


def test_importing_scenelet_loads_nothing():
    assert not modules_after("import scenelet; dir(scenelet)") & HOUSE


def test_a_bundle_answers_without_torch_or_an_extra(shipped_bundle):
    picture = (shipped_bundle / "golden" / "forest-large.jpg").as_posix()
    statement = f"import scenelet; scenelet.Bundle.open().predict({picture!r})"
    assert not modules_after(statement, blocked=("torch", "typer", "rich")) & {"torch"}


def test_a_path_bytes_and_a_picture_are_answered_alike(shipped_bundle):
    bundle, path = scenelet.Bundle.open(), shipped_bundle / "golden" / "buildings.jpg"
    with Image.open(path) as picture:
        answers = [bundle.predict(each) for each in (path, str(path), path.read_bytes(), picture)]
    assert all(each.probabilities == answers[0].probabilities for each in answers)
    assert bundle.class_names == bundle.contract.class_names


@pytest.mark.parametrize(
    "name", ["mountain-exif-rotated.jpg", "glacier-palette.png", "sea-alpha.png", "street-grey.jpg"]
)
def test_a_picture_of_pillows_is_turned_and_blended_as_its_file_is(shipped_bundle, name):
    bundle, path = scenelet.Bundle.open(), shipped_bundle / "golden" / name
    with Image.open(path) as picture:
        assert bundle.predict(picture).probabilities == bundle.predict(path).probabilities


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "RGBa", "I", "F"])
def test_a_picture_of_any_mode_is_answered(shipped_bundle, mode):
    with Image.open(shipped_bundle / "golden" / "buildings.jpg") as picture:
        other = picture.convert("RGBA").convert(mode) if mode == "RGBa" else picture.convert(mode)
    assert scenelet.Bundle.open().predict(other).label in scenelet.Bundle.open().class_names


def test_a_picture_whose_file_is_cut_off_is_an_error_of_ours(shipped_bundle):
    data = (shipped_bundle / "golden" / "buildings.jpg").read_bytes()[:2000]
    with pytest.raises(ImageError, match="this picture can't be read"):
        scenelet.Bundle.open().predict(Image.open(io.BytesIO(data)))


def test_what_is_not_installed_is_told_as_in_the_terminal():
    code = "import sys; sys.modules['lightning'] = None; import scenelet; scenelet.train('x')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingExtraError: this needs scenelet[train]" in done.stderr


def test_a_bundle_and_a_run_may_be_named_by_their_folders(shipped_bundle, tmp_path):
    assert scenelet.Bundle(str(shipped_bundle)).folder == shipped_bundle
    with pytest.raises(SceneletError, match=r"nope: no complete run here"):
        scenelet.Bundle.export(str(tmp_path / "nope"), tmp_path / "bundle")
    with pytest.raises(SceneletError, match=r"nope: no bundle here"):
        scenelet.evaluate(str(tmp_path / "nope"), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_picture_that_is_not_there_is_named():
    with pytest.raises(SceneletError, match=r"nope\.jpg: can't be read"):
        scenelet.Bundle.open().predict("nope.jpg")


def test_no_other_name_is_there():
    with pytest.raises(AttributeError, match="no attribute 'predict'"):
        scenelet.predict  # noqa: B018
    assert {"Bundle", "Dataset", "evaluate", "train"} < set(dir(scenelet))


def test_type_checkers_know_the_same_names():
    stub = ast.parse((REPOSITORY / "src" / "scenelet" / "__init__.pyi").read_text())
    names = {
        alias.asname
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert names | {"__version__"} == set(dir(scenelet))
    assert all(hasattr(scenelet, name) for name in names)
    assert (REPOSITORY / "src" / "scenelet" / "py.typed").is_file()


@pytest.mark.pipeline
def test_the_examples_of_the_docstrings_do_what_they_say(
    painted, shipped_bundle, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(painted, "photos")
    shutil.copy(shipped_bundle / "golden" / "buildings.jpg", "photo.jpg")
    finder, runner, shared = doctest.DocTestFinder(), doctest.DocTestRunner(), {}
    found = {each.name.rpartition(".")[2]: each for each in finder.find(api) if each.examples}
    assert found.keys() == {"Bundle", "train", "export", "evaluate"}
    for name in ("Bundle", "train", "export", "evaluate"):
        found[name].globs = shared
        runner.run(found[name], clear_globs=False)
    assert runner.summarize(verbose=False).failed == 0
