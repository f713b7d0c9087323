"""`deploy --collect` and `scenelet collect`: consent, the least rights, and pictures brought home."""

import base64
import csv
import importlib.util
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from moto_server import ACCOUNT
from PIL import Image

from scenelet.deploy.aws.cloud import Cloud
from scenelet.deploy.aws.release import Release
from scenelet.deploy.aws.settings import ON_LAMBDA, DeploySettings, Identity
from scenelet.deploy.runtime_api import RunningFunction
from scenelet.errors import CloudError
from scenelet.serve.client import Endpoint

pytestmark = pytest.mark.aws
PLACE = "s3://photos/unsure/"
WITH_LAMBDA = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six")


@pytest.fixture
def bucket(aws):
    client = boto3.client("s3")
    where = {"LocationConstraint": "eu-central-1"}
    client.create_bucket(Bucket="photos", CreateBucketConfiguration=where)
    return client


def deploy(packed, **service):
    release = Release(Cloud(), Identity(), poll_s=0.05, patience_s=60)
    settings = DeploySettings(service=replace(ON_LAMBDA, **service))
    return release.deploy(packed["first"], settings, 512)


def rules(bucket):
    return bucket.get_bucket_lifecycle_configuration(Bucket="photos")["Rules"]


def blank(seed=1):
    """Nothing to see: a stranger to every model."""
    buffer = io.BytesIO()
    Image.new("RGB", (90 + seed, 120)).save(buffer, "JPEG")
    return buffer.getvalue()


def read(table):
    return list(csv.DictReader(table.read_text().splitlines()))


def test_pictures_are_kept_by_the_owner_s_word_and_are_his_when_the_stack_is_gone(
    aws, bucket, packed, scenelet
):
    other = {"ID": "mine", "Filter": {"Prefix": "old/"}, "Status": "Enabled"}
    own = {"Rules": [other | {"Expiration": {"Days": 7}}]}
    bucket.put_bucket_lifecycle_configuration(Bucket="photos", LifecycleConfiguration=own)
    flags = ("--memory", "512", "--collect", PLACE, "--collect-days", "14")
    told = scenelet("deploy", packed["first"].origin, *flags)
    assert told.code == 0, told.err
    assert "keeps 10 % of the pictures that it is not sure of" in told.out
    assert "kept pictures: 7,200 a day at most" in told.out
    days = {each["Filter"]["Prefix"]: each["Expiration"]["Days"] for each in rules(bucket)}
    assert days == {"old/": 7, "unsure/": 14}
    role = boto3.client("iam").list_roles()["Roles"][0]["RoleName"]
    document = boto3.client("iam").get_role_policy(RoleName=role, PolicyName="keep-pictures")
    (statement,) = document["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"].rpartition(":")[2]) == (
        "s3:PutObject",
        "photos/unsure/*",
    )
    assert Endpoint(aws.url).predict(blank())["is_stranger"]  # it can't keep any here: no boto3
    gone = scenelet("destroy", "--yes")
    assert f"kept: {PLACE}" in gone.out
    assert len(rules(bucket)) == 2


def test_a_prefix_that_holds_something_is_not_given_a_rule_that_deletes_it(aws, bucket, packed):
    bucket.put_object(Bucket="photos", Key="unsure/wedding.jpg", Body=b"dear")
    with pytest.raises(CloudError, match=r"holds unsure/wedding.jpg already.*prefix of its own"):
        deploy(packed, collect=PLACE)
    with pytest.raises(bucket.exceptions.ClientError, match="NoSuchLifecycle"):
        rules(bucket)


def test_what_the_package_keeps_under_awslambdaric_is_brought_once_and_can_be_labelled(
    aws, bucket, packed, runtime, scenelet, tmp_path
):
    root = tmp_path / "root"
    zipfile.ZipFile(io.BytesIO(packed["first"].content)).extractall(root)
    for name in WITH_LAMBDA:  # what Lambda's own runtime has besides
        found = Path(importlib.util.find_spec(name).origin)
        real = found.parent if found.stem == "__init__" else found
        (root / real.name).symlink_to(real)
    told = {"SCENELET_COLLECT": PLACE, "SCENELET_COLLECT_PERCENT": "100"}
    account = ACCOUNT | {"AWS_ENDPOINT_URL": aws.moto.url}
    handler = packed["first"].description.handler
    with RunningFunction(runtime, root, handler, told | account, memory_mib=512) as function:
        for seed in (1, 2, 2):
            answer = function.invoke({"image": base64.b64encode(blank(seed)).decode()})
            assert answer["is_stranger"]
    keys = [each["Key"] for each in bucket.list_objects_v2(Bucket="photos")["Contents"]]
    assert len(keys) == 2

    out, table = tmp_path / "collected", tmp_path / "collected.csv"
    done = scenelet("collect", PLACE, "--out", out)
    assert "pictures: 2 new, 2 brought in all" in done.out, done.err
    rows = read(table)
    assert {(out / row["path"]).exists() for row in rows} == {True}
    assert {row["why"] for row in rows} == {"stranger"}
    table.write_text(table.read_text().replace(f"{rows[0]['path']},,", f"{rows[0]['path']},-sea,"))
    (out / rows[1]["path"]).unlink()  # nobody needs it again
    hostile = {"scenelet": json.dumps({"label": "=cmd()", "why": ["x"], "path": "../x"})}
    bucket.put_object(Bucket="photos", Key=f"unsure/{'0' * 32}.jpg", Body=b"x", Metadata=hostile)
    bucket.put_object(Bucket="photos", Key="unsure/../../evil.jpg", Body=b"x")
    assert "pictures: 1 new, 3 brought" in scenelet("collect", PLACE, "--out", out).out
    again = {row["path"]: row for row in read(table)}
    assert again[rows[0]["path"]]["label"] == "-sea"
    assert again[f"{'0' * 32}.jpg"]["guess"] == "'=cmd()"
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [rows[0]["path"], f"{'0' * 32}.jpg"]
    )
    assert not (tmp_path / "evil.jpg").exists()


def test_a_stack_that_keeps_nothing_says_how(aws, scenelet):
    told = scenelet("collect")
    assert (told.code, "scenelet deploy --collect s3://" in told.err) == (1, True)
