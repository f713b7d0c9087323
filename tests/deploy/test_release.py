"""Against moto's server over HTTP: the whole life of a stack.

The zip that was uploaded answers under the real awslambdaric.
"""

import base64
import json

import boto3
import pytest

from scenelet.deploy.aws.cloud import Cloud
from scenelet.deploy.aws.release import Release
from scenelet.deploy.aws.settings import DeploySettings, Identity
from scenelet.errors import CloudError, SmokeError
from scenelet.progress import SILENT

pytestmark = pytest.mark.aws


def release(stack="scenelet"):
    return Release(Cloud(), Identity(stack), poll_s=0.05, patience_s=60, look_s=0.05)


def deploy(package, stack="scenelet", memory_mib=512, progress=SILENT, **settings):
    return release(stack).deploy(package, DeploySettings(**settings), memory_mib, progress)


class Told:
    """Progress that is remembered."""

    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


def test_the_life_of_a_stack(aws, packages, packed, scenelet, shipped_bundle, picture):
    first, second = packed["first"], packed["second"]
    told = Told()
    done = deploy(first, progress=told)
    assert (done.version, done.changed, done.endpoint) == ("1", True, aws.url)
    assert done.difference < 1e-3
    assert any(
        "create complete" in line for line in told.lines
    )  # moto tells events of the stack alone

    resources = release().stack.resources()
    assert set(resources) == {
        "Logs", "Role", "Function", "Live", "Api", "Integration", "EveryRoute", "Stage",
        "ApiMayInvoke", "ErrorAlarm", "LatencyAlarm", "ThrottleAlarm", "ServerErrorAlarm", "StrangerAlarm",
        "AbstainAlarm", "Dashboard",
    }  # fmt: skip
    assert all(resources.values())
    assert (
        boto3.client("lambda").get_function(FunctionName="scenelet")["Configuration"]["MemorySize"]
        == 512
    )
    routes = boto3.client("apigatewayv2").get_routes(ApiId=resources["Api"])["Items"]
    assert {route["RouteKey"] for route in routes} == {"$default"}

    here = json.loads(scenelet("predict", "--bundle", shipped_bundle, picture, "--json").out)
    there = json.loads(scenelet("predict", "--endpoint", aws.url, picture, "--json").out)
    assert there["probabilities"] == pytest.approx(here["probabilities"], abs=1e-3)

    told = scenelet("status")
    assert "CREATE_COMPLETE" in told.out
    assert "-> version 1    intel-scenes of" in told.out

    again = deploy(first)
    assert (again.version, again.changed) == ("1", False)

    newer = deploy(second)
    assert (newer.version, newer.changed) == ("2", True)

    back = scenelet("rollback")
    assert back.out.startswith("version 1 answers")
    assert (
        json.loads(scenelet("predict", "--endpoint", aws.url, picture, "--json").out)["bundle"]
        == "intel-scenes"
    )
    assert "none was before it" in scenelet("rollback").err
    assert (
        scenelet("rollback", "--to", "9").err.strip()
        == "scenelet: --to: found 9, expected one of 1, 2"
    )

    forward = deploy(second)
    assert (forward.version, forward.changed) == ("2", True)
    assert release().versions.history() == ["1", "2"]

    assert scenelet("destroy", "--yes").code == 0
    assert release().stack.state() is None
    (bucket,) = boto3.client("s3").list_buckets()["Buckets"]  # empty: it costs nothing
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket=bucket["Name"])
    assert boto3.client("lambda").list_functions()["Functions"] == []
    assert boto3.client("apigatewayv2").get_apis()["Items"] == []
    assert boto3.client("iam").list_roles()["Roles"] == []
    assert boto3.client("logs").describe_log_groups()["logGroups"] == []
    assert boto3.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert "there is none" in scenelet("destroy", "--yes").out


def test_a_version_that_fails_its_smoke_test_is_taken_back(aws, packages, packed):
    deploy(packed["first"])
    content = packed["second"]
    aws.broken.add(base64.b64encode(bytes.fromhex(content.sha256)).decode())
    with pytest.raises(
        SmokeError, match=r"smoke test: golden/.*a fault of the test.* Version 1 goes on\."
    ):
        deploy(content)
    assert release().versions.live() == "1"
    aws.broken.clear()
    assert [version.number for version in release().versions.all()] == ["1"]
    # the same command again, once it is mended; the number of what failed is never used again
    assert deploy(content).version == "3"


def test_a_first_version_that_fails_says_what_to_do(aws, packages, packed):
    content = packed["first"]
    aws.broken.add(base64.b64encode(bytes.fromhex(content.sha256)).decode())
    with pytest.raises(SmokeError, match="no version before it to go back to"):
        deploy(content)


