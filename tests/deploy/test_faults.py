"""A faulty line to AWS: a deployment ends right, or says what to do.

The same command again gets there in the end.
"""

import boto3
import pytest
from botocore.config import Config
from faulty_line import FaultyLine

from scenelet.deploy.aws.cloud import Cloud
from scenelet.deploy.aws.release import Release
from scenelet.deploy.aws.settings import DeploySettings, Identity
from scenelet.errors import CloudError, DeployError

pytestmark = pytest.mark.aws


@pytest.fixture
def impatient(monkeypatch):
    """Clients that give up soon: what they say then is what is tested."""
    config = Config(
        user_agent_extra="scenelet/test",
        retries={"mode": "standard", "max_attempts": 2},
        connect_timeout=1,
        read_timeout=1,
    )
    monkeypatch.setattr("scenelet.deploy.aws.cloud._CONFIG", config)


@pytest.fixture
def faulty(aws, impatient, monkeypatch):
    """Puts a faulty line between boto3 and moto; the gateway keeps its own."""
    lines = []
    honest = aws.endpoint_url

    def put(**how):
        line = FaultyLine(honest, **how)
        lines.append(line)
        monkeypatch.setenv("AWS_ENDPOINT_URL", line.url)
        return line

    yield put
    monkeypatch.setenv("AWS_ENDPOINT_URL", honest)
    for line in lines:
        line.shutdown()
        line.server_close()


def until_it_ends_well(work, tries=40):
    """Run it again and again, as a person would; what it says each time."""
    said = []
    for _ in range(tries):
        try:
            return work(), said
        except DeployError as error:
            said.append(str(error))
    raise AssertionError(f"never ended well: {said}")


def release():
    return Release(Cloud(), Identity(), poll_s=0.05, patience_s=3)


def deploy(package):
    return release().deploy(package, DeploySettings(), 512)


@pytest.mark.parametrize("seed", range(2))
def test_a_deployment_over_a_faulty_line_gets_there_in_the_end(aws, packed, faulty, seed):
    line = faulty(seed=seed, rate=0.3)
    first, second = packed["first"], packed["second"]
    done, said = until_it_ends_well(lambda: deploy(first))
    done, more = until_it_ends_well(lambda: deploy(second))
    assert sum(line.faults.values()) > 5
    assert all(len(told.splitlines()) == 1 for told in said + more)
    assert (
        aws.invoke({"rawPath": "/health", "requestContext": {"http": {"method": "GET"}}})[
            "statusCode"
        ]
        == 200
    )
    assert release_over(aws).versions.live() == done.version
    until_it_ends_well(lambda: release().destroy())
    assert boto3.client("lambda", endpoint_url=aws.endpoint_url).list_functions()["Functions"] == []
    assert release_over(aws).store.listed() == []


def release_over(aws):
    import os

    os.environ["AWS_ENDPOINT_URL"] = aws.endpoint_url
    return release()


def test_an_upload_that_is_cut_every_time_says_so_and_leaves_nothing_half(aws, packed, faulty):
    faulty(seed=0, rate=1.0, kinds=("cut",))
    with pytest.raises(CloudError, match="run the same command again"):
        deploy(packed["first"])
    s3 = boto3.client("s3", endpoint_url=aws.endpoint_url)
    assert not [
        bucket
        for bucket in s3.list_buckets()["Buckets"]
        if s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents")
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
            "no credentials. Run `aws login`",
        ),
        ({"AWS_DEFAULT_REGION": None}, "no region. Name one: --region eu-central-1"),
        (
            {"AWS_DEFAULT_REGION": "eu-middle-9", "AWS_ENDPOINT_URL": None},
            "found 'eu-middle-9', no region that boto3",
        ),
        ({"AWS_PROFILE": "nobody"}, "nobody"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, "AWS could not be reached"),
    ],
)
def test_a_wrong_account_region_or_address_is_one_line(
    aws, packages, scenelet, impatient, monkeypatch, change, message
):
    for name, value in change.items():
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    done = scenelet("deploy", packages["first"])
    assert (done.code, len(done.err.splitlines())) == (1, 1), done.err
    assert message in done.err


@pytest.mark.parametrize(
    ("code", "words", "message"),
    [
        (
            "AccessDenied",
            "User x is not authorized to perform: lambda:CreateFunction",
            "not permitted: User x",
        ),
        ("ExpiredToken", "expired", "have expired. Log in again"),
        ("Throttling", "Rate exceeded", "AWS is throttling: Rate exceeded"),
        ("InternalFailure", "oops", "AWS failed (InternalFailure: oops)"),
        (
            "InvalidParameter",
            "decreases account's UnreservedConcurrentExecution below",
            "Deploy with --concurrency 0",
        ),
        ("BucketAlreadyExists", "taken", "belongs to somebody else. Name another with --bucket"),
        ("Whatever", "new", "AWS refused (Whatever): new"),
    ],
)
def test_what_aws_refuses_is_one_line_with_the_next_step(code, words, message):
    from botocore.exceptions import ClientError

    from scenelet.deploy.aws.cloud import translated

    with pytest.raises(CloudError) as told, translated("it"):
        raise ClientError({"Error": {"Code": code, "Message": words}}, "Work")
    assert message in str(told.value)
    assert str(told.value).startswith("it: ")
