"""The page to try the service by, in a real browser."""

import numpy as np
import pytest
from PIL import Image

from scenelet.serve.token import sha256_of

pytestmark = pytest.mark.browser


@pytest.fixture
def photo(tmp_path):
    """Three megabytes of it."""
    noise = np.random.default_rng(1).integers(0, 256, (1500, 2000, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.jpg", quality=92)
    return tmp_path / "photo.jpg"


def test_it_sends_the_token_and_a_large_photo_no_larger_than_a_model_needs(
    chromium, serve, bundle, photo, monkeypatch
):
    monkeypatch.setenv("SCENELET_TOKEN_SHA256", sha256_of("open sesame"))
    monkeypatch.setenv("SCENELET_MAX_BODY_BYTES", "1000000")
    assert photo.stat().st_size > 2_000_000
    server = serve(bundle)
    page = chromium.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/docs")
    page.get_by_text("send the token of this service").wait_for()
    page.get_by_label("Token").fill("open sesame")
    page.keyboard.press("Tab")
    page.get_by_label("A picture").set_input_files(photo)
    page.get_by_text("Takes JPEG, PNG").wait_for()
    page.get_by_role("button", name="Classify").click()
    page.get_by_text('"bundle_created"').wait_for()
    page.close()
