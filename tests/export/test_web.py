"""The page that answers in the browser itself, in Chromium and from the bytes of files."""

import base64
import functools
import hashlib
import http.server
import re
import shutil
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from servers import serving

from scenelet.bundle.contract import read_contract
from scenelet.errors import ConfigError
from scenelet.export import npm
from scenelet.export.npm import Package, fetch_package
from scenelet.export.web import export_web
from scenelet.export.web_speed import browser_here
from scenelet.images import PreprocessSpec, preprocess
from scenelet.serve.predictor import Predictor

NUMBERS = ["10", "3", "2", "1", "7", "__proto__"]
SLOW_AT_FIRST = """
    const real = createImageBitmap, first = new Promise(done => { self.passed = done; });
    let asked = 0;
    self.createImageBitmap = async (...given) => { if (!asked++) await first; return real(...given); };
"""
TOLERANCE = 1e-3  # of any probability, where the decoders agree


class Site(http.server.SimpleHTTPRequestHandler):
    """A static host."""

    extensions_map: ClassVar = {
        ".js": "text/javascript",
        ".wasm": "application/wasm",
        ".html": "text/html",
    }

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def web(shipped_bundle, tmp_path_factory):
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    return export_web(shipped_bundle, tmp_path_factory.mktemp("web") / "site")


@pytest.fixture(scope="module")
def page(web, chromium):
    """The page, when its model is loaded; `asked` holds every address that it wanted."""
    handler = functools.partial(Site, directory=web.folder)
    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)) as server:
        shown = chromium.new_page()
        shown.asked = []
        shown.home = f"http://127.0.0.1:{server.server_port}/"
        shown.on("request", lambda request: shown.asked.append(request.url))
        shown.goto(shown.home)
        shown.locator("#about", has_text="It knows 6 classes").wait_for()
        yield shown
        shown.close()


def classify(page, data):
    return page.evaluate(
        """async text => {
            const {ready} = await import("./page.js");
            const bytes = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
            return (await ready).classify(new Blob([bytes]));
        }""",
        base64.b64encode(data).decode(),
    )


def prepared(page, pixels, spec):
    """What the page makes of (height, width, 3) uint8."""
    text = page.evaluate(
        """async ([text, width, height, spec]) => {
            const {prepared} = await import("./picture.js");
            const data = Uint8ClampedArray.from(atob(text), letter => letter.charCodeAt(0));
            return btoa(String.fromCharCode(...prepared({data, width, height}, spec).data));
        }""",
        [
            base64.b64encode(pixels.tobytes()).decode(),
            pixels.shape[1],
            pixels.shape[0],
            {name: getattr(spec, name) for name in ("width", "height", "resize", "fit")},
        ],
    )
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(spec.height, spec.width, 3)


@pytest.mark.browser
def test_pictures_are_resized_as_pillow_does_it_bit_for_bit(page):
    random = np.random.default_rng(3)
    for fit in ("squash", "pad", "crop"):
        for resize in ("bilinear", "bicubic"):
            for height, width in ((150, 150), (37, 90), (301, 200), (48, 64), (1, 5)):
                spec = PreprocessSpec(64, 48, resize, fit=fit)
                pixels = random.integers(0, 256, (height, width, 3), np.uint8)
                expected = preprocess(Image.fromarray(pixels), spec)[0]
                assert np.array_equal(prepared(page, pixels, spec), expected), (fit, resize, height)


@pytest.mark.browser
def test_the_page_answers_as_predict_does_from_the_bytes_of_pictures(page, shipped_bundle):
    predictor, contract = Predictor(shipped_bundle), read_contract(shipped_bundle)
    same = 0
    for golden in contract.golden:
        data = (shipped_bundle / golden.file).read_bytes()
        told, expected = classify(page, data), predictor.predict(data)
        assert told["label"] == expected.label
        assert told["is_stranger"] == expected.is_stranger
        differences = [
            abs(told["probabilities"][name] - value)
            for name, value in expected.probabilities.items()
        ]
        assert max(differences) < 0.05  # a large JPEG is decoded at half its size by Pillow alone
        if max(differences) <= TOLERANCE:
            assert told["abstains"] == expected.abstains
            assert told["prediction_set"] == expected.prediction_set
            same += 1
    assert same >= 4


