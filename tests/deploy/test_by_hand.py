"""The learners' script, as written, with AWS's own command line against moto's server.

Only docker is stood in for.
"""

import subprocess
import sys
import venv

import boto3
import pytest
import resident_aws
from commands import REPOSITORY
from servers import wait_until

pytestmark = pytest.mark.aws
# there is no docker engine here: it writes down what it is asked, and builds nothing (test_image.py
# builds with buildah)
DOCKER = """#!/bin/sh
echo "$@" >> "$DOCKER_LOG"
[ "$1" = login ] && cat > /dev/null
exit 0
"""


@pytest.fixture(scope="module")
def command_line(tmp_path_factory):
    """A folder with AWS's own `aws`, of an environment of its own."""
    folder = tmp_path_factory.mktemp("awscli")
    venv.create(folder / "venv", with_pip=True)
    python, path = folder / "venv" / "bin" / "python", folder / "socket"
    done = subprocess.run(
        [python, "-m", "pip", "install", "-q", "awscli"], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("awscli could not be installed")
    process = subprocess.Popen([python, resident_aws.__file__, path])
    wait_until(path.exists, "the command line is loaded")
    (folder / "bin").mkdir()
    call = folder / "bin" / "aws"
    call.write_text(resident_aws.CALL.format(python=sys.executable, path=str(path)))
    call.chmod(0o755)
    yield folder / "bin"
    process.kill()
    process.wait()


def test_the_script_deploys_an_image_and_again_and_another_removes_all_of_it(
    aws, shipped_bundle, command_line, tmp_path, monkeypatch
):
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "docker").write_text(DOCKER)
    (tools / "docker").chmod(0o755)
    (tools / "scenelet").write_text(f'#!/bin/sh\nexec {sys.executable} -m scenelet "$@"\n')
    (tools / "scenelet").chmod(0o755)
    log = tmp_path / "docker.log"
    monkeypatch.setenv("PATH", f"{tools}:{command_line}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_LOG", str(log))
    monkeypatch.setenv("ROLE_PAUSE_S", "0")
    for _ in range(2):
        script = [REPOSITORY / "scripts" / "deploy_container.sh", shipped_bundle, "by-hand"]
        done = subprocess.run(script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.splitlines()[-1].startswith("next: scenelet predict --endpoint http")
    found = boto3.client("lambda").get_function(FunctionName="by-hand")["Configuration"]
    assert (found["PackageType"], found["MemorySize"]) == ("Image", 1024)
    assert (
        boto3.client("ecr").describe_repositories()["repositories"][0]["repositoryName"]
        == "by-hand"
    )
    assert [api["Name"] for api in boto3.client("apigatewayv2").get_apis()["Items"]] == ["by-hand"]
    asked = log.read_text().splitlines()
    assert [line.split()[0] for line in asked] == ["build", "login", "push"] * 2
    api = boto3.client("apigatewayv2").get_apis()["Items"][0]["ApiId"]
    (stage,) = boto3.client("apigatewayv2").get_stages(ApiId=api)["Items"]
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == 10
    assert boto3.client("lambda").get_function_concurrency(FunctionName="by-hand")[
        "ReservedConcurrentExecutions"
    ] in (5, "5")
    script = [REPOSITORY / "scripts" / "remove_container.sh", "by-hand"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert boto3.client("lambda").list_functions()["Functions"] == []
    assert boto3.client("apigatewayv2").get_apis()["Items"] == []
    assert boto3.client("iam").list_roles()["Roles"] == []
    assert boto3.client("logs").describe_log_groups()["logGroups"] == []
    assert boto3.client("ecr").describe_repositories()["repositories"] == []
    again = subprocess.run(script, capture_output=True, text=True, check=False)
    assert (again.returncode, again.stdout) == (0, "")  # nothing is left to remove
