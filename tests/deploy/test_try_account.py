"""The script for somebody with an account, as it is, against the stand-in for AWS."""

import importlib.util

import pytest
from commands import REPOSITORY

pytestmark = pytest.mark.pipeline


@pytest.fixture
def script():
    path = REPOSITORY / "scripts" / "try_account.py"
    spec = importlib.util.spec_from_file_location("try_account", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_step_is_as_expected(aws, packages, script, capsys):
    code = script.main(["--stack", "scenelet", "--package", str(packages["first"])])
    told = capsys.readouterr().out
    assert code == 0, told
    assert told.count("\nok ") + told.startswith("ok ") == len(script.STEPS)
