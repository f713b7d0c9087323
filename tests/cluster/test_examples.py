"""The manifests of examples/ray: fields that Ray knows, versions that we allow, nobody without the token."""

import tomllib

import pytest
import yaml
from commands import REPOSITORY
from packaging.requirements import Requirement

pytest.importorskip("ray", reason="needs the extra ray")

EXAMPLES = REPOSITORY / "examples" / "ray"


def read(name):
    return yaml.safe_load((EXAMPLES / name).read_text())


def specs():
    return [read("raycluster.yaml")["spec"], read("rayjob.yaml")["spec"]["rayClusterSpec"]]


def test_every_cluster_asks_for_the_token():
    assert [spec["authOptions"] for spec in specs()] == [{"mode": "token"}] * 2
    machines = read("cluster.yaml")
    assert "--env RAY_AUTH_MODE=token" in machines["docker"]["run_options"]
    assert "/home/ray/.ray/auth_token" in machines["file_mounts"]


def test_the_launcher_of_ray_takes_our_machines():
    from ray.autoscaler._private.util import prepare_config, validate_config

    validate_config(prepare_config(read("cluster.yaml")))


def test_the_image_and_the_manifests_have_a_ray_that_the_extra_allows():
    extras = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    (wanted,) = (
        found
        for line in extras["optional-dependencies"]["ray"]
        if (found := Requirement(line)).name == "ray"
    )
    image = (EXAMPLES / "Dockerfile").read_text().split("rayproject/ray:")[1].split("-")[0]
    for version in (image, *(spec["rayVersion"] for spec in specs())):
        assert version in wanted.specifier
