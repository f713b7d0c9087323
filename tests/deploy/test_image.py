"""The Dockerfile built by buildah on a base made from Debian, run read-only with a memory cap, answering an event."""

import base64
import json
import os
import queue
import shutil
import subprocess
import sys
import threading

import pytest

from scenelet.deploy.package import package_image
from scenelet.deploy.runtime_api import AWSLAMBDARIC, RuntimeServer
from scenelet.deploy.target import Target

pytestmark = pytest.mark.pipeline
TOOLS = ("buildah", "podman", "runc", "mmdebstrap")
BASE, IMAGE = "localhost/scenelet-test-base", "localhost/scenelet-test"
# as the entrypoint of AWS's base does: the task root first, then the runtime client with the
# handler of CMD
ENTRYPOINT = """
import sys
sys.path[:0] = ["/var/task", "/var/runtime"]
from awslambdaric.__main__ import main
main(["", sys.argv[1]])
"""
BASE_FILE = """FROM scratch
ADD base.tar /
COPY runtime/ /var/runtime/
COPY entrypoint.py /entrypoint.py
ENV LAMBDA_TASK_ROOT=/var/task
ENTRYPOINT ["/usr/bin/python3", "-B", "/entrypoint.py"]
"""


def run(*command, **how):
    done = subprocess.run(
        list(map(str, command)), capture_output=True, text=True, timeout=300, check=False, **how
    )
    assert done.returncode == 0, f"{command}: {done.stderr[-800:]}"
    return done.stdout


@pytest.fixture(scope="module")
def image(shipped_bundle, tmp_path_factory):
    missing = [name for name in TOOLS if not shutil.which(name)]
    if missing or os.geteuid():
        pytest.skip(
            f"needs root and {', '.join(TOOLS)}; missing: {', '.join(missing) or 'root'}. `make"
            " system-tools` gets them"
        )
    folder = tmp_path_factory.mktemp("image")
    made = subprocess.run(
        [
            "mmdebstrap",
            "--quiet",
            "--variant=minbase",
            "--include=python3",
            "trixie",
            folder / "base.tar",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"no base could be made from Debian: {made.stderr.strip().splitlines()[-1]}")
    platforms = ["--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64"]
    wanted = [
        "--quiet",
        "--python-version",
        "3.13",
        "--only-binary=:all:",
        *platforms,
        AWSLAMBDARIC,
    ]
    run(sys.executable, "-m", "pip", "install", "--target", folder / "runtime", *wanted)
    (folder / "entrypoint.py").write_text(ENTRYPOINT)
    (folder / "Dockerfile").write_text(BASE_FILE)
    run("buildah", "bud", "--isolation", "chroot", "--quiet", "--tag", BASE, folder)
    context = package_image(shipped_bundle, folder / "context", Target()).path
    run(
        "buildah",
        "bud",
        "--isolation",
        "chroot",
        "--quiet",
        "--build-arg",
        f"BASE={BASE}",
        "--tag",
        IMAGE,
        context,
    )
    yield IMAGE
    run("buildah", "rmi", IMAGE, BASE)


def test_the_image_answers_read_only_in_little_memory_as_nobody(image, shipped_bundle, scenelet):
    server = RuntimeServer()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    address = f"AWS_LAMBDA_RUNTIME_API=127.0.0.1:{server.server_port}"
    name = f"scenelet-test-{os.getpid()}"
    limits = [
        "--read-only",
        "--memory",
        "512m",
        "--network",
        "host",
        "--cap-drop",
        "all",
        "--ulimit",
        "nofile=1024:1024",
        "--ulimit",
        "nproc=1024:1024",
    ]
    command = [
        "podman",
        "--cgroup-manager",
        "cgroupfs",
        "run",
        "--rm",
        "--name",
        name,
        *limits,
        "--env",
        address,
        image,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        picture = next((shipped_bundle / "golden").iterdir())
        server.events.put({"image": base64.b64encode(picture.read_bytes()).decode()})
        for _ in range(120):
            try:
                kind, answer = server.answers.get(timeout=0.5)
                break
            except queue.Empty:
                assert process.poll() is None, process.stdout.read()[-800:]
        expected = json.loads(
            scenelet("predict", "--bundle", shipped_bundle, picture, "--json").out
        )
        assert kind == "response"
        assert answer["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-3)
        user = run(
            "podman",
            "--cgroup-manager",
            "cgroupfs",
            "inspect",
            "--format",
            "{{.Config.User}}",
            name,
        )
        assert user.strip() == "65534:65534"
    finally:
        subprocess.run(
            ["podman", "--cgroup-manager", "cgroupfs", "kill", name],
            capture_output=True,
            check=False,
        )
        process.wait(timeout=30)
        process.stdout.close()
        server.shutdown()
        server.server_close()
