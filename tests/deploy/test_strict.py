"""What AWS would refuse and moto takes.

Each rule of the strict layer, and what scenelet makes of it.
"""

import base64
import io
import json
import urllib.error
import urllib.request
from dataclasses import replace

import boto3
import pytest
from botocore.exceptions import ClientError
from PIL import Image

from scenelet.deploy.aws.account import Account, Concurrency
from scenelet.deploy.aws.cloud import Cloud
from scenelet.deploy.aws.release import Release
from scenelet.deploy.aws.settings import ON_LAMBDA, DeploySettings, Identity
from scenelet.errors import CloudError, SmokeError
from scenelet.progress import SILENT

pytestmark = pytest.mark.pipeline


class Told:
    """Progress that is remembered."""

    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)


def release(stack="scenelet"):
    return Release(Cloud(), Identity(stack), poll_s=0.05, patience_s=60, look_s=0.05)


def deploy(package, stack="scenelet", memory_mib=512, progress=SILENT, **settings):
    return release(stack).deploy(package, DeploySettings(**settings), memory_mib, progress)


# an account


def test_a_new_account_can_do_the_default_deployment(aws, packed):
    aws.moto.rules(concurrency=10)
    told = Told()
    assert deploy(packed["first"], progress=told).version == "1"
    assert "may have 10 instances in all and reserve 0 of them" in told.lines[0]


def test_more_than_the_account_can_reserve_is_refused_before_anything_is_made(aws, packed):
    aws.moto.rules(concurrency=10)
    with pytest.raises(CloudError, match="--concurrency: found 5, this account can reserve 0"):
        deploy(packed["first"], concurrency=5)
    assert release().stack.state() is None
    assert boto3.client("s3").list_buckets()["Buckets"] == []


def test_a_stack_that_fails_for_concurrency_says_what_to_do(aws, packed, monkeypatch):
    """Somebody else was faster: between the look and the stack the account filled up."""
    monkeypatch.setattr(Account, "concurrency", lambda _: Concurrency(1000, 1000))
    aws.moto.rules(concurrency=10)
    with pytest.raises(CloudError, match=r"Function: the account is too small .*--concurrency 0"):
        deploy(packed["first"])
    assert release().stack.state().status == "ROLLBACK_COMPLETE"
    assert deploy(packed["first"], concurrency=0).version == "1"  # it is cleared away


@pytest.mark.parametrize(
    ("limit", "unreserved", "own", "room"),
    [(10, 10, 0, 0), (1000, 1000, 0, 900), (1000, 103, 0, 3), (1000, 103, 5, 8), (50, 50, 0, 0)],
)
def test_what_can_be_reserved_leaves_a_hundred_free(limit, unreserved, own, room):
    assert Concurrency(limit, unreserved).room(own) == room


# names


def test_a_function_of_that_name_is_told_by_name_before_anything_is_made(aws, packed):
    deploy(packed["first"])
    boto3.client("cloudformation").delete_stack(StackName="scenelet")
    boto3.client("logs").create_log_group(logGroupName="/aws/lambda/scenelet")
    for work in (
        lambda: release().plan(packed["first"], DeploySettings(), 512),
        lambda: deploy(packed["first"]),
    ):
        with pytest.raises(CloudError, match=r"Logs: .*'/aws/lambda/scenelet' already exists"):
            work()


def test_a_bucket_that_was_deleted_a_moment_ago_is_waited_for(aws, packed):
    deploy(packed["first"])
    release().destroy(bucket_too=True)
    assert boto3.client("s3").list_buckets()["Buckets"] == []
    with pytest.raises(ClientError, match="conflicting conditional operation"):
        bucket_again("scenelet-packages-123456789012-eu-central-1")
    # numbers are not used again, even for a function that was deleted and made anew
    assert deploy(packed["first"]).version == "2"


def bucket_again(name):
    where = {"LocationConstraint": "eu-central-1"}
    boto3.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)


