"""The script that counts what a function holds."""

import importlib.util

import pytest
from commands import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "function_tokens.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("function_tokens", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules["function_tokens"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def counted(script, tmp_path, text):
    (tmp_path / "room").mkdir()
    path = tmp_path / "room" / "module.py"
    path.write_text(text)
    return {each.name: each.tokens for each in script.functions_of(path, tmp_path)}


def test_comments_docstrings_and_line_ends_do_not_count(script, tmp_path):
    text = 'def told(x):  # why\n    """What."""\n\n    # how\n    return x\n'
    assert counted(script, tmp_path, text) == {
        "told": len(["def", "told", "(", "x", ")", ":", "return", "x"])
    }


def test_an_inner_function_counts_in_its_outer_one_and_by_itself(script, tmp_path):
    text = "def outer():\n    def inner():\n        return 1\n    return inner\n"
    assert counted(script, tmp_path, text) == {"outer": 14, "inner": 7}


def test_the_longest_functions_of_the_house_stay_within_its_goal(script):
    sizes = [
        each.tokens
        for path in script.SRC.rglob("*.py")
        for each in script.functions_of(path, script.SRC)
    ]
    assert len(sizes) > 1000
    assert script.p90(sizes) <= script.P90_GOAL