@pytest.mark.browser
def test_photos_of_jpeg_are_answered_within_a_thousandth(page, real_images, shipped_bundle):
    predictor = Predictor(shipped_bundle)
    for folder in sorted(real_images.iterdir()):
        data = next(folder.iterdir()).read_bytes()
        told, expected = classify(page, data), predictor.predict(data)
        assert told["probabilities"] == pytest.approx(expected.probabilities, abs=TOLERANCE)


@pytest.mark.browser
def test_a_chosen_picture_is_answered_and_nothing_but_the_own_host_is_asked(page, shipped_bundle):
    picture = shipped_bundle / "golden" / "sea-alpha.png"
    page.locator("#file").set_input_files(picture)
    page.locator("#bars li").first.wait_for()
    assert page.locator("#said").text_content() == "sea"
    assert page.get_by_text("Pictures never leave this device.").is_visible()
    assert {url for url in page.asked if not url.startswith((page.home, "blob:", "data:"))} == set()
    blocked = page.evaluate("fetch('http://127.0.0.1:9/x').then(() => '', error => error.name)")
    assert blocked == "TypeError"


def opened(page, chromium, change):
    """The page in a tab of its own, after something was changed in it."""
    shown = chromium.new_page()
    change(shown)
    shown.goto(page.home)
    return shown


def with_numbers(route):
    """`model.json` with classes whose names an object of JavaScript puts into another order."""
    reply = route.fetch()
    told = reply.json()
    told["names"] = NUMBERS
    route.fulfill(response=reply, json=told | {"rules": told["rules"] | {"set_thresholds": {}}})


@pytest.mark.browser
def test_classes_that_are_numbers_are_ranked_by_their_probability(page, chromium, shipped_bundle):
    shown = opened(page, chromium, lambda it: it.route("**/model.json", with_numbers))
    shown.locator("#file").set_input_files(shipped_bundle / "golden" / "buildings.jpg")
    expect(shown.locator("#said")).to_have_text("10")
    expect(shown.locator("#bars li")).to_have_count(5)
    expect(shown.locator("#bars li span").first).to_have_text("10")
    shown.close()


@pytest.mark.browser
def test_an_answer_that_was_overtaken_is_not_shown(page, chromium, shipped_bundle):
    shown = opened(page, chromium, lambda it: it.add_init_script(SLOW_AT_FIRST))
    expect(shown.locator("#about")).to_contain_text("It knows 6 classes")
    for name in ("buildings.jpg", "sea-alpha.png"):
        shown.locator("#file").set_input_files(shipped_bundle / "golden" / name)
    expect(shown.locator("#said")).to_have_text("sea")
    shown.evaluate("passed()")
    shown.evaluate("new Promise(done => setTimeout(done, 200))")
    expect(shown.locator("#said")).to_have_text("sea")
    shown.close()


@pytest.mark.browser
def test_a_host_that_lacks_a_file_and_a_page_that_is_a_file_are_told(page, chromium, web):
    lost = opened(page, chromium, lambda it: it.route("**/model.tflite", gone))
    expect(lost.locator("#about")).to_contain_text("model.tflite: the host answers 404")
    lost.close()
    shown = chromium.new_page()
    shown.goto((web.folder / "index.html").as_uri())
    expect(shown.get_by_text("A page opened as a file can't load it")).to_be_visible(timeout=30_000)
    shown.close()


def gone(route):
    route.fulfill(status=404, body="no")


@pytest.mark.browser
def test_what_is_no_picture_is_told_in_a_line(page, tmp_path):
    (tmp_path / "notes.jpg").write_text("hello")
    page.locator("#file").set_input_files(tmp_path / "notes.jpg")
    page.locator("#said", has_text="This browser can't read that as a picture.").wait_for()


