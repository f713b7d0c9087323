"""The recipes for hosts of one's own: the image built by buildah and run by podman, manifests that fit their schemas."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request

import pytest
import yaml
from commands import REPOSITORY
from servers import free_port, wait_until, wait_until_answers

CONTAINERS = REPOSITORY / "examples" / "containers"
TOOLS = ("buildah", "podman", "runc", "mmdebstrap")
BASE, IMAGE = "localhost/scenelet-serve-base", "localhost/scenelet-serve"
PODMAN = ("podman", "--cgroup-manager", "cgroupfs")
MOST_BYTES = 120_000_000
LIMITS = ("nofile", "nproc")  # podman asks for more than a container of CI may have


def run(*command):
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"{command}: {done.stderr[-800:]}"
    return done.stdout


def manifests():
    return list(yaml.safe_load_all((CONTAINERS / "kubernetes.yaml").read_text()))


def test_kubernetes_takes_the_manifests():
    kubernetes = pytest.importorskip("kubernetes_validate", reason="needs kubernetes-validate")
    for manifest in manifests():
        kubernetes.validate(manifest, kubernetes.latest_version(), strict=True)
    spoilt = manifests()[0]
    spoilt["spec"]["template"]["spec"]["containers"][0]["ports"][0]["containerPort"] = "http"
    with pytest.raises(kubernetes.ValidationError):
        kubernetes.validate(spoilt, kubernetes.latest_version(), strict=True)


def test_the_manifests_have_probes_limits_and_an_autoscaler():
    found = {each["kind"]: each["spec"] for each in manifests()}
    container = found["Deployment"]["template"]["spec"]["containers"][0]
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "512Mi"}
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert found["HorizontalPodAutoscaler"]["maxReplicas"] == 10


def test_compose_runs_it_read_only_as_nobody():
    service = yaml.safe_load((CONTAINERS / "compose.yaml").read_text())["services"]["scenes"]
    assert service["read_only"]
    assert service["tmpfs"] == ["/tmp"]
    assert service["user"] == "65534:65534"
    assert service["cap_drop"] == ["ALL"]


def answers(port):
    """Whether somebody listens on a port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    missing = [name for name in TOOLS if not shutil.which(name)]
    if missing or os.geteuid():
        pytest.skip(f"needs root and {', '.join(TOOLS)}; missing: {', '.join(missing) or 'root'}")
    made = subprocess.run(
        [CONTAINERS / "base.sh", BASE], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no base could be made from Debian: {made.stderr.strip().splitlines()[-1]}")
    context = tmp_path_factory.mktemp("serve") / "context"
    run(sys.executable, CONTAINERS / "context.py", "--out", context)
    build = ("buildah", "bud", "--isolation", "chroot", "--quiet", "--format", "docker")
    run(*build, "--build-arg", f"BASE={BASE}", "--tag", IMAGE, context)
    yield IMAGE
    run("buildah", "rmi", IMAGE, BASE)


def require_same_answer(port, picture, scenelet):
    """See to it that the service on a port answers about a picture as `predict` does."""
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/predict", picture.read_bytes(), {"content-type": "image/jpeg"}
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        told = json.load(answer)
    expected = json.loads(scenelet("predict", picture, "--json").out)
    assert told["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-3)


@pytest.mark.pipeline
def test_the_image_is_small_and_serves_read_only_as_nobody(
    image, shipped_bundle, scenelet, tmp_path
):
    size = int(run(*PODMAN, "image", "inspect", "--format", "{{.Size}}", image))
    assert size < MOST_BYTES
    port, name = free_port(), f"scenelet-serve-{os.getpid()}"
    limits = ["--read-only", "--cap-drop", "all", "--network", "host", "--memory", "512m"]
    limits += [f"--ulimit={name}=1024:1024" for name in LIMITS]
    command = [*PODMAN, "run", "--rm", "--name", name, *limits, image]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_until_answers(f"http://127.0.0.1:{port}/health", process)
        require_same_answer(port, shipped_bundle / "golden" / "buildings.jpg", scenelet)
        described = json.loads(run(*PODMAN, "inspect", name))[0]
        assert described["Config"]["User"] == "65534:65534"
        check = described["Config"]["Healthcheck"]["Test"]
        assert check[:2] == ["CMD", "python3"]
        run(*PODMAN, "exec", name, *(word.replace("8000", str(port)) for word in check[1:]))
    finally:
        subprocess.run([*PODMAN, "kill", name], capture_output=True, check=False)
        process.wait(timeout=30)
        print((tmp_path / "log").read_text())  # pytest shows it where the test fails


@pytest.mark.pipeline
def test_compose_brings_it_up_and_takes_it_down(image, shipped_bundle, scenelet, tmp_path):
    pytest.importorskip("podman_compose", reason="needs podman-compose")
    port = free_port()
    here = {
        "network_mode": "host",
        "command": ["--host", "127.0.0.1", "--port", str(port)],
        "ulimits": {name: {"soft": 1024, "hard": 1024} for name in LIMITS},
    }
    (tmp_path / "here.yaml").write_text(json.dumps({"services": {"scenes": here}}))
    compose = [sys.executable, "-m", "podman_compose", "--podman-args=--cgroup-manager=cgroupfs"]
    compose += ["-p", f"scenes-{os.getpid()}", "-f", CONTAINERS / "compose.yaml"]
    compose += ["-f", tmp_path / "here.yaml"]
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SCENELET_IMAGE", image)
        try:
            run(*compose, "up", "--detach")
            wait_until(lambda: answers(port), "an answer of the service")
            require_same_answer(port, shipped_bundle / "golden" / "forest-large.jpg", scenelet)
        finally:
            run(*compose, "down", "--timeout", "1")
    assert not answers(port)
