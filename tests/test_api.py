"""The few names that Python has of the whole: as documented, typed, and light to import."""

import ast
import doctest
import shutil

import pytest
from commands import REPOSITORY
from PIL import Image
from test_imports import HEAVY, modules_after

import scenelet
from scenelet import api
from scenelet.errors import SceneletError

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