@pytest.mark.browser
def test_the_camera_is_watched_frame_by_frame(web, chromium):
    handler = functools.partial(Site, directory=web.folder)
    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)) as server:
        home = f"http://127.0.0.1:{server.server_port}/"
        context = chromium.new_context(permissions=["camera"])
        shown = context.new_page()
        shown.add_init_script(
            """navigator.mediaDevices.getUserMedia = async () => {
                const canvas = Object.assign(document.createElement("canvas"), {width: 640, height: 480});
                const paint = canvas.getContext("2d");
                setInterval(() => { paint.fillStyle = `hsl(${Date.now() / 20 % 360} 50% 50%)`; paint.fillRect(0, 0, 640, 480); }, 30);
                return canvas.captureStream(30);
            };"""
        )
        shown.goto(home)
        shown.get_by_role("button", name="Use the camera").click()
        shown.locator("#speed", has_text="frames a second").wait_for()
        shown.get_by_role("button", name="Stop the camera").click()
        assert shown.locator("#live").is_hidden()
        context.close()


@pytest.mark.browser
def test_the_card_tells_the_frames_a_second_in_a_browser_of_this_machine(
    web, shipped_bundle, tmp_path
):
    if not browser_here():
        pytest.skip("Chromium is not installed; `make system-tools` gets it")
    made = export_web(shipped_bundle, tmp_path / "site", browser=browser_here())
    assert re.match(r"\d+\.\d frames of 640 x 480 a second in Chromium \d", made.speed)
    assert f"Speed: {made.speed}." in (tmp_path / "site" / "README.md").read_text()
    assert "Speed: not measured here" in (web.folder / "README.md").read_text()
    assert export_web(shipped_bundle, tmp_path / "other", browser="/bin/true").speed == ""


def test_the_folder_says_what_is_in_it_and_the_policy_lets_no_script_of_others_run(web):
    told = (web.folder / "README.md").read_text()
    assert "@litertjs/core 2.5.3" in told
    assert "Apache-2.0" in told
    text = (web.folder / "index.html").read_text()
    assert "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'" in text
    assert "unsafe-inline" not in text
    assert "<script>" not in text
    assert "style=" not in text
    assert web.loaded_bytes < 16_000_000


def test_without_npm_it_is_said_what_to_install(shipped_bundle, scenelet, tmp_path, monkeypatch):
    monkeypatch.setattr("scenelet.export.npm.shutil.which", lambda _: None)
    monkeypatch.setattr("scenelet.export.web.cache_folder", lambda: tmp_path / "cache")
    done = scenelet("export", shipped_bundle, "--web", tmp_path / "site")
    assert done.code == 1
    assert (
        done.err
        == "scenelet: --web: needs npm, which comes with Node.js, to get LiteRT for the browser. Install it.\n"
    )
    assert not (tmp_path / "site").exists()


def registry(folder, script):
    """An npm client that does what the script says with its last argument, the cache."""
    client = folder / "npm"
    client.write_text(f"#!/bin/sh\nfor last; do :; done\n{script}\n")
    client.chmod(0o755)
    return str(client)


def test_without_a_network_it_is_one_line_and_what_was_fetched_is_kept(tmp_path, monkeypatch):
    package = Package("some", "1.0", base64.b64encode(hashlib.sha512(b"good").digest()).decode())
    monkeypatch.setattr(npm.shutil, "which", lambda _: registry(tmp_path, "exit 1"))
    with pytest.raises(ConfigError, match=r"some@1\.0 can't be fetched from the npm registry"):
        fetch_package(package, tmp_path / "cache")
    (tmp_path / "cache" / "some-1.0.tgz").write_bytes(b"good")
    assert fetch_package(package, tmp_path / "cache").read_bytes() == b"good"


def test_another_file_than_expected_is_not_used(tmp_path, monkeypatch):
    package = Package("some", "1.0", base64.b64encode(hashlib.sha512(b"good").digest()).decode())
    monkeypatch.setattr(
        npm.shutil, "which", lambda _: registry(tmp_path, 'echo bad > "$last/some-1.0.tgz"')
    )
    with pytest.raises(ConfigError, match="another file than expected"):
        fetch_package(package, tmp_path / "cache")


def test_a_package_of_a_scope_has_the_name_that_npm_gives_it():
    assert Package("@a/b-c", "1.2", "").file == "a-b-c-1.2.tgz"
