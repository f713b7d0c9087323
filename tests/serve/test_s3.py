import json

import boto3
import pytest
from moto_server import enter_account

from scenelet.errors import FetchError
from scenelet.serve import aws_lambda
from scenelet.serve.predictor import Predictor

pytestmark = pytest.mark.aws


@pytest.fixture
def bucket(moto, bundle, monkeypatch, tmp_path):
    """A bucket with two pictures in it, and a handler that may read and write it."""
    moto.reset()
    enter_account(monkeypatch, moto.url, tmp_path)
    monkeypatch.setenv("SCENELET_BUNDLE", str(bundle))
    client = boto3.client("s3")
    client.create_bucket(
        Bucket="photos", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    client.put_object(
        Bucket="photos",
        Key="new/my sea+1.jpg",
        Body=(bundle / "golden" / "sea-alpha.png").read_bytes(),
    )
    client.put_object(Bucket="photos", Key="new/broken.jpg", Body=b"no picture")
    return client


def created(*keys):
    """An event as S3 sends it, cut to what a handler may rely on; keys are quoted as in forms."""
    records = [
        {"eventSource": "aws:s3", "s3": {"bucket": {"name": "photos"}, "object": {"key": key}}}
        for key in keys
    ]
    return {"Records": records}


def test_each_picture_gets_its_answer_beside_it(bucket, bundle):
    told = aws_lambda.handler(created("new/my+sea%2B1.jpg", "new/broken.jpg"), None)
    assert [answer["answer"] for answer in told["answers"]] == [
        "new/my sea+1.jpg.scenelet.json",
        "new/broken.jpg.scenelet.json",
    ]
    answer = json.loads(
        bucket.get_object(Bucket="photos", Key="new/my sea+1.jpg.scenelet.json")["Body"].read()
    )
    expected = Predictor(bundle).predict((bundle / "golden" / "sea-alpha.png").read_bytes())
    assert answer["probabilities"] == pytest.approx(expected.probabilities)
    problem = json.loads(
        bucket.get_object(Bucket="photos", Key="new/broken.jpg.scenelet.json")["Body"].read()
    )
    assert problem["status"] == 422


def test_an_answer_of_our_own_is_not_answered_again(bucket):
    assert aws_lambda.handler(created("new/broken.jpg.scenelet.json"), None) == {"answers": []}


def test_a_picture_that_is_gone_makes_lambda_try_again(bucket):
    with pytest.raises(FetchError, match=r"s3://photos/gone\.jpg"):
        aws_lambda.handler(created("gone.jpg"), None)
