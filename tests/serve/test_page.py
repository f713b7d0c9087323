import base64
import gzip
import hashlib
import json
import re

import numpy as np
import pytest
from PIL import Image

from scenelet.dataset.corrections import bring, corrections
from scenelet.serve import aws_lambda
from scenelet.serve.page import page
from scenelet.serve.predictor import Predictor
from scenelet.serve.service import Request, Service
from scenelet.serve.settings import Settings
from scenelet.serve.token import sha256_of

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def get(bundle, path="/", method="GET", settings=None, **headers):
    service = Service(lambda: Predictor(bundle), settings or Settings())
    return service.respond(Request(method, path, "", headers, b""))


def test_a_browser_gets_a_page_and_a_program_gets_json(bundle):
    shown = get(bundle, **BROWSER)
    assert shown.status == 200
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    assert shown.body.startswith("<!doctype html>")
    for accept in ("*/*", "application/json", ""):
        assert json.loads(get(bundle, accept=accept).body)["classes"]
    assert json.loads(get(bundle, "/health", **BROWSER).body)["status"] == "ok"
    assert get(bundle, method="HEAD", **BROWSER).body == ""


def test_below_a_base_path_the_page_is_there_too(bundle):
    settings = Settings(base_path="/scenes")
    for path in ("/scenes", "/scenes/", "/"):
        assert get(bundle, path, settings=settings, **BROWSER).body.startswith("<!doctype html>")


def test_a_page_asks_for_the_token_by_itself_and_tells_nothing_without_it(bundle):
    settings = Settings(token_sha256=sha256_of("secret"))
    assert get(bundle, settings=settings, **BROWSER).status == 200
    assert get(bundle, settings=settings, accept="application/json").status == 401
    contract = Predictor(bundle).model.contract
    assert contract.name not in page()[0]


def test_the_page_runs_its_own_script_alone_and_loads_nothing_from_elsewhere():
    text, headers = page()
    policy = headers["content-security-policy"]
    for tag in ("script", "style"):
        [inner] = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert not re.findall(r"""(?:src|href)=["'](?!data:)|style=["']|\son\w+=["']""", text)
    assert "innerHTML" not in text
    assert len(gzip.compress(text.encode())) < 20_000


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_on_lambda_an_address_opened_in_a_browser_is_the_page(bundle, monkeypatch, version):
    monkeypatch.setenv("SCENELET_BUNDLE", str(bundle))
    event = {
        "version": version,
        "headers": {"Accept": BROWSER["accept"]},
        "httpMethod": "GET",
        "path": "/",
        "rawPath": "/",
        "requestContext": {"http": {"method": "GET", "path": "/"}, "stage": "$default"},
    }
    answer = aws_lambda.handler(event, None)
    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"].startswith("text/html")
    assert answer["body"].startswith("<!doctype html>")


@pytest.mark.browser
def test_a_large_photo_is_sent_no_larger_than_a_model_needs(
    chromium, serve, bundle, tmp_path, monkeypatch
):
    monkeypatch.setenv("SCENELET_MAX_BODY_BYTES", "1000000")
    noise = np.random.default_rng(1).integers(0, 256, (1500, 2000, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.jpg", quality=92)
    assert (tmp_path / "photo.jpg").stat().st_size > 2_000_000
    shown = chromium.new_page()
    shown.goto(f"http://127.0.0.1:{serve(bundle).port}/")
    shown.get_by_label("Choose a picture").set_input_files(tmp_path / "photo.jpg")
    shown.locator("#bars li").first.wait_for()
    [label] = shown.get_by_label("No, it is").select_option(index=1)
    shown.get_by_text(f"It is {label}: 1 kept on this page, sent nowhere").wait_for()
    with shown.expect_download() as download:
        shown.get_by_role("button", name="Save corrections").click()
    download.value.save_as(tmp_path / "corrections.jsonl")
    shown.close()
    assert bring(tmp_path / "kept", tmp_path / "corrections.jsonl") == 1
    assert corrections(tmp_path / "kept")[0].label == label