def test_destroy_removes_the_packages_from_the_bucket_they_are_in(aws, packed):
    bucket_again("mine")
    mine = Release(Cloud(), Identity(bucket="mine"), poll_s=0.05, patience_s=60)
    mine.deploy(packed["first"], DeploySettings(), 512)
    release().destroy()
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket="mine")


# what a function may hold and take


def ask(aws, body, content_type, path="/predict", method=None, **headers):
    headers = {"content-type": content_type, **headers}
    request = urllib.request.Request(aws.url + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_bodies_that_would_never_arrive_are_refused_and_the_limit_is_told(aws, packed):
    deploy(packed["first"])
    status, told = ask(aws, None, "application/json", "/")
    limits = json.loads(told)["limits"]
    assert limits["body_bytes"] == 4_400_000
    assert ask(aws, bytes(11_000_000), "image/jpeg") == (
        413,
        b'{"message":"Request Entity Too Large"}',
    )
    status, told = ask(aws, bytes(5_000_000), "image/jpeg")  # base64 makes it more than 6 MB
    assert (status, b"6291456 bytes" in told) == (413, True)
    status, told = ask(aws, bytes(limits["body_bytes"]), "image/jpeg")
    assert (status, json.loads(told)["title"]) == (422, "Unusable image")  # it arrived


def test_text_arrives_as_it_is_and_pictures_as_base64(aws, packed, shipped_bundle):
    deploy(packed["first"])
    picture = next((shipped_bundle / "golden").iterdir()).read_bytes()
    named = json.dumps({"image": base64.b64encode(picture).decode()}).encode()
    answers = [
        json.loads(ask(aws, body, kind)[1])["probabilities"]
        for body, kind in ((picture, "image/jpeg"), (named, "application/json"))
    ]
    assert answers[0] == answers[1]


def test_the_heaviest_pictures_leave_the_function_alive(aws, packed):
    from scenelet.deploy.preflight.pictures import heavy_pictures

    deploy(packed["first"], rate=1000, burst=1000)
    for name, picture in heavy_pictures().items():
        status, told = ask(aws, picture, "application/octet-stream")
        assert status in (200, 413), (name, status, told)
    assert all(function.is_alive for function in aws.running.values())


def test_slow_pictures_in_one_request_end_before_the_time_out(aws, packed):
    """With the share of a core that this memory brings: in vain ten pictures would hold it."""
    aws.shares_cpu, aws.patience = True, 1
    few = replace(ON_LAMBDA, max_images=16, max_seconds=1, log="none")
    deploy(packed["first"], timeout_s=8, service=few)
    slow = io.BytesIO()
    Image.new("L", (4000, 3000)).save(slow, "PNG")  # 12 KB
    picture = {"image": base64.b64encode(slow.getvalue()).decode()}
    status, told = ask(aws, json.dumps({"requests": [picture] * 16}).encode(), "application/json")
    assert status == 200, told
    answers = json.loads(told)["answers"]
    assert "label" in answers[0]
    assert answers[-1]["title"] == "Request took too long"
    assert all(function.is_alive for function in aws.running.values())


def test_more_requests_than_are_let_through_are_refused_by_the_door(aws, packed):
    patient = Release(Cloud(), Identity(), poll_s=0.05, patience_s=60)
    patient.deploy(packed["first"], DeploySettings(rate=1, burst=2), 512)  # its smoke test too
    answers = [ask(aws, None, "application/json", "/health")[0] for _ in range(8)]
    assert 429 in answers


def test_what_there_is_not_is_told_by_the_service_in_its_own_words(aws, packed):
    deploy(packed["first"])
    for method, path, status in (("GET", "/nothing", 404), ("PUT", "/predict", 405)):
        found, told = ask(aws, None, "application/json", path, method)
        assert (found, json.loads(told)["status"]) == (status, status)


# a Function URL


def test_a_function_url_is_open_with_both_permissions(aws, packed):
    done = deploy(packed["first"], function_url=True)
    assert done.version == "1"
    assert ask(aws, None, "application/json", "/health")[0] == 200


# who is told, and what is watched


def test_alarms_and_a_budget_are_mailed(aws, packed):
    deploy(packed["first"], alarm_email="me@example.org", budget_usd=20)
    assert len(boto3.client("sns").list_topics()["Topics"]) == 1
    (subscribed,) = boto3.client("sns").list_subscriptions()["Subscriptions"]
    assert subscribed["Endpoint"] == "me@example.org"
    budget = aws.moto.state()["others"]["AWS::Budgets::Budget"]
    assert float(budget["Budget"]["BudgetLimit"]["Amount"]) == 20
    thresholds = [
        each["Notification"]["Threshold"] for each in budget["NotificationsWithSubscribers"]
    ]
    assert list(map(float, thresholds)) == [50, 100]


def test_a_folder_of_a_bucket_is_watched_with_no_more_rights_than_that_takes(aws, packed):
    bucket_again("photos")
    large = replace(ON_LAMBDA, uploads="s3://photos/large/")
    deploy(packed["first"], watch="s3://photos/in/", service=large)
    variables = release().versions.variables()
    assert variables["SCENELET_UPLOADS"] == "s3://photos/large/"
    assert json.loads(ask(aws, None, "application/json", "/")[1])["limits"]["upload_bytes"] == 20e6
    assert aws.moto.state()["announced"] == ["photos"]
    (rule,) = boto3.client("events").list_rules()["Rules"]
    keys = json.loads(rule["EventPattern"])["detail"]["object"]["key"]
    assert keys == [{"wildcard": "in/*"}]
    role = boto3.client("iam").list_roles()["Roles"][0]["RoleName"]
    document = boto3.client("iam").get_role_policy(
        RoleName=role, PolicyName="read-pictures-write-answers"
    )["PolicyDocument"]
    allowed = {
        (each["Action"], each["Resource"].rpartition(":")[2]) for each in document["Statement"]
    }
    assert allowed == {
        ("s3:GetObject", "photos/in/*"),
        ("s3:PutObject", "photos/in/*.scenelet.json"),
        ("sqs:SendMessage", "scenelet-failures"),
    }
    release().destroy()
    assert boto3.client("sqs").list_queues().get("QueueUrls", []) == []


# who may ask


def test_a_token_is_asked_for_before_anything_is_decoded(aws, packed, scenelet, tmp_path):
    told = scenelet("deploy", packed["first"].origin, "--token", "--memory", "512")
    assert told.code == 0, told.err
    token = told.out.partition("export SCENELET_TOKEN=")[2].split()[0]
    assert ask(aws, b"no picture", "image/jpeg")[0] == 401
    assert ask(aws, b"no picture", "image/jpeg", authorization="Bearer wrong")[0] == 401
    assert ask(aws, b"no picture", "image/jpeg", authorization=f"Bearer {token}")[0] == 422
    hashed = release().standing_token()
    assert token not in hashed
    again = scenelet("deploy", packed["first"].origin, "--memory", "512")  # it stays
    assert again.code == 0, again.err
    assert "open to everybody" not in again.out
    assert release().standing_token() == hashed


# versions


def breaks(aws, package):
    aws.broken.add(base64.b64encode(bytes.fromhex(package.sha256)).decode())


def test_no_user_meets_a_version_that_fails(aws, packed):
    deploy(packed["first"])
    asked = len(aws.asked)
    breaks(aws, packed["second"])
    with pytest.raises(SmokeError, match=r"a fault of the test\. Version 1 goes on"):
        deploy(packed["second"])
    assert len(aws.asked) == asked  # it was asked by its own number
    assert [version.number for version in release().versions.all()] == ["1"]


def test_going_back_never_leads_to_a_version_that_failed(aws, packed):
    deploy(packed["first"])
    breaks(aws, packed["second"])
    with pytest.raises(SmokeError):
        deploy(packed["second"])
    aws.broken.clear()
    assert deploy(packed["second"]).version == "3"
    assert release().rollback() == "1"
    with pytest.raises(CloudError, match="version 1 is live, and none was before it"):
        release().rollback()


def test_a_version_that_no_longer_answers_is_not_gone_back_to(aws, packed):
    deploy(packed["first"])
    deploy(packed["second"])
    breaks(aws, packed["first"])
    with pytest.raises(SmokeError, match="a fault of the test"):
        release().rollback()
    assert release().versions.live() == "2"


def test_a_canary_gets_a_share_and_then_everything(aws, packed):
    deploy(packed["first"])
    told = Told()
    deploy(packed["second"], canary=0.1, canary_s=0.2, progress=told)
    assert any("version 2 gets 10% of the requests" in line for line in told.lines)
    alias = boto3.client("lambda").get_alias(FunctionName="scenelet", Name="live")
    assert alias["FunctionVersion"] == "2"
    assert not (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights")


def test_a_canary_that_lets_an_alarm_ring_goes_back_by_itself(aws, packed):
    deploy(packed["first"])
    name = release().stack.resources()["ErrorAlarm"]

    class Rings(Told):
        def say(self, line):
            super().say(line)
            if "of the requests" in line:
                boto3.client("cloudwatch").set_alarm_state(
                    AlarmName=name, StateValue="ALARM", StateReason="a test"
                )

    with pytest.raises(SmokeError, match=r"with 10% of the requests: ErrorAlarm rang\. Version 1"):
        deploy(packed["second"], canary=0.1, canary_s=1, progress=Rings())
    alias = boto3.client("lambda").get_alias(FunctionName="scenelet", Name="live")
    assert alias["FunctionVersion"] == "1"
    assert not (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights")


def test_old_versions_and_their_packages_go(aws, packed):
    for memory_mib in (512, 640, 768, 896):
        deploy(packed["first"], memory_mib=memory_mib, keep=2)
    assert [version.number for version in release().versions.all()] == ["3", "4"]
    deploy(packed["second"], keep=1)
    assert release().store.listed() == [f"scenelet/{packed['second'].sha256}.zip"]


# what somebody changed by hand


def test_code_that_was_changed_by_hand_is_put_back(aws, packed):
    deploy(packed["first"])
    other = {"S3Bucket": release().store.bucket, "S3Key": "scenelet/other.zip"}
    boto3.client("s3").put_object(
        Bucket=other["S3Bucket"], Key=other["S3Key"], Body=packed["second"].content
    )
    boto3.client("lambda").update_function_code(FunctionName="scenelet", **other)
    told = Told()
    deploy(packed["first"], progress=told)
    assert "changed by somebody, put back: code" in told.lines


def test_settings_that_were_changed_by_hand_are_put_back(aws, packed):
    deploy(packed["first"])
    client = boto3.client("lambda")
    client.update_function_configuration(
        FunctionName="scenelet", MemorySize=128, Environment={"Variables": {}}
    )
    told = Told()
    deploy(packed["first"], progress=told)
    assert "changed by somebody, put back: MemorySize, Environment" in told.lines
    found = client.get_function_configuration(FunctionName="scenelet", Qualifier="live")
    assert found["MemorySize"] == 512
    assert found["Environment"]["Variables"]["SCENELET_BUNDLE"] == "/var/task/bundle"


def test_a_function_that_was_deleted_is_told(aws, packed):
    deploy(packed["first"])
    boto3.client("lambda").delete_function(FunctionName="scenelet")
    with pytest.raises(CloudError, match="is gone, though its stack stands"):
        deploy(packed["first"])


def test_a_paused_stack_answers_nothing_until_it_is_resumed(aws, packed, scenelet):
    deploy(packed["first"])
    assert "paused" in scenelet("pause").out
    assert ask(aws, None, "application/json", "/health")[0] == 503
    with pytest.raises(CloudError, match="is paused"):
        deploy(packed["first"])
    scenelet("resume")
    assert ask(aws, None, "application/json", "/health")[0] == 200
