"""Pictures are kept where the owner says so and who asks does not forbid it, and no others."""

import io
import json
import subprocess
import sys

import boto3
import numpy as np
import pytest
from moto_server import enter_account
from PIL import Image

from scenelet.dataset.scenes import jpeg, paint_scene
from scenelet.images import ORIENTATION
from scenelet.serve import collecting
from scenelet.serve.predictor import Predictor
from scenelet.serve.service import Request, Service
from scenelet.serve.settings import Settings

pytestmark = pytest.mark.aws
PLACE = "s3://photos/unsure/"


@pytest.fixture
def bucket(moto, monkeypatch, tmp_path):
    moto.reset()
    enter_account(monkeypatch, moto.url, tmp_path)
    collecting._client.cache_clear()
    client = boto3.client("s3")
    where = {"LocationConstraint": "eu-central-1"}
    client.create_bucket(Bucket="photos", CreateBucketConfiguration=where)
    return client


@pytest.fixture
def service(bundle):
    predictor = Predictor(bundle)

    def made(**settings):
        settings = {"collect": PLACE, "collect_percent": 100} | settings
        return Service(lambda: predictor, Settings(**settings))

    return made


def ask(service, picture, **headers):
    found = service.respond(Request("POST", "/predict", "", headers, picture))
    return found.status, json.loads(found.body)


def noise(seed=1, size=(90, 120), **options):
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def kept(bucket):
    return [each["Key"] for each in bucket.list_objects_v2(Bucket="photos").get("Contents", [])]


def test_a_strange_picture_is_kept_once_small_upright_and_without_its_metadata(bucket, service):
    exif = Image.Exif()
    exif[ORIENTATION], exif[0x010E] = 6, "at home"
    exif.get_ifd(0x8825)[1] = "N"  # GPS
    photo = noise(size=(1200, 1600), exif=exif, comment=b"a secret")
    asked = service()
    status, answer = ask(asked, photo)
    assert (status, answer["is_stranger"]) == (200, True)
    assert ask(asked, photo)[0] == 200
    (key,) = kept(bucket)
    found = bucket.get_object(Bucket="photos", Key=key)
    content = found["Body"].read()
    picture = Image.open(io.BytesIO(content))
    assert (picture.format, picture.size) == ("JPEG", (768, 1024))
    assert not dict(picture.getexif())
    assert b"secret" not in content
    told = json.loads(found["Metadata"]["scenelet"])
    assert (told["label"], told["why"]) == (answer["label"], "stranger")


def test_what_it_is_sure_of_is_not_kept_nor_what_the_bundle_brought_along(bucket, shipped_bundle):
    predictor = Predictor(shipped_bundle)
    asked = Service(lambda: predictor, Settings(collect=PLACE, collect_percent=100))
    golden = sorted((shipped_bundle / "golden").iterdir())
    assert any(ask(asked, path.read_bytes())[1]["abstains"] for path in golden)
    status, answer = ask(asked, jpeg(paint_scene("buildings", 3)))
    assert (status, answer["abstains"], answer["is_stranger"]) == (200, False, False)
    assert kept(bucket) == []


@pytest.mark.parametrize(
    ("headers", "count"),
    [
        ({"x-scenelet-keep": "no"}, 0),
        ({"sec-gpc": "1"}, 0),
        ({"sec-gpc": "1", "x-scenelet-keep": "yes"}, 1),
        ({}, 1),
    ],
)
def test_who_asks_may_forbid_it(bucket, service, headers, count):
    assert ask(service(), noise(), **headers)[0] == 200
    assert len(kept(bucket)) == count


def test_a_share_of_them_is_kept_and_the_same_each_time(bucket, service):
    for _ in range(2):
        asked = service(collect_percent=25)
        for seed in range(24):
            ask(asked, noise(seed, size=(40, 40)))
    assert 1 <= len(kept(bucket)) <= 13


def test_no_more_than_so_many_an_hour(bucket, service, monkeypatch):
    monkeypatch.setattr(collecting, "MOST_AN_HOUR", 3)
    asked = service()
    for seed in range(5):
        assert ask(asked, noise(seed, size=(40, 40)))[0] == 200
    assert len(kept(bucket)) == 3


@pytest.mark.parametrize("fault", ["denied", "no bucket"])
def test_that_it_can_t_be_kept_costs_no_answer_and_is_logged_once(
    bucket, moto, service, capsys, fault
):
    if fault == "denied":
        moto.rules(denied=["s3:PutObject"])
    else:
        bucket.delete_bucket(Bucket="photos")
    asked = service()
    for seed in range(3):
        assert ask(asked, noise(seed))[0] == 200
    lines = capsys.readouterr().err.splitlines()
    assert [line.startswith("scenelet: not kept: s3://photos/unsure/") for line in lines] == [True]


def test_it_is_told_to_whoever_asks_without_the_name_of_the_bucket(bucket, service):
    about = json.loads(service().respond(Request("GET", "/")).body)
    assert (about["collects"]["percent"], about["collects"]["days"]) == (100, 30)
    assert "photos" not in json.dumps(about)
    off = json.loads(service(collect="").respond(Request("GET", "/")).body)
    assert off["collects"] is None


def test_a_service_that_keeps_nothing_loads_nothing_of_it(bundle):
    code = (
        "import sys; from scenelet.serve import aws_lambda as door;"
        "door.handler({'image': 'x'}, None);"
        "print(sorted(name for name in sys.modules if 'collecting' in name or 'boto' in name))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
