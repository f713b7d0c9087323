import json

import boto3
import pytest
from moto_server import enter_account

from scenelet.errors import BundleError, FetchError, RequestError
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
    told = aws_lambda.handler(created("new/broken.jpg.scenelet.json"), None)
    assert told["answers"] == []
    assert told["passed_over"][0]["passed_over"] == "an answer of our own"


def test_a_picture_that_is_gone_makes_lambda_try_again(bucket):
    with pytest.raises(FetchError, match=r"s3://photos/gone\.jpg"):
        aws_lambda.handler(created("gone.jpg"), None)


def in_sqs(event):
    return {"Records": [{"eventSource": "aws:sqs", "body": json.dumps(event)}]}


def test_a_record_that_fails_costs_no_other_of_its_batch(bucket):
    good = created("new/my+sea%2B1.jpg")
    foreign = {"Records": [{"eventSource": "aws:sqs", "body": "no JSON"}]}
    for bad, error in ((foreign, RequestError), (in_sqs(created("gone.jpg")), FetchError)):
        with pytest.raises(error):
            aws_lambda.handler({"Records": bad["Records"] + in_sqs(good)["Records"]}, None)
        answer = {"Bucket": "photos", "Key": "new/my sea+1.jpg.scenelet.json"}
        assert json.loads(bucket.get_object(**answer)["Body"].read())["label"]
        bucket.delete_object(**answer)


def test_a_picture_is_answered_from_whatever_envelope(bucket):
    detail = {"bucket": {"name": "photos"}, "object": {"key": "new/my sea+1.jpg"}}
    bridged = {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}
    for event in (in_sqs(created("new/my+sea%2B1.jpg")), bridged, in_sqs(bridged)):
        told = aws_lambda.handler(event, None)
        assert [answer["key"] for answer in told["answers"]] == ["new/my sea+1.jpg"]


def test_s3_batch_gets_a_result_for_each_task(bucket):
    tasks = [
        {"taskId": "1", "s3Key": "new/my+sea%2B1.jpg", "s3BucketArn": "arn:aws:s3:::photos"},
        {"taskId": "2", "s3Key": "gone.jpg", "s3BucketArn": "arn:aws:s3:::photos"},
    ]
    told = aws_lambda.handler({"invocationSchemaVersion": "1.0", "tasks": tasks}, None)
    assert [each["resultCode"] for each in told["results"]] == ["Succeeded", "TemporaryFailure"]


def test_what_s3_refuses_is_told_in_our_words(bucket):
    with pytest.raises(FetchError) as error:
        aws_lambda.handler(created("gone.jpg"), None)
    assert str(error.value) == "s3://photos/gone.jpg: can't be read: it is gone"


def test_a_broken_bundle_is_no_answer_beside_a_picture(bucket, monkeypatch, tmp_path):
    monkeypatch.setenv("SCENELET_BUNDLE", str(tmp_path))
    with pytest.raises(BundleError):
        aws_lambda.handler(created("new/my+sea%2B1.jpg"), None)
