"""Objects of S3, of moto's server over HTTP: by obstore as by s3fs and boto3."""

import boto3
import fsspec
import pytest
from moto_server import enter_account

from scenelet.dataset import s3
from scenelet.dataset.remote import Remote, exists, within
from scenelet.errors import UnreadableImageError

pytestmark = pytest.mark.aws
PLAIN = ("a b.png", "ä.png", "100%.png", "a%20b.png", "a#b?.png", "a+b&c=d.png", "x\u0301.png")
ODD = ("tab\tx.png", "/double.png", "./dot.png", "empty.png", "marker/")


@pytest.fixture
def bucket(moto, tmp_path, monkeypatch):
    moto.reset()
    enter_account(monkeypatch, moto.url, tmp_path)
    monkeypatch.setenv("SCENELET_CACHE", str(tmp_path / "cache"))
    for known in (s3._store, s3._client):
        known.cache_clear()
    s3._REFUSED.clear()
    fsspec.filesystem("s3").clear_instance_cache()
    region = s3._client().meta.region_name
    s3._client().create_bucket(
        Bucket="pictures", CreateBucketConfiguration={"LocationConstraint": region}
    )


def put(names):
    for name in names:
        s3._client().put_object(
            Bucket="pictures", Key=f"of/{name}", Body=name.encode() * (name not in ODD[3:])
        )


def told(place):
    """Every entry, and the bytes of each that can be read."""
    source, found = Remote(place), {}
    for entry in source.entries():
        try:
            found[entry.path] = (entry.reason, source._fetched(entry.path))
        except UnreadableImageError as error:
            found[entry.path] = (entry.reason, str(error))
    return found, [source._stamps.of(path) for path in found]


@pytest.mark.parametrize("names", [PLAIN, *((*PLAIN, name) for name in ODD)])
def test_names_and_bytes_are_those_that_s3fs_and_boto3_tell(bucket, names, monkeypatch):
    pytest.importorskip("obstore")
    put(names)
    quickly = told("s3://pictures/of")
    assert (s3.listed("pictures/of") is not None) == (names == PLAIN)
    monkeypatch.setattr(s3, "_store", lambda bucket: None)
    assert quickly == told("s3://pictures/of")
    assert {path for path, (_, data) in quickly[0].items() if isinstance(data, bytes)} >= set(PLAIN)


def test_folders_and_single_objects_are_told_alike(bucket, monkeypatch):
    put(("cat/1.png", "dog/2.png", "3.png"))
    asked = [("s3://pictures/of", ""), ("s3://pictures", "of"), ("s3://pictures/of/", "cat")]
    places = ("s3://pictures/of/3.png", "s3://pictures/of/4.png", "s3://nowhere/of/3.png")
    quickly = [sorted(within(*each)) for each in asked], [exists(place) for place in places]
    assert quickly[0][0] == [("3.png", False), ("cat", True), ("dog", True)]
    assert quickly[1] == [True, False, False]
    monkeypatch.setattr(s3, "_store", lambda bucket: None)
    assert quickly == ([sorted(within(*each)) for each in asked], [exists(each) for each in places])


def test_the_first_bytes_of_an_object_are_no_more_than_there_are(bucket):
    put(("a.png",))
    assert s3.contents("pictures/of/a.png", 3) == b"a.p"
    assert s3.contents("pictures/of/a.png", 4096) == b"a.png"


def test_what_is_not_there_is_told_as_boto3_tells_it(bucket):
    put(("a.png",))
    with pytest.raises(UnreadableImageError, match=r"can't be read: no such key"):
        Remote("s3://pictures/of").read("b.png")


def test_a_config_file_says_where_the_store_is(bucket, moto, tmp_path, monkeypatch):
    pytest.importorskip("obstore")
    put(("a.png",))
    (tmp_path / "config").write_text(f"[default]\nregion = eu-west-1\nendpoint_url = {moto.url}\n")
    for name in ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    s3._store.cache_clear()
    s3._client.cache_clear()
    monkeypatch.setattr(
        boto3, "DEFAULT_SESSION", None
    )  # it has read the file when it was not there
    assert s3.contents("pictures/of/a.png") == b"a.png"
    assert not s3._REFUSED  # obstore found it too


def test_a_bucket_that_boto3_alone_can_read_is_asked_of_it_alone(bucket, monkeypatch):
    pytest.importorskip("obstore")
    put(("a.png",))
    found = s3._found() | {"endpoint": "http://127.0.0.1:9"}  # nobody listens there
    monkeypatch.setattr(s3, "_found", lambda: found)
    monkeypatch.setattr(s3, "_RETRIES", {"max_retries": 0})
    assert [s3.contents("pictures/of/a.png") for _ in range(2)] == [b"a.png"] * 2
    assert {"pictures"} == s3._REFUSED
