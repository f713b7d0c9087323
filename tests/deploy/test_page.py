"""The deployed address, opened in a browser: a real package under the real awslambdaric."""

import contextlib
import http.server
import io
import json
import threading
import zipfile

import pytest
from gateway import Handler
from playwright.sync_api import expect
from watched import Watched

from scenelet.deploy.runtime_api import RunningFunction
from scenelet.serve.token import sha256_of

pytestmark = pytest.mark.browser
ANSWER = {  # its classes are names that an object of JavaScript puts into another order
    "label": "10",
    "probabilities": {"10": 0.7, "dog": 0.2, "2": 0.1},
    "abstains": False,
    "is_stranger": False,
}
NASTY = "<img src=x onerror=alert(1)>"


class Door(Handler):
    """HTTP to events of the function, and its answers back."""

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.server.lock:
            told = self.server.function.invoke(self.event(body))
        self.send(told["statusCode"], told["body"].encode(), told["headers"])

    do_POST = do_GET = do_HEAD = answer


@contextlib.contextmanager
def address(runtime, packed, root, **environment):
    zipfile.ZipFile(io.BytesIO(packed["first"].content)).extractall(root)
    contract = root / "bundle" / "bundle.json"
    contract.write_text(contract.read_text().replace('"sea"', json.dumps(NASTY)))
    handler = packed["first"].description.handler
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    with RunningFunction(runtime, root, handler, environment, memory_mib=512) as function:
        server.function, server.lock = function, threading.Lock()
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
    server.server_close()


@pytest.fixture
def opened(chromium):
    """Opens an address; nothing may go wrong in the page, and nobody else be asked."""
    contexts = []

    def at(url, **options):
        context = chromium.new_context(**options)
        watched = Watched(context.new_page())
        contexts.append((context, watched))
        watched.page.goto(url)
        return watched

    yield at
    for context, watched in contexts:
        context.close()
        assert watched.foreign == []


def upload(page, bundle, name="buildings.jpg"):
    page.locator("#file").set_input_files(bundle / "golden" / name)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_picture_is_answered_in_the_page_of_the_address(
    runtime, packed, bundle, tmp_path, opened, scheme
):
    with address(runtime, packed, tmp_path) as url:
        view = {"width": 390, "height": 800}
        watched = opened(url, viewport=view, color_scheme=scheme)
        page = watched.page
        page.get_by_text("It knows 6 classes").wait_for()
        assert NASTY in page.locator("#about").inner_text()  # as text, not as an image
        upload(page, bundle)
        page.locator("#bars li").first.wait_for()
        assert "buildings" in page.locator("#said").inner_text()
        assert page.get_by_text("answered, not kept").is_visible()
        assert page.locator("#bars li").count() == 5
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert watched.errors == []


def test_classes_that_are_numbers_are_ranked_by_their_probability(
    runtime, packed, bundle, tmp_path, opened
):
    with address(runtime, packed, tmp_path) as url:
        page = opened(url).page
        page.route("**/predict", numbered)
        upload(page, bundle)
        expect(page.locator("#bars li > span:first-child")).to_have_text(["10", "dog", "2"])


def test_an_answer_that_was_overtaken_is_not_shown(runtime, packed, bundle, tmp_path, opened):
    with address(runtime, packed, tmp_path) as url:
        page, held = opened(url).page, []
        page.route("**/predict", lambda route: numbered(route) if held else held.append(route))
        with page.expect_request("**/predict"):
            upload(page, bundle)
        upload(page, bundle, "street-grey.jpg")
        expect(page.locator("#said")).to_have_text("10")
        held[0].fulfill(json=ANSWER | {"label": "dog"})
        page.wait_for_timeout(200)
        expect(page.locator("#said")).to_have_text("10")


def numbered(route):
    route.fulfill(json=ANSWER)


def test_a_token_is_asked_for_and_what_was_asked_is_asked_again(
    runtime, packed, bundle, tmp_path, opened
):
    hashed = {
        "SCENELET_TOKEN_SHA256": sha256_of("our secret"),
        "SCENELET_COLLECT": "s3://photos/unsure/",
    }
    with address(runtime, packed, tmp_path, **hashed) as url:
        page = opened(url).page
        upload(page, bundle)
        page.get_by_text("send the token of this service").first.wait_for()
        box = page.get_by_label("My pictures may be kept for 30 days")
        assert box.is_hidden()
        page.get_by_label("This service asks for its token").fill("our secret")
        with page.expect_request("**/predict") as asked:
            page.keyboard.press("Enter")
        assert asked.value.headers["x-scenelet-keep"] == "no"
        page.locator("#bars li").first.wait_for()
        assert page.locator("#unlock").is_hidden()
        expect(box).not_to_be_checked()
        box.check()
        with page.expect_request("**/predict") as asked:
            upload(page, bundle)
        assert asked.value.headers["x-scenelet-keep"] == "yes"
