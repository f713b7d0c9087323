"""What the deployment's tests share: packages, moto's server over HTTP, a gateway, a faulty line to AWS."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from scenelet.deploy.aws.target import Target, find_interpreter

TARGET = Target()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def target_python():
    """A Python of the runtime's version; without one a package can be made, but not run."""
    found = find_interpreter(TARGET.python)
    if found is None:
        pytest.skip(f"there is no Python {TARGET.python} on this machine to run the package with")
    return found


@pytest.fixture(scope="session")
def runtime(target_python):
    from scenelet.deploy.runtime_api import runtime_python

    return runtime_python(target_python, TARGET.python)


@pytest.fixture(scope="session")
def second_bundle(bundle, tmp_path_factory):
    """The same model under another name and date: a new bundle, for deployments."""
    folder = shutil.copytree(bundle, tmp_path_factory.mktemp("second") / "newer")
    path = folder / "bundle.json"
    path.write_text(
        json.dumps(
            {
                **json.loads(path.read_text()),
                "name": "newer",
                "created": "2031-01-01T00:00:00+00:00",
            }
        )
    )
    return folder


@pytest.fixture(scope="session")
def packages(bundle, second_bundle, tmp_path_factory):
    """The paths of two packages, by the names of their bundles."""
    from scenelet.deploy.package import package_zip

    folder = tmp_path_factory.mktemp("packages")
    return {
        source.name: package_zip(source, folder / f"{source.name}.zip", TARGET).path
        for source in (bundle, second_bundle)
    }


@pytest.fixture
def aws(monkeypatch, tmp_path, runtime):
    """An account of moto's, behind a gateway that runs what was deployed; gives the gateway."""
    from gateway import Gateway

    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    port = free_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    gateway = Gateway(runtime, tmp_path)
    # as a part of a package: moto looks at the second part of a class's module
    command = [sys.executable, "-c", f"from deploy.moto_with_types import serve; serve('{port}')"]
    environment = {**os.environ, "GATEWAY_URL": gateway.url}
    tests = Path(__file__).parents[1]
    with open(tmp_path / "moto.log", "wb") as log:
        server = subprocess.Popen(command, cwd=tests, env=environment, stdout=log, stderr=log)
    for _ in range(300):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=1).close()
            break
        except OSError:
            assert server.poll() is None, "moto's server ended"
            time.sleep(0.1)
    yield gateway
    gateway.close()
    server.kill()
    server.wait()
