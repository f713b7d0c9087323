"""What the deployment's tests share.

Packages, moto's server over HTTP, a gateway, a faulty line to AWS.
"""

import json
import pickle
import shutil

import pytest
from moto_server import enter_account
from once import once
from strict_policy import refused

from scenelet.deploy.described import Packed
from scenelet.deploy.target import Target, find_interpreter
from scenelet.progress import SILENT

TARGET = Target()


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
def second_bundle(shipped_bundle, tmp_path_factory):
    """The same model under another name and date: a new bundle, for deployments."""
    folder = shutil.copytree(shipped_bundle, tmp_path_factory.mktemp("second") / "newer")
    path = folder / "bundle.json"
    other = {"name": "newer", "created": "2031-01-01T00:00:00+00:00"}
    path.write_text(json.dumps(json.loads(path.read_text()) | other))
    return folder


@pytest.fixture(scope="session")
def packages(shipped_bundle, second_bundle, tmp_path_factory):
    """The paths of two packages."""
    from scenelet.deploy.package import package_zip

    sources = {"first": shipped_bundle, "second": second_bundle}

    def pack(folder):
        for name, source in sources.items():
            package_zip(source, folder / f"{name}.zip", TARGET)

    folder = once(tmp_path_factory, "packages", pack)
    return {name: folder / f"{name}.zip" for name in sources}


@pytest.fixture(scope="session")
def packed(packages):
    """The same, read."""
    return {name: Packed.open(path) for name, path in packages.items()}


@pytest.fixture(scope="session")
def gateway(moto, runtime, tmp_path_factory):
    """Runs what was deployed; a function that was started answers in later tests too."""
    from gateway import Gateway

    gateway = Gateway(moto, runtime, tmp_path_factory.mktemp("functions"))
    yield gateway
    gateway.close()


@pytest.fixture(scope="session")
def proved(tmp_path_factory):
    """The real preflight; of the same package, memory and time its first answer is given again."""
    from scenelet.deploy.preflight import preflight

    def prove(packed, memory_mib=512, timeout_s=20, progress=SILENT):
        def write(folder):
            folder.mkdir()
            answer = preflight(packed, memory_mib, timeout_s, progress)
            (folder / "answer").write_bytes(pickle.dumps(answer))

        name = f"proved-{packed.sha256}-{memory_mib}-{timeout_s}"
        return pickle.loads((once(tmp_path_factory, name, write) / "answer").read_bytes())

    return prove


@pytest.fixture
def aws(moto, gateway, proved, monkeypatch, tmp_path):
    """An empty account of moto's, behind a gateway that runs what was deployed.

    Gives the gateway.
    """
    moto.reset()
    gateway.reset()
    enter_account(monkeypatch, moto.url, tmp_path)
    monkeypatch.setattr("scenelet.deploy.aws.preparing.preflight", proved)
    yield gateway
    assert refused(moto.calls()) == [], "calls that the documented policy does not allow"
