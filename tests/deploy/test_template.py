import subprocess
import sys
from pathlib import Path

import pytest

from scenelet.deploy.aws.template import TEMPLATE
from scenelet.deploy.package import DOCKERFILE
from scenelet.deploy.target import PYTHONS


def tool(name):
    return Path(sys.executable).with_name(name)


def test_the_template_passes_cfn_lint():
    command = [tool("cfn-lint"), "--non-zero-exit-code", "warning", TEMPLATE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_dockerfile_passes_hadolint():
    done = subprocess.run(
        [tool("hadolint"), DOCKERFILE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("needed", ["logs:CreateLogStream", "logs:PutLogEvents"])
def test_the_role_may_write_its_own_logs(needed):
    assert needed in TEMPLATE.read_text()


def test_the_role_may_do_nothing_else():
    text = TEMPLATE.read_text()
    assert "ManagedPolicyArns" not in text
    assert 'Action: ["logs:CreateLogStream", "logs:PutLogEvents"]' in text
    assert "Resource: '*'" not in text
    assert 'Resource: "*"' not in text


def test_the_default_runtime_is_one_that_packages_are_made_for():
    assert f"Default: python{PYTHONS[1]}" in TEMPLATE.read_text()
