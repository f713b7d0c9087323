"""What an account can do, and how a stack that stands fares: looked up, in one table."""

import json
import subprocess
import sys
from pathlib import Path

import boto3
import pytest
import yaml

from scenelet.deploy.aws.account import doctor
from scenelet.deploy.aws.cloud import Cloud
from scenelet.deploy.aws.release import Release
from scenelet.deploy.aws.settings import DeploySettings, Identity
from scenelet.errors import ConfigError

pytestmark = pytest.mark.pipeline


def found(identity=None):
    return {each.name: each for each in doctor(Cloud(), identity or Identity())}


def test_an_account_in_which_nothing_is_speaks_for_itself(aws, scenelet):
    told = found()
    assert {name: each.ok for name, each in told.items()} == dict.fromkeys(
        ("region", "who", "concurrency", "names", "bucket", "permissions"), True
    )
    assert "by keys in the environment" in told["who"].detail
    assert "1000 instances in all, 5 of them would be reserved" in told["concurrency"].detail
    done = scenelet("doctor")
    assert done.code == 0
    assert done.out.splitlines()[-1].startswith("next: scenelet deploy")


def test_a_small_account_is_told_so(aws):
    aws.moto.rules(concurrency=10)
    assert "may have 10 instances in all" in found()["concurrency"].detail


def test_names_that_are_taken_are_told(aws):
    boto3.client("logs").create_log_group(logGroupName="/aws/lambda/scenelet")
    told = found()["names"]
    assert not told.ok
    assert "log group /aws/lambda/scenelet exist already" in told.detail


def test_permissions_that_lack_are_named_and_the_command_fails(aws, scenelet):
    aws.moto.rules(denied=["lambda:PublishVersion"])
    done = scenelet("doctor")
    assert done.code == 1
    assert "not permitted: lambda:PublishVersion" in " ".join(done.out.split())
    assert "scenelet deploy --policy" in " ".join(done.out.split())


def test_who_has_the_documented_policy_and_no_more_can_deploy(aws, scenelet):
    aws.moto.rules(documented_policy_alone=True)
    assert found()["permissions"].ok, found()["permissions"].detail


def test_what_only_an_option_needs_speaks_against_no_deployment(aws):
    aws.moto.rules(denied=["budgets:ModifyBudget"])
    told = found()["permissions"]
    assert told.ok is None
    assert (
        "budgets:ModifyBudget, which a deployment does without (wanted by --budget)" in told.detail
    )


def test_who_may_not_look_is_told_what_is_not_known(aws):
    aws.moto.rules(denied=["lambda:GetAccountSettings", "iam:SimulatePrincipalPolicy"])
    told = found()
    assert told["concurrency"].ok is None
    assert "not authorized to perform: lambda:GetAccountSettings" in told["concurrency"].detail
    assert told["permissions"].ok is None


def test_without_credentials_it_says_how_to_get_some(aws, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    told = found()
    assert list(told) == ["region", "who"]
    assert "Run `aws login`" in told["who"].detail


def test_the_policy_is_printed_as_iam_takes_it(aws, scenelet):
    printed = json.loads(scenelet("deploy", "--policy").out)
    assert printed["Version"] == "2012-10-17"
    assert any("lambda:PublishVersion" in each["Action"] for each in printed["Statement"])


@pytest.mark.parametrize("name", ["", "1a", "a_b", "a" * 65, "a/b"])
def test_a_stack_s_name_that_would_fail_late_is_refused_at_once(name):
    with pytest.raises(ConfigError, match="--stack: found"):
        Identity(name)


@pytest.mark.parametrize("kind", ["cloudformation", "terraform"])
def test_files_for_a_team_s_own_pipeline_hold_the_same_stack(
    aws, packages, scenelet, tmp_path, kind
):
    out = tmp_path / "files"
    command = ("deploy", packages["first"], "--emit", kind, "--out", out, "--memory", "512")
    done = scenelet(*command)
    assert done.code == 0, done.err
    assert boto3.client("s3").list_buckets()["Buckets"] == []
    lint = [Path(sys.executable).with_name("cfn-lint"), out / "template.yaml"]
    assert subprocess.run(lint, capture_output=True, check=False).returncode == 0
    assert (out / "package.zip").read_bytes() == packages["first"].read_bytes()
    parameters = json.loads((out / "parameters.json").read_text())

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_multi_constructor("!", lambda loader, tag, node: None)
    wanted = yaml.load((out / "template.yaml").read_text(), Loader)["Parameters"]
    assert parameters.keys() <= wanted.keys()
    assert (out / "main.tf").exists() is (kind == "terraform")


def test_status_tells_figures_alarms_and_cost(aws, packed, scenelet):
    Release(Cloud(), Identity(), poll_s=0.05, patience_s=60).deploy(
        packed["first"], DeploySettings(), 512
    )
    told = scenelet("status").out
    assert "-> version 1    intel-scenes of" in told
    assert "ServerErrorAlarm: " in told
    assert "the last 24 h: 0 requests, 0 errors, 0 throttled" in told
    assert "cost of this month: " in told
