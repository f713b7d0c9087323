"""Pictures too large for a request: put into a bucket by a presigned address, then asked about."""

import io
import json
import urllib.request

import boto3
import numpy as np
import pytest
from moto_server import enter_account
from PIL import Image

from scenelet.errors import FetchError
from scenelet.serve import presigned
from scenelet.serve.client import Endpoint
from scenelet.serve.predictor import Predictor
from scenelet.serve.service import Request, Service
from scenelet.serve.settings import Settings

pytestmark = pytest.mark.aws
PLACE = "s3://photos/large/"


@pytest.fixture
def bucket(moto, monkeypatch, tmp_path):
    moto.reset()
    enter_account(monkeypatch, moto.url, tmp_path)
    presigned._client.cache_clear()
    client = boto3.client("s3")
    where = {"LocationConstraint": "eu-central-1"}
    client.create_bucket(Bucket="photos", CreateBucketConfiguration=where)
    return client


@pytest.fixture
def ask(bundle):
    predictor = Predictor(bundle)

    def ask(path, told, place=PLACE):
        service = Service(lambda: predictor, Settings(uploads=place))
        found = service.respond(Request("POST", path, body=json.dumps(told).encode()))
        return found.status, json.loads(found.body)

    return ask


def test_what_was_put_at_its_address_is_answered_once_and_then_gone(bucket, bundle, ask):
    picture = next((bundle / "golden").iterdir()).read_bytes()
    status, offered = ask("/upload", {"bytes": len(picture)})
    assert (status, offered["bytes"]) == (200, len(picture))
    assert "content-length" in offered["put"].lower()  # signed, so no other size is taken
    kind = {"content-type": "image/jpeg"}
    put = urllib.request.Request(offered["put"], picture, kind, method="PUT")
    urllib.request.urlopen(put, timeout=30).close()
    status, answer = ask("/predict", {"upload": offered["upload"]})
    assert (status, answer["probabilities"]) == (
        200,
        Predictor(bundle).predict(picture).probabilities,
    )
    assert "Contents" not in bucket.list_objects_v2(Bucket="photos")
    assert ask("/predict", {"upload": offered["upload"]})[0] == 404


@pytest.mark.parametrize(
    ("told", "status", "words"),
    [
        ({"bytes": 20_000_001}, 413, "at most 20,000,000"),
        ({"bytes": "many"}, 400, "bytes: found many"),
        ({"bytes": True}, 400, "bytes: found True"),
        ({}, 400, "found no size of the picture"),
        ([], 400, "found no size of the picture"),
    ],
)
def test_a_size_that_makes_no_sense_is_refused(ask, told, status, words):
    found, problem = ask("/upload", told)
    assert (found, words in problem["detail"]) == (status, True), problem


@pytest.mark.parametrize("name", ["../secret", "", None, "a" * 22])
def test_a_name_that_nobody_was_given_finds_nothing(bucket, ask, name):
    bucket.put_object(Bucket="photos", Key="secret", Body=b"no picture")
    assert ask("/predict", {"upload": name})[1]["title"] == "No such upload"


def test_without_a_bucket_there_is_no_such_route(ask):
    assert ask("/upload", {"bytes": 9}, place="")[0] == 404
    assert ask("/predict", {"upload": "a" * 22}, place="")[0] == 400


def test_the_client_goes_that_way_with_what_is_too_large_for_a_request(
    bucket, serve, bundle, monkeypatch
):
    noise = np.random.default_rng(1).integers(0, 256, (1000, 1600, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "BMP")  # 4.8 MB
    monkeypatch.setenv("SCENELET_MAX_BODY_BYTES", "4400000")
    refusing = Endpoint(f"http://127.0.0.1:{serve(bundle).port}", tries=1)
    with pytest.raises(FetchError):
        refusing.predict(buffer.getvalue(), original=True)
    monkeypatch.setenv("SCENELET_UPLOADS", PLACE)
    endpoint = Endpoint(f"http://127.0.0.1:{serve(bundle).port}", tries=1)
    assert endpoint.predict(buffer.getvalue(), original=True)["label"]


def test_a_bucket_that_can_t_be_read_keeps_the_picture_and_tells_no_name_of_it(
    bucket, ask, monkeypatch, capsys
):
    status, offered = ask("/upload", {"bytes": 3})
    assert status == 200
    key = f"large/{offered['upload']}"
    bucket.put_object(Bucket="photos", Key=key, Body=b"abc")

    def refused(*_, **__):
        raise FetchError("s3://photos/large: can't be read: S3 asks to slow down")

    with monkeypatch.context() as patched:
        patched.setattr(presigned, "read_object", refused)
        status, problem = ask("/predict", {"upload": offered["upload"]})
    assert (status, "photos" in problem["detail"]) == (503, False)
    assert "slow down" in capsys.readouterr().err
    assert bucket.list_objects_v2(Bucket="photos")["KeyCount"] == 1