def test_another_memory_is_another_version_of_the_same_code(aws, packages, packed):
    content = packed["first"]
    deploy(content)
    assert deploy(content, memory_mib=1024).version == "2"
    found = boto3.client("lambda").get_function_configuration(
        FunctionName="scenelet", Qualifier="live"
    )
    assert found["MemorySize"] == 1024


def test_a_plan_changes_nothing(aws, packages, packed):
    changes = release().plan(packed["first"], DeploySettings(), 512)
    assert any("Function" in line for line in changes)
    assert release().stack.state() is None
    assert boto3.client("s3").list_buckets()["Buckets"] == []


def test_the_command_plans_then_deploys_and_names_price_and_ceiling(
    aws, packages, packed, scenelet
):
    planned = scenelet("deploy", packages["first"], "--plan")
    assert planned.code == 0, planned.err
    assert "512 MiB: a million answers cost about $" in planned.out
    assert "at most, estimated: 5 instances busy all month" in planned.out
    assert "Function" in planned.out
    assert "nothing was changed" in planned.out
    done = scenelet("deploy", packages["first"], "--concurrency", "2")
    assert done.code == 0, done.err
    assert f"version 1 answers: {aws.url}" in done.out
    assert done.out.splitlines()[-1] == f"next: scenelet predict --endpoint {aws.url} photo.jpg"
    assert (
        "nothing: the stack is as it would be"
        in scenelet("deploy", packages["first"], "--plan", "--concurrency", "2").out
    )


def test_a_function_url_and_signed_requests(aws, packages, packed, scenelet, picture):
    aws.wants_signature = True
    done = deploy(packed["first"], function_url=True, iam=True)
    assert done.version == "1"
    resources = release().stack.resources()
    assert "Api" not in resources
    assert resources["FunctionUrl"]
    assert json.loads(scenelet("predict", "--endpoint", aws.url, picture, "--json").out)["label"]
    assert any("Authorization" in headers for headers in aws.asked)


def test_two_stacks_live_beside_each_other_and_go_alone(aws, packages, packed, scenelet):
    content = packed["first"]
    deploy(content)
    aws.function_name = "other"
    deploy(content, "other")
    assert scenelet("destroy", "--stack", "other", "--yes").code == 0
    assert release().stack.state().status == "CREATE_COMPLETE"
    bucket = boto3.client("s3").list_buckets()["Buckets"][0]["Name"]
    assert [
        each["Key"].split("/")[0]
        for each in boto3.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    ] == ["scenelet"]


def test_a_stack_of_somebody_else_is_left_alone(aws, packages, packed):
    template = json.dumps({"Resources": {"Own": {"Type": "AWS::SNS::Topic"}}})
    boto3.client("cloudformation").create_stack(StackName="scenelet", TemplateBody=template)
    for work in (
        lambda: deploy(packed["first"]),
        lambda: release().destroy(),
    ):
        with pytest.raises(CloudError, match="was not made by scenelet"):
            work()
    assert release().stack.resources()["Own"]


def test_logs_are_read_back_oldest_first(aws, packages, packed, scenelet):
    deploy(packed["first"])
    client = boto3.client("logs")
    client.create_log_stream(logGroupName="/aws/lambda/scenelet", logStreamName="a")
    import time

    now_ms = int(1000 * time.time())
    events = [
        {"timestamp": now_ms - 2000, "message": "one"},
        {"timestamp": now_ms - 1000, "message": "two"},
    ]
    client.put_log_events(logGroupName="/aws/lambda/scenelet", logStreamName="a", logEvents=events)
    assert scenelet("logs").out.splitlines() == ["one", "two"]
    assert "expected for example 10m" in scenelet("logs", "--since", "soon").err


def test_a_stack_that_failed_to_be_made_is_cleared_away(aws, packages, packed, monkeypatch):
    """moto never leaves ROLLBACK_COMPLETE behind, so the state is reported as such."""
    deploy(packed["first"])
    dead = release()
    honest, told, times = dead.stack.state, Told(), []

    def state():
        found = honest()
        times.append(1)
        return (
            found and type(found)(**{**vars(found), "status": "ROLLBACK_COMPLETE"})
            if len(times) == 1
            else found
        )

    monkeypatch.setattr(dead.stack, "state", state)
    assert dead.stack.settled(told) is None
    assert "ROLLBACK_COMPLETE from an earlier try; removing it" in told.lines[0]
    assert honest() is None


@pytest.fixture
def picture(tmp_path):
    """A picture: painted; the real images are not needed to know that the same bytes answer."""
    from scenelet.dataset.scenes import jpeg, paint_scene

    path = tmp_path / "picture.jpg"
    path.write_bytes(jpeg(paint_scene("glacier", 7).resize((700, 500)), quality=90))
    return path
